"""What one check costs, beside importing the tools it speaks for and beside Dagster's own validation.

Cold: no fact, answer or verdict is kept. Warm: nothing has changed. One page changed: a paragraph was added to a page.
"""

from __future__ import annotations

import compileall
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import dagster_playbook
from benchmarks.project import drop_cache, fresh_project, script, write_result
from benchmarks.timing import Case, Timing, in_turns

#: what is promised: (name, of, highest ratio)
TARGETS = (
    ("check, cold", "dagster definitions validate", 1.15),
    ("check, warm", "import sqlmesh, dagster", 0.08),
    ("check, one page changed", "import sqlmesh, dagster", 0.25),
)
_PAGE = "docs/playbook/restatements.md"


def main(rounds: int, say: Callable[[str], None]) -> bool:
    """Measure, print, write `results/startup.json`; whether every target was met."""
    # as an installed package is; where Python may not write bytecode, an editable one would be compiled at each start
    compileall.compile_dir(str(Path(dagster_playbook.__file__).parent), quiet=1)
    with fresh_project() as root:
        say("loading everything once")
        cases = _cases(root)
        in_turns([case for case in cases if case.name != "check, cold"], 1)
        timings = in_turns(cases, rounds, say)
    return _tell(timings)


def _cases(root: Path) -> list[Case]:
    check = [script("playbook"), "check", "--format", "json"]
    numbers = count()
    page = root / _PAGE
    original = page.read_text(encoding="utf-8")

    def change() -> None:
        page.write_text(f"{original}\nThis paragraph is number {next(numbers)}.\n", encoding="utf-8")

    def settle() -> None:
        """The state of a warm check: the page as it is has been judged."""
        page.write_text(original, encoding="utf-8")
        in_turns([Case("settling", check, root, allowed=(0, 1))], 1)

    validate = [script("dagster"), "definitions", "validate", "-m", "oso_dagster.definitions"]
    return [
        Case("import sqlmesh, dagster", [sys.executable, "-c", "import sqlmesh, dagster"], root),
        Case("dagster definitions validate", validate, root / "warehouse"),
        Case("check, cold", check, root, lambda: drop_cache(root), (0, 1)),
        Case("check, warm", check, root, settle, (0, 1)),
        Case("check, one page changed", check, root, change, (0, 1)),
    ]


def _tell(timings: dict[str, Timing]) -> bool:
    print(f"{'':32}{'wall':>9}{'cpu':>9}{'spread':>9}{'peak':>10}")
    for name, timing in timings.items():
        peak = f"{timing.peak_bytes / 1e6:.0f} MB"
        print(f"{name:32}{timing.wall_s:8.3f}s{timing.cpu_s:8.3f}s{timing.spread:9.0%}{peak:>10}")
    print()
    ratios = []
    for name, of, most in TARGETS:
        wall, cpu = timings[name].wall_s / timings[of].wall_s, timings[name].cpu_s / timings[of].cpu_s
        verdict = "met" if wall <= most else "MISSED"
        print(f"{name} / {of}: {wall:.3f} (cpu {cpu:.3f}), at most {most}: {verdict}")
        ratios.append({"name": name, "of": of, "ratio": round(wall, 4), "cpu_ratio": round(cpu, 4), "at_most": most})
    write_result("startup", {"timings": [timing.as_dict() for timing in timings.values()], "ratios": ratios})
    return all(item["ratio"] <= item["at_most"] for item in ratios)  # type: ignore[operator]
