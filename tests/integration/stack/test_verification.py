"""Verification before a move, and going back, on the real services."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.services.trino_query import TrinoError

pytestmark = pytest.mark.stack


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `playbook verify` is run: a folder without a SQLMesh project, unless the test puts one there."""
    (tmp_path / "pyproject.toml").write_text("[tool.playbook]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(stack: Any, schema: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `playbook verify` on the tables of a schema."""
    program = "from dagster_playbook.cli import main; main()"
    command = [sys.executable, "-c", program, "verify", "--tables", f"{schema}.*", *arguments]
    return subprocess.run(command, env={**os.environ, **stack.env}, capture_output=True, text=True, check=False)


def verify(stack: Any, schema: str, *arguments: str) -> tuple[int, dict[str, Any] | str]:
    """Its exit code and its JSON, or what it said instead."""
    result = run(stack, schema, "--format", "json", *arguments)
    return result.returncode, json.loads(result.stdout) if result.stdout else result.stderr


@pytest.fixture
def promoted(stack: Any, schema: str, project: Path) -> str:
    """Two tables of a hundred rows that consumers read."""
    for name in ("changing", "still"):
        stack.sql(
            f"CREATE TABLE iceberg.{schema}.{name} AS SELECT n, CAST(n AS varchar) AS label, "
            "TIMESTAMP '2026-01-01 00:00:00.000000' AS at, ARRAY[n] AS list FROM UNNEST(sequence(1, 100)) AS t(n)"
        )
    stack.promote()
    return schema


def test_a_small_change_may_move(stack: Any, promoted: str) -> None:
    """A few more rows are compared and may move; a table that did not change is not even read."""
    stack.sql(f"INSERT INTO iceberg.{promoted}.changing SELECT n, 'x', NULL, NULL FROM UNNEST(sequence(1, 3)) AS t(n)")
    code, verdict = verify(stack, promoted)
    assert (code, verdict["compared"], verdict["unchanged"]) == (0, [f"{promoted}.changing"], [f"{promoted}.still"])


def test_lost_rows_are_refused_until_accepted(stack: Any, promoted: str) -> None:
    """A table that lost half of its rows is refused by name, and may move once each crossing is accepted."""
    stack.sql(f"DELETE FROM iceberg.{promoted}.changing WHERE n > 80")
    code, verdict = verify(stack, promoted)
    keys = [crossing["key"] for crossing in verdict["crossings"]]
    assert code == 1
    assert f"{promoted}.changing:rows" in keys
    accepted = [argument for key in keys for argument in ("--accept", key)]
    assert verify(stack, promoted, *accepted)[0] == 0


def test_a_lost_table_and_column_are_refused(stack: Any, promoted: str) -> None:
    """A dropped table and a dropped column that consumers read are both refused."""
    stack.sql(f"ALTER TABLE iceberg.{promoted}.changing DROP COLUMN label")
    stack.sql(f"INSERT INTO iceberg.{promoted}.changing VALUES (1, NULL, NULL)")
    stack.sql(f"DROP TABLE iceberg.{promoted}.still")
    code, verdict = verify(stack, promoted)
    assert code == 1
    assert {c["key"] for c in verdict["crossings"]} == {
        f"{promoted}.changing:label.missing",
        f"{promoted}.still:missing",
    }


def test_going_back_is_proven_from_the_files(stack: Any, promoted: str) -> None:
    """An earlier hash, which no catalog shows, is read from its files: it may be gone back to while they are there."""
    with stack.nessie() as client:
        old = client.get_reference("consumer").hash
    stack.sql(f"INSERT INTO iceberg.{promoted}.changing SELECT n, 'x', NULL, NULL FROM UNNEST(sequence(1, 3)) AS t(n)")
    stack.promote()
    code, verdict = verify(stack, promoted, "--to-hash", old)
    assert (code, verdict["compared"], verdict["unreadable"]) == (0, [f"{promoted}.changing"], {})


def test_a_hash_whose_files_are_gone_is_refused(stack: Any, promoted: str) -> None:
    """Going back to a hash of which a data file was deleted is refused, and the table is named."""
    with stack.nessie() as client:
        old = client.get_reference("consumer").hash
    table = f"{promoted}.changing"
    (path,) = [row[0] for row in stack.sql(f'SELECT file_path FROM iceberg.{promoted}."changing$files"').rows]
    stack.sql(f"DELETE FROM iceberg.{table}")
    stack.sql(f"INSERT INTO iceberg.{table} SELECT n, 'x', NULL, NULL FROM UNNEST(sequence(1, 100)) AS t(n)")
    stack.promote()
    (stack.local.room.data / "s3proxy" / path.removeprefix("s3://")).unlink()
    code, verdict = verify(stack, promoted, "--to-hash", old)
    assert (code, list(verdict["unreadable"])) == (1, [table])


def test_trino_cannot_travel_in_time_over_nessie(stack: Any, promoted: str) -> None:
    """Nessie shows of each table only the snapshot at the reference, so `FOR VERSION AS OF` an earlier one fails."""
    table = f"iceberg.{promoted}.changing"
    with stack.nessie() as client:
        (old,) = [c.snapshot_id for c in client.contents("main") if c.name == f"{promoted}.changing"]
    stack.sql(f"INSERT INTO {table} SELECT n, 'x', NULL, NULL FROM UNNEST(sequence(1, 3)) AS t(n)")
    with pytest.raises(TrinoError, match="snapshot ID does not exist"):
        stack.sql(f"SELECT count(*) FROM {table} FOR VERSION AS OF {old}")


def test_a_hash_off_the_branch_cannot_be_verified(stack: Any, promoted: str) -> None:
    """A hash that is not on the branch is told, with exit code 2."""
    code, said = verify(stack, promoted, "--to-hash", "12345678deadbeef")
    assert code == 2
    assert "not on the history of main" in said


def test_needless_acceptance_is_told(stack: Any, promoted: str) -> None:
    """Accepting what was not crossed is an error, so that no acceptance outlives its reason."""
    code, said = verify(stack, promoted, "--accept", "oso.gone:rows")
    assert code == 2
    assert "nothing of that name was crossed" in said
