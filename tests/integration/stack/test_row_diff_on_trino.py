"""`playbook diff` on two Nessie references, through the real Trino."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.stack

MODEL = "MODEL (name {schema}.{table}, kind FULL, grain n, columns (n int, label text)); SELECT 1 AS n, 'x' AS label\n"


@pytest.fixture
def promoted(stack: Any, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Tables of a hundred rows that consumers read, with a project that knows the grain of all but one."""
    (tmp_path / "pyproject.toml").write_text('[tool.playbook]\n[[tool.playbook.sqlmesh]]\npath = "p"\n')
    (tmp_path / "p" / "models").mkdir(parents=True)
    (tmp_path / "p" / "config.yaml").write_text(
        "model_defaults: {dialect: trino}\n"
        "gateways: {local: {connection: {type: duckdb, catalogs: {iceberg: ':memory:'}}}}\n"
    )
    for table in ("changing", "still", "lost"):
        (tmp_path / "p" / "models" / f"{table}.sql").write_text(MODEL.format(schema=schema, table=table))
    for table in ("changing", "still", "lost", "unknown"):
        stack.sql(
            f"CREATE TABLE iceberg.{schema}.{table} AS SELECT n, CAST(n * 7 % 13 AS varchar) AS label, "
            "ARRAY[n] AS list, IF(n < 3, NULL, 'p' || CAST(n AS varchar) || '@mail.example.co') AS note "
            "FROM UNNEST(sequence(1, 100)) t(n)"
        )
    stack.sql(f"CREATE VIEW iceberg.{schema}.seen AS SELECT n FROM iceberg.{schema}.changing")
    stack.promote()
    monkeypatch.chdir(tmp_path)
    return schema


def diff(stack: Any, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Its exit code and the tables of its JSON by name."""
    program = "from dagster_playbook.cli import main; main()"
    command = [sys.executable, "-c", program, "diff", "consumer", "main", "--format", "json", *arguments]
    done = subprocess.run(command, env={**os.environ, **stack.env}, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, {table["name"]: table for table in json.loads(done.stdout)["tables"]}


def test_rows_are_compared_by_grain_through_two_catalogs(stack: Any, promoted: str) -> None:
    """Swapped values, a row that came and one that went, with examples; what did not change is not read."""
    table = f"iceberg.{promoted}.changing"
    stack.sql(f"UPDATE {table} SET label = IF(n = 1, 'b', 'a') WHERE n IN (1, 2)")
    stack.sql(f"DELETE FROM {table} WHERE n = 100")
    stack.sql(f"INSERT INTO {table} VALUES (101, 'x', ARRAY[1, 2], NULL)")
    code, tables = diff(stack)
    found = tables[f"{promoted}.changing"]
    assert (code, found["grain"], found["columns"]) == (1, ["n"], {"label": 2})
    assert (found["added"], found["removed"], found["changed"]) == (1, 1, 2)
    assert {example["change"]: example["key"] for example in found["examples"]}["removed"] == {"n": 100}
    assert "p100@" not in str(found["examples"])
    assert tables[f"{promoted}.still"]["state"] == tables[f"{promoted}.seen"]["state"] == "same"


def test_what_no_grain_tells_apart_is_compared_whole(stack: Any, promoted: str) -> None:
    """A table without a model, a grain that is not unique, a lost column and a lost table each say what they are."""
    stack.sql(f"UPDATE iceberg.{promoted}.unknown SET label = 'z' WHERE n = 5")
    stack.sql(f"INSERT INTO iceberg.{promoted}.changing SELECT * FROM iceberg.{promoted}.changing WHERE n = 7")
    stack.sql(f"ALTER TABLE iceberg.{promoted}.still DROP COLUMN note")
    stack.sql(f"DROP TABLE iceberg.{promoted}.lost")
    _, tables = diff(
        stack, *(arg for t in ("unknown", "changing", "still", "lost") for arg in ("--table", f"{promoted}.{t}"))
    )
    unknown, repeated = tables[f"{promoted}.unknown"], tables[f"{promoted}.changing"]
    assert (unknown["added"], unknown["removed"], unknown["problem"]) == (1, 1, "the model says no grain")
    assert "the grain (n) is not unique: 1 key stands" in repeated["problem"]
    assert (repeated["examples"][0]["key"], repeated["added"]) == ({"n": 7}, 1)
    assert tables[f"{promoted}.still"]["columns_removed"] == ["note"]
    assert (tables[f"{promoted}.lost"]["state"], tables[f"{promoted}.lost"]["rows_before"]) == ("removed", 100)


def test_of_a_large_table_a_part_of_the_keys_is_compared(stack: Any, promoted: str) -> None:
    """The same keys on both sides, by Trino's own hash."""
    stack.sql(f"UPDATE iceberg.{promoted}.changing SET label = label || '!'")
    _, tables = diff(stack, "--table", f"{promoted}.changing", "--max-rows", "25")
    found = tables[f"{promoted}.changing"]
    assert (found["share"], found["added"], found["removed"]) == (0.25, 0, 0)
    assert 5 < found["changed"] < 60


def test_of_many_rows_only_where_checksums_differ_is_looked_at(stack: Any, promoted: str) -> None:
    """One row of 120,000, by checksums of parts of the keys."""
    stack.sql(
        f"CREATE OR REPLACE TABLE iceberg.{promoted}.changing AS SELECT a * 300 + b AS n, CAST(b AS varchar) AS label "
        "FROM UNNEST(sequence(0, 399)) x(a) CROSS JOIN UNNEST(sequence(0, 299)) y(b)"
    )
    stack.promote()
    stack.sql(f"UPDATE iceberg.{promoted}.changing SET label = 'other' WHERE n = 777")
    _, tables = diff(stack, "--table", f"{promoted}.changing")
    found = tables[f"{promoted}.changing"]
    assert (found["added"], found["removed"], found["changed"], found["columns"]) == (0, 0, 1, {"label": 1})
    assert found["examples"][0] == {
        "change": "changed",
        "key": {"n": 777},
        "before": {"label": "177"},
        "after": {"label": "other"},
    }
