"""SQLMesh's own audits before a move, on the data of the commit that would be promoted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.stack

CONFIG = """
gateways: {local: {connection: {type: duckdb, catalogs: {iceberg: ":memory:"}}}}
model_defaults: {dialect: trino, start: "2026-01-01"}
"""
MODEL = """
MODEL (
  name @SCHEMA.facts,
  kind INCREMENTAL_BY_TIME_RANGE (time_column day),
  audits (
    not_null(columns := (n)),
    accepted_range(column := n, min_v := 0),
    known,
    accepted_range(column := n, max_v := 8, blocking := false),
    asks_the_engine,
    left_out
  )
);
SELECT n, day FROM @SCHEMA.names
"""
AUDITS = """
AUDIT (name known);
SELECT facts.* FROM @this_model AS facts LEFT JOIN @SCHEMA.names AS names ON facts.n = names.n WHERE names.n IS NULL;

AUDIT (name asks_the_engine, blocking false);
SELECT * FROM @this_model WHERE n = @of_the_engine();

AUDIT (name left_out, skip true);
SELECT * FROM @this_model;
"""
MACRO = """
from sqlmesh import macro

@macro()
def of_the_engine(evaluator):
    return str(evaluator.engine_adapter.fetchone("SELECT 1")[0])
"""


@pytest.fixture
def audited(stack: Any, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two tables that consumers read, and a SQLMesh project with audits of `facts` where `playbook verify` is run."""
    for folder, name, text in (
        ("models", "facts.sql", MODEL),
        ("models", "names.sql", "MODEL (name @SCHEMA.names, kind FULL); SELECT 1::BIGINT AS n, CURRENT_DATE AS day"),
        ("audits", "all.sql", AUDITS),
        ("macros", "engine.py", MACRO),
        ("macros", "__init__.py", ""),
        (".", "config.yaml", CONFIG),
        (".", "pyproject.toml", '[tool.playbook]\n[[tool.playbook.sqlmesh]]\npath = "."\n'),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text(textwrap.dedent(text).replace("@SCHEMA", schema))
    monkeypatch.chdir(tmp_path)
    for name in ("facts", "names"):
        stack.sql(
            f"CREATE TABLE iceberg.{schema}.{name} AS "
            "SELECT n, DATE '2026-01-01' AS day FROM UNNEST(sequence(1, 8)) AS t(n)"
        )
    stack.promote()
    return schema


def run(stack: Any, schema: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `playbook verify` on the tables of a schema, with room for a row more."""
    program = "from dagster_playbook.cli import main; main()"
    options = ["--tables", f"{schema}.*", "--threshold", "mean=100", "--threshold", "rows_lost=1", *arguments]
    command = [sys.executable, "-c", program, "verify", *options]
    return subprocess.run(command, env={**os.environ, **stack.env}, capture_output=True, text=True, check=False)


def verify(stack: Any, schema: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Its exit code and its JSON."""
    result = run(stack, schema, "--format", "json", *arguments)
    assert result.stdout, result.stderr
    return result.returncode, json.loads(result.stdout)


def states(verdict: dict[str, Any]) -> dict[str, str]:
    """What came of each audit."""
    return {audit["name"]: audit["state"] for audit in verdict["audits"]}


def test_green_audits_let_the_tag_move(stack: Any, audited: str) -> None:
    """Audits that pass let the tag move; what was not run is told, and so is a table that has none."""
    code, verdict = verify(stack, audited)
    assert code == 0
    assert states(verdict) == {
        "not_null": "passed",
        "accepted_range": "passed",
        "known": "passed",
        "accepted_range.2": "passed",
        "asks_the_engine": "not run",
        "left_out": "not run",
    }
    assert verdict["without_model"] == []


def test_a_failing_audit_is_refused_until_accepted(stack: Any, audited: str) -> None:
    """A row that breaks an audit refuses the move by the audit's name, also in a table far from any threshold."""
    stack.sql(f"INSERT INTO iceberg.{audited}.facts VALUES (-1, DATE '2026-01-02')")
    code, verdict = verify(stack, audited)
    keys = [f"{audited}.facts:audit.{name}" for name in ("accepted_range", "known")]
    assert (code, [c["key"] for c in verdict["crossings"]]) == (1, keys)
    assert verify(stack, audited, "--accept", keys[0], "--accept", keys[1])[0] == 0


def test_an_audit_that_reads_an_unchanged_table_is_run(stack: Any, audited: str) -> None:
    """An audit fails for what changed in another table that it reads, though the table itself did not change."""
    stack.sql(f"DELETE FROM iceberg.{audited}.names WHERE n = 8")
    code, verdict = verify(stack, audited)
    assert (code, verdict["unchanged"], states(verdict)["known"]) == (1, [f"{audited}.facts"], "failed")


def test_what_sqlmesh_would_not_stop_for_is_only_told(stack: Any, audited: str) -> None:
    """An audit that does not block is shown as failed and refuses nothing."""
    for name in ("facts", "names"):
        stack.sql(f"INSERT INTO iceberg.{audited}.{name} VALUES (9, DATE '2026-01-02')")
    result = run(stack, audited)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "6  3 passed, 1 failed, 2 not run" in result.stdout
    (line,) = [line for line in result.stdout.splitlines() if "audit.accepted_range.2" in line]
    assert line.endswith("1     failed, and does not block")


def test_an_earlier_commit_is_audited_from_its_files(stack: Any, audited: str) -> None:
    """A commit that no catalog shows is audited on its own rows, not on those of today."""
    stack.sql(f"INSERT INTO iceberg.{audited}.facts VALUES (-1, DATE '2026-01-02')")
    with stack.nessie() as client:
        broken = client.get_reference("main").hash
    stack.sql(f"DELETE FROM iceberg.{audited}.facts WHERE n < 0")
    assert verify(stack, audited)[0] == 0
    code, verdict = verify(stack, audited, "--to-hash", broken)
    assert (code, states(verdict)["accepted_range"], states(verdict)["known"]) == (1, "failed", "failed")
    assert states(verdict)["not_null"] == "passed"


def test_a_blocking_audit_that_cannot_be_run_is_refused(stack: Any, audited: str, tmp_path: Path) -> None:
    """A blocking audit that cannot be rendered is no pass: it refuses the move and says why."""
    path = tmp_path / "audits" / "all.sql"
    path.write_text(path.read_text().replace(", blocking false", ""))
    code, verdict = verify(stack, audited)
    (crossing,) = verdict["crossings"]
    assert (code, crossing["check"]) == (1, "audit.asks_the_engine")
    assert "SQLMesh cannot render it here" in crossing["message"]
