"""A SQLMesh plan on Trino that loses Trino in the middle: planned again, it ends where an undisturbed one ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

pytestmark = pytest.mark.stack

PROJECT = Path(__file__).resolve().parents[3]
#: three kinds that SQLMesh writes in different ways; the middle one in several commits, each of 100,000 rows
MODELS = {
    "first": "kind FULL, audits (not_null(columns := (n)))); SELECT n FROM UNNEST(SEQUENCE(1, 100)) AS t(n)",
    "days": "kind INCREMENTAL_BY_TIME_RANGE (time_column day, batch_size 1, batch_concurrency 1), start '2026-01-01', "
    "end '2026-01-04', audits (not_null(columns := (n)))); SELECT a * 1000 + first.n AS n, CAST(@start_ds AS DATE) "
    "AS day FROM UNNEST(SEQUENCE(1, 1000)) AS x(a) CROSS JOIN @SCHEMA.first AS first",
    "keyed": "kind INCREMENTAL_BY_UNIQUE_KEY (unique_key day), audits (not_null(columns := (day)))); "
    "SELECT day, COUNT(*) AS rows_count, SUM(n) AS total FROM @SCHEMA.days GROUP BY day",
}


@dataclass
class Planner:
    """A small project with the settings of the reference project, in a schema and with a state of its own."""

    stack: Any
    folder: Path
    schema: str

    def start(self) -> subprocess.Popen[str]:
        """Start to plan production, and to compute what was begun and what is due."""
        environment = {
            **os.environ,
            **self.stack.env,
            "OSO_WAREHOUSE_DATA": str(self.folder / "data"),
            "OSO_SQLMESH_SOURCES": "seeds",
            "SQLMESH_POSTGRES_DB": self.schema,
            "MAX_FORK_WORKERS": "1",
            "PYTHONUNBUFFERED": "1",
            "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
        }
        program = "from sqlmesh.cli.main import cli; cli()"
        arguments = ["-p", str(self.folder), "--gateway", "trino", "plan", "--auto-apply", "--no-prompts", "--run"]
        return subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def days(self) -> int:
        """How many days are committed."""
        return int(self.stack.sql(f"SELECT count(DISTINCT day) FROM iceberg.{self.schema}.days").scalar())

    def data(self) -> dict[str, Any]:
        """Name of each table of the schema to its rows' count and checksum."""
        found = {}
        for (table,) in self.stack.sql(f"SHOW TABLES FROM iceberg.{self.schema}").rows:
            name = f'iceberg.{self.schema}."{table}"'
            columns = ", ".join(row[0] for row in self.stack.sql(f"SHOW COLUMNS FROM {name}").rows)
            found[table] = self.stack.sql(f"SELECT count(*), checksum(ROW({columns})) FROM {name}").rows
        return found

    def state(self) -> dict[str, list[Any]]:
        """What SQLMesh remembers of production: each model's intervals, and whether the environment is whole."""
        with state_of(self.stack, self.schema) as cursor:
            cursor.execute(
                "SELECT split_part(name, '.', 3), min(start_ts), max(end_ts) FROM sqlmesh._intervals "
                "WHERE NOT is_removed AND NOT is_pending_restatement GROUP BY name ORDER BY name"
            )
            intervals = cursor.fetchall()
            cursor.execute("SELECT name, finalized_ts IS NOT NULL FROM sqlmesh._environments")
            return {"intervals": intervals, "environments": cursor.fetchall()}


@contextlib.contextmanager
def state_of(stack: Any, database: str) -> Any:
    """A cursor on a database of the stack's Postgres; each statement is a transaction of its own."""
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    options = {option: stack.env[f"SQLMESH_POSTGRES_{name}"] for option, name in names.items()}
    with contextlib.closing(psycopg2.connect(dbname=database, **options)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


def planner(stack: Any, folder: Path, schema: str) -> Planner:
    """A project whose models are in `schema`, and a database of that name for SQLMesh's state."""
    for name in ("config.py", "macros"):
        source = PROJECT / "warehouse" / "oso_sqlmesh" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, _made(folder) / name)
    for name, text in MODELS.items():
        model = f"MODEL (name @SCHEMA.{name}, {text}".replace("@SCHEMA", schema)
        (_made(folder / "models") / f"{name}.sql").write_text(model)
    with state_of(stack, "sqlmesh") as cursor:
        cursor.execute(f'CREATE DATABASE "{schema}"')
    return Planner(stack, folder, schema)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_a_plan_that_lost_trino_is_finished_by_the_next(stack: Any, schema: str, tmp_path: Path) -> None:
    """Trino killed in the middle of a plan fails it; the next ends with the data and state of an undisturbed one."""
    stack.sql(f"CREATE SCHEMA iceberg.{schema}_whole")
    whole = planner(stack, tmp_path / "whole", f"{schema}_whole")
    cut = planner(stack, tmp_path / "cut", schema)
    process = cut.start()
    try:
        assert any("[1/4]" in line for line in iter(process.stdout.readline, "")), "the first day was never told"
        psutil.Process(next(s.pid for s in stack.local.status() if s.service == "trino")).kill()
        said, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode != 0, said
    stack.up()
    assert 1 <= cut.days() < 4
    both = [one.start() for one in (cut, whole)]
    for process in both:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
    assert cut.data() == whole.data()
    assert cut.state() == whole.state()
    stack.sql(f"DROP SCHEMA iceberg.{schema}_whole CASCADE")
