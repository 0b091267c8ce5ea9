"""Run what was written, in processes of their own: the asset, its test, SQLMesh's test, a plan on the seeds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dagster_playbook.errors import ScaffoldError
from dagster_playbook.scaffold.layout import Layout, TableName
from dagster_playbook.scaffold.sources import read_materialised

TIMEOUT_S = 600.0
_ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_TAIL_LINES = 30


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one command said; `tail` holds its last lines when it failed, its proof when it went well."""

    step: str
    command: str
    is_ok: bool
    seconds: float
    tail: str

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def run(
    step: str,
    argv: Sequence[str],
    cwd: Path,
    variables: Mapping[str, str],
    *,
    proof: str = "",
    timeout_s: float = TIMEOUT_S,
) -> Outcome:
    """Run one command to its end; a command that is missing or hangs is an outcome as well.

    Args:
        proof: a pattern that a line has to match: exit code 0 alone does not say that anything was done.
    """
    started = time.monotonic()
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **variables}
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
    proofs = [line.strip() for line in lines if re.search(proof, line)]
    tail = proofs[-1] if is_ok and proofs else "\n".join(lines[-_TAIL_LINES:])
    return Outcome(step, shown, is_ok and bool(proofs or not proof), time.monotonic() - started, tail)


def run_asset(layout: Layout, name: TableName) -> Iterator[Outcome]:
    """The generated test, then the asset materialised for real; stops at the first failure."""
    test = f"tests/unit/warehouse/test_source_{name.joined}.py"
    python = {"PYTHONPATH": str(layout.root / layout.working_directory), "DAGSTER_DISABLE_TELEMETRY": "1"}
    plain = ("-q", "--no-header", "-p", "no:cacheprovider", "--import-mode=importlib", "-o", "addopts=")
    test_run = run(
        "test", [sys.executable, "-m", "pytest", *plain, "--noconftest", test], layout.root, python, proof=r"\d+ passed"
    )
    yield test_run
    if test_run.is_ok:
        materialise = ["asset", "materialize", "-m", layout.module, "--select", f"key:{name.source}/{name.table}"]
        folder = layout.root / layout.working_directory
        yield with_rows(
            run("materialise", [sys.executable, "-m", "dagster", *materialise], folder, python), layout, name
        )


def with_rows(outcome: Outcome, layout: Layout, name: TableName) -> Outcome:
    """A materialisation with its proof: the rows that now stand in the embedded warehouse; none is a failure.

    Behind another gateway than DuckDB the outcome stays as it is.
    """
    if not outcome.is_ok or os.environ.get("DAGSTER_SQLMESH_GATEWAY", "duckdb") != "duckdb":
        return outcome
    try:
        rows = read_materialised(layout.root, name.source, name.table).total_rows
    except ScaffoldError as error:
        return replace(outcome, is_ok=False, tail=str(error))
    return replace(outcome, is_ok=rows > 0, tail=f"{rows} rows in {name.raw}")


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
                proof = "Successfully Ran" if step == "unit test" else r"audits passed \d"
                outcome = run(step, argv, layout.root, variables | raw, proof=proof)
                yield outcome
                if not outcome.is_ok:
                    return
