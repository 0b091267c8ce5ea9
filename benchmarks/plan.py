"""What `playbook plan` costs on a project of 1,000 models, beside loading the same project's SQLMesh context.

The context is what any tool has to load to know the graph; the rest is ours: SQLMesh's own plan of the restatement, the
windows and their reasons. Every model is deployed first without a backfill, so that the state knows all of them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.project import script, write_result
from benchmarks.timing import Case, Timing, in_turns

MODELS = 1_000
#: what is promised: wall time of a plan over wall time of loading the context
AT_MOST = 1.3
PLAN, LOAD = "playbook plan", "load the SQLMesh context"
#: each layer reads the one above; a restated model has about half of the project downstream
_LAYERS = 10
_CONFIG = """
from pathlib import Path
from sqlmesh.core.config import Config, DuckDBConnectionConfig, GatewayConfig, ModelDefaultsConfig
from sqlmesh.core.config.common import VirtualEnvironmentMode

DATA = Path(__file__).parent / "data"
DATA.mkdir(exist_ok=True)
config = Config(
    gateways={"local": GatewayConfig(
        connection=DuckDBConnectionConfig(catalogs={"iceberg": str(DATA / "iceberg.duckdb")}, concurrent_tasks=1),
        state_connection=DuckDBConnectionConfig(database=str(DATA / "state.duckdb")),
    )},
    default_gateway="local",
    model_defaults=ModelDefaultsConfig(dialect="duckdb", start="2026-01-01", cron="@daily"),
    virtual_environment_mode=VirtualEnvironmentMode.DEV_ONLY,
    disable_anonymized_analytics=True,
)
"""
_SETTINGS = """
[project]
name = "thousand"

[tool.playbook]

[[tool.playbook.sqlmesh]]
path = "models"
"""
_RUNBOOK = """\
---
title: Restate
runbook:
  owner: data engineer
  risk: high
  parameters:
    models:
      type: list[selector]
      example: [oso.m0]
      help: Models to restate.
---

# Restate

```yaml {#restate job="all" approve="approver" no_undo="The data is rebuilt."}
ops:
  sqlmesh_project:
    config:
      restate_models: "{{ models }}"
```
"""
_DEPLOY = """
from sqlmesh import Context
from sqlmesh.core.console import NoopConsole, set_console
set_console(NoopConsole())
context = Context(paths="models")
context.plan("prod", auto_apply=True, no_prompts=True, skip_tests=True, empty_backfill=True)
context.close()
"""


def main(rounds: int, say: Callable[[str], None]) -> bool:
    """Measure, print, write `results/plan.json`; whether the target was met."""
    with tempfile.TemporaryDirectory(prefix="playbook-plan-") as folder:
        root = Path(folder)
        write_project(root, MODELS)
        say(f"deploying {MODELS} models")
        subprocess.run([sys.executable, "-c", _DEPLOY], cwd=root, check=True, capture_output=True)
        load = [sys.executable, "-c", "from sqlmesh import Context; Context(paths='models').close()"]
        plan = [script("playbook"), "plan", "restate.md", "-p", "models=oso.m0", "--format", "json"]
        cases = [Case(LOAD, load, root), Case(PLAN, plan, root)]
        in_turns(cases, 1)
        timings = in_turns(cases, rounds, say)
    return _tell(timings)


def write_project(root: Path, count: int) -> None:
    """A project of so many models in layers, each reading two of the layer above, and a runbook that restates."""
    models = root / "models" / "models"
    models.mkdir(parents=True)
    (root / "pyproject.toml").write_text(_SETTINGS, encoding="utf-8")
    (root / "restate.md").write_text(_RUNBOOK, encoding="utf-8")
    (root / "models" / "config.py").write_text(_CONFIG, encoding="utf-8")
    width = count // _LAYERS
    for number in range(count):
        (models / f"m{number}.sql").write_text(_model(number, width), encoding="utf-8")


def _model(number: int, width: int) -> str:
    layer, place = divmod(number, width)
    if layer == 0:
        return f"MODEL (name oso.m{number}, kind FULL);\nSELECT DATE '2026-01-01' AS day, {number}::INT AS n;\n"
    above = [(layer - 1) * width + (place + step) % width for step in (0, 1)]
    unions = " UNION ALL ".join(f"SELECT day, n FROM oso.m{parent}" for parent in above)
    kind = "INCREMENTAL_BY_TIME_RANGE (time_column day)" if layer % 2 else "FULL"
    where = "WHERE day BETWEEN @start_date AND @end_date " if layer % 2 else ""
    query = f"SELECT day::DATE AS day, SUM(n)::INT AS n FROM ({unions}) AS t {where}GROUP BY day"
    return f"MODEL (name oso.m{number}, kind {kind});\n{query};\n"


def _tell(timings: dict[str, Timing]) -> bool:
    for name, timing in timings.items():
        peak = f"{timing.peak_bytes / 1e6:.0f} MB"
        print(f"{name:28}{timing.wall_s:8.3f}s{timing.cpu_s:8.3f}s{timing.spread:9.0%}{peak:>10}")
    ratio = timings[PLAN].wall_s / timings[LOAD].wall_s
    cpu = timings[PLAN].cpu_s / timings[LOAD].cpu_s
    verdict = "met" if ratio <= AT_MOST else "MISSED"
    print(f"\n{PLAN} / {LOAD}, {MODELS} models: {ratio:.3f} (cpu {cpu:.3f}), at most {AT_MOST}: {verdict}")
    of = {"name": PLAN, "of": LOAD, "ratio": round(ratio, 4), "cpu_ratio": round(cpu, 4), "at_most": AT_MOST}
    write_result("plan", {"models": MODELS, "timings": [t.as_dict() for t in timings.values()], "ratios": [of]})
    return ratio <= AT_MOST
