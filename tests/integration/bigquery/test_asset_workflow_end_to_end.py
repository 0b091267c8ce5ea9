"""From nothing to a staged, tested, restatable model, for each kind of source, in a copy of the warehouse."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from google.cloud import bigquery

from dagster_playbook.cli.new import command
from dagster_playbook.scaffold.layout import layout_of
from dagster_playbook.scaffold.lint import lint_warehouse
from dagster_playbook.settings import load_settings

pytestmark = pytest.mark.bigquery
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the warehouse with data of its own."""
    root = tmp_path_factory.mktemp("workflow")
    shutil.copytree(ROOT / "warehouse", root / "warehouse", ignore=shutil.ignore_patterns("__pycache__", ".*", "logs"))
    shutil.copy(ROOT / "pyproject.toml", root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OSO_WAREHOUSE_DATA", str(root / "data"))
        for name in ("OSO_SQLMESH_SOURCES", "DAGSTER_SQLMESH_GATEWAY", "DAGSTER_HOME"):
            patch.delenv(name, raising=False)
        yield root


def _playbook(*arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--format", "json"])


def _green(result: Result) -> dict[str, Any]:
    """The JSON of a command that went well, every step of it green."""
    assert result.exit_code == 0, result.output + str(result.exception)
    told: dict[str, Any] = json.loads(result.stdout)
    assert [step["step"] for step in told["steps"] if not step["is_ok"]] == []
    return told


def test_rest_endpoint_becomes_a_staged_model(project: Path, endpoint: str) -> None:
    """A REST endpoint becomes an asset that materialises, and a model whose test, audits and restatement run."""
    asset = _green(_playbook("asset", "tracker", "issues", "--rest", endpoint, "--project", str(project)))
    assert [step["tail"] for step in asset["steps"] if step["step"] == "materialise"] == ["12 rows in tracker.issues"]
    seed = _green(_playbook("seed", "tracker", "issues", "--category", "project", "--project", str(project)))
    assert [step["step"] for step in seed["steps"]] == ["unit test", "plan and audits", "restatement"]
    assert "stg_tracker__issues" in seed["steps"][2]["tail"] and "audits passed 2" in seed["steps"][2]["tail"]
    assert 5 <= len(seed["rows"]) <= 10 and "title: empty" in seed["covered"]
    staging = (project / "warehouse/oso_sqlmesh/models/staging/stg_tracker__issues.sql").read_text(encoding="utf-8")
    assert 'tags ("entity_category=project")' in staging


def test_sql_database_becomes_a_staged_model(project: Path, records: list[dict[str, Any]], tmp_path: Path) -> None:
    """A table of a database becomes a staged, tested, restatable model."""
    database = tmp_path / "shop.db"
    with sqlite3.connect(database) as connection:
        connection.execute(
            'CREATE TABLE orders (id INTEGER, "select" TEXT, Title TEXT, amount REAL, created_at TIMESTAMP)'
        )
        rows = [
            (r["id"], r["select"], r["Title"], r["amount"], str(r["created_at"])[:19].replace("T", " "))
            for r in records
        ]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", rows)
    connection.close()
    _green(_playbook("asset", "shop", "orders", "--sql", f"sqlite:///{database}", "--project", str(project)))
    _green(_playbook("seed", "shop", "orders", "--project", str(project)))


def test_bigquery_table_becomes_a_staged_model(
    project: Path,
    records: list[dict[str, Any]],
    writer: Any,
    bigquery_emulator: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A BigQuery table becomes a staged, tested, restatable model, sampled from BigQuery."""
    field = bigquery.SchemaField
    inner = [field("a", "INT64"), field("b", "STRING", mode="REPEATED")]
    schema = [field("id", "INT64"), field("select", "STRING"), field("created_at", "TIMESTAMP")]
    schema += [field("steps", "RECORD", mode="REPEATED", fields=inner), field("_airbyte_raw_id", "STRING")]
    writer.create_table(bigquery.Table("p.d.workflow", schema=schema), timeout=10)
    rows = [
        {**{k: r[k] for k in ("id", "select", "created_at")}, "steps": [{"a": 1, "b": ["x"]}] * (r["id"] % 3)}
        for r in records
    ]
    assert writer.insert_rows_json("p.d.workflow", rows, timeout=10, retry=None) == []
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", bigquery_emulator)
    source = ("--bigquery", "p.d.workflow", "--project", str(project))
    _green(_playbook("asset", "lake", "events", *source))
    seed = _green(_playbook("seed", "lake", "events", *source))
    assert "steps: empty list" in seed["covered"]
    header = (project / "warehouse/oso_sqlmesh/seeds/seed_lake__events.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == "id,select,created_at,steps"


def test_the_written_files_keep_every_rule(project: Path) -> None:
    """What was written for the three sources has no finding of lint-warehouse."""
    result = lint_warehouse(layout_of(load_settings(project)), now=datetime.now(UTC))
    written = [f for f in result.findings if any(s in f.location.path for s in ("tracker", "shop", "lake"))]
    assert [f"{f.location}: {f.message}" for f in written] == []
    assert any("stg_tracker__issues" in path for path in result.files)


def test_sqlmesh_tests_are_green_with_the_new_models(project: Path) -> None:
    """SQLMesh's own test run passes on the old models and the new."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("sqlmesh")), "--paths", "warehouse/oso_sqlmesh", "test"],
        cwd=project, capture_output=True, text=True, timeout=120, env={**os.environ, "NO_COLOR": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_second_time_overwrites_nothing(project: Path, endpoint: str) -> None:
    """Asked again with another description, the command refuses and leaves every file as it was."""
    before = {path: path.read_bytes() for path in project.rglob("*.py")}
    source = ("tracker", "issues", "--rest", endpoint, "--description", "Another.")
    result = _playbook("asset", *source, "--project", str(project))
    assert "would be overwritten" in str(result.exception)
    assert before == {path: path.read_bytes() for path in project.rglob("*.py")}
