"""Run what was written, in processes of their own: the asset, its test, SQLMesh's test, a plan on the seeds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dagster_playbook.scaffold.layout import Layout, TableName

TIMEOUT_S = 600.0
_ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_TAIL_LINES = 30


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one command said; `tail` holds its last lines when it failed, one line when it went well."""

    step: str
    command: str
    is_ok: bool
    seconds: float
    tail: str

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def run(
    step: str, argv: Sequence[str], cwd: Path, variables: Mapping[str, str], timeout_s: float = TIMEOUT_S
) -> Outcome:
    """Run one command to its end; a command that is missing or hangs is an outcome as well."""
    started = time.monotonic()
    environment = {**os.environ, "NO_COLOR": "1", **variables}
    try:
        done = subprocess.run(
            list(argv), cwd=cwd, env=environment, capture_output=True, text=True, errors="replace",
            timeout=timeout_s, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        is_ok, output = done.returncode == 0, done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        is_ok, output = False, f"did not end within {timeout_s:.0f} s"
    except OSError as error:
        is_ok, output = False, str(error)
    lines = [line.rstrip() for line in _ANSI.sub("", output).splitlines() if line.strip()]
    shown = " ".join(Path(part).name if part.startswith("/") else part for part in argv)
    tail = "\n".join(lines[-1:] if is_ok else lines[-_TAIL_LINES:])
    return Outcome(step, shown, is_ok, time.monotonic() - started, tail)


def run_asset(layout: Layout, name: TableName) -> Iterator[Outcome]:
    """The generated test, then the asset materialised for real; stops at the first failure."""
    test = f"tests/unit/warehouse/test_source_{name.joined}.py"
    python = {"PYTHONPATH": str(layout.root / layout.working_directory), "DAGSTER_DISABLE_TELEMETRY": "1"}
    plain = ("-q", "--no-header", "-p", "no:cacheprovider", "--import-mode=importlib", "-o", "addopts=")
    test_run = run("test", [sys.executable, "-m", "pytest", *plain, "--noconftest", test], layout.root, python)
    yield test_run
    if test_run.is_ok:
        materialise = ["asset", "materialize", "-m", layout.module, "--select", f"key:{name.source}/{name.table}"]
        folder = layout.root / layout.working_directory
        yield run("materialise", [sys.executable, "-m", "dagster", *materialise], folder, python)


def run_seed(layout: Layout, name: TableName, *, restate: bool = True) -> Iterator[Outcome]:
    """SQLMesh's unit test, a plan of seed and staging model on the seeds with their audits, and a restatement.

    Stops at the first failure. The warehouse is one of its own. Nothing outside of a temporary folder is written.
    """
    with tempfile.TemporaryDirectory(prefix="playbook-seed-") as data:
        variables = {
            "OSO_WAREHOUSE_DATA": data,
            "OSO_SQLMESH_SOURCES": "seeds",
            "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
        }
        sqlmesh = [str(Path(sys.executable).with_name("sqlmesh")), "--paths", layout.sqlmesh]
        staging, seed = f"{layout.schema}.stg_{name.joined}", f"{layout.schema}.seed_{name.joined}"
        steps = {
            "unit test": [*sqlmesh, "test", f"{layout.sqlmesh}/tests/test_stg_{name.joined}.yaml"],
            "plan and audits": [
                *sqlmesh, *("plan", "--no-prompts", "--auto-apply", "--skip-tests"),
                *("--select-model", seed, "--select-model", staging),
            ],
            "restatement": [
                *sqlmesh, *("plan", "--no-prompts", "--auto-apply", "--skip-tests"),
                *("--restate-model", staging, "--select-model", seed, "--select-model", staging),
            ],
        }  # fmt: skip
        for step, argv in steps.items():
            if step != "restatement" or restate:
                raw = {"OSO_SQLMESH_SOURCES": "raw"} if step == "unit test" else {}
                outcome = run(step, argv, layout.root, variables | raw)
                yield outcome
                if not outcome.is_ok:
                    return
