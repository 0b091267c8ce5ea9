"""The reference platform on the real services: SQLMesh through Dagster on Trino, Iceberg and Nessie."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg2
import pytest

pytestmark = pytest.mark.stack

PROJECT = Path(__file__).resolve().parents[3]
MODELS = PROJECT / "warehouse" / "oso_sqlmesh" / "models"
PUBLIC = {path.stem for path in (MODELS / "marts").glob("*.sql")}


def run_job(stack: Any, home: Path, job: str) -> None:
    """Run a job of the code location as an operator would, on the stack."""
    environment = {
        **os.environ,
        **stack.env,
        "DAGSTER_HOME": str(home),
        "OSO_WAREHOUSE_DATA": str(home),
        # These restatements are nobody's production: the stack is deleted after the run.
        "OSO_RESTATEMENT_APPROVAL": "off",
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
    }
    arguments = ["-m", "dagster", "job", "execute", "-m", "oso_dagster.definitions", "-j", job]
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT / "warehouse",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, (result.stdout + result.stderr)[-3000:]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dagster's home for these runs."""
    return tmp_path_factory.mktemp("dagster")


@pytest.fixture(scope="module")
def warehouse(running_stack: Any, home: Path) -> Any:
    """The stack after `sqlmesh_all_assets` and `nessie_consumer_tag_job` have run on it."""
    running_stack.up()
    run_job(running_stack, home, "sqlmesh_all_assets")
    run_job(running_stack, home, "nessie_consumer_tag_job")
    return running_stack


def tables(stack: Any, catalog: str) -> dict[str, str]:
    """Name to kind of what is in the schema `oso`."""
    rows = stack.sql(
        f"SELECT table_name, table_type FROM {catalog}.information_schema.tables WHERE table_schema = 'oso'"
    ).rows
    return dict(rows)


def snapshots(stack: Any, reference: str) -> dict[str, int]:
    """The Iceberg snapshot of each public model at a reference."""
    with stack.nessie() as client:
        return {c.key[-1]: c.snapshot_id for c in client.contents(reference) if c.key[-1] in PUBLIC}


def test_every_model_is_materialised_on_trino(warehouse: Any) -> None:
    """After `sqlmesh_all_assets` every model of the project is there under its own name."""
    models = {path.stem for path in MODELS.rglob("*") if path.suffix in (".sql", ".py") and path.stem != "__init__"}
    assert models <= set(tables(warehouse, "iceberg"))


def test_public_models_are_plain_tables(warehouse: Any) -> None:
    """No public model is a view, since a view would show main to consumers."""
    kinds = tables(warehouse, "iceberg")
    assert {kinds[name] for name in PUBLIC} == {"BASE TABLE"}


def test_consumers_see_what_was_promoted(warehouse: Any) -> None:
    """After the tag job consumers read every public model, at the same Iceberg snapshot as main."""
    assert snapshots(warehouse, "consumer") == snapshots(warehouse, "main")
    assert warehouse.sql("SELECT count(*) FROM iceberg_consumer.oso.projects_v1").scalar() > 0


def test_sqlmesh_keeps_its_state_in_postgres(warehouse: Any) -> None:
    """SQLMesh's snapshots are recorded in the database that the stack made for them."""
    variables = warehouse.env
    with (
        contextlib.closing(
            psycopg2.connect(
                host=variables["SQLMESH_POSTGRES_HOST"],
                port=variables["SQLMESH_POSTGRES_PORT"],
                user=variables["SQLMESH_POSTGRES_USER"],
                password=variables["SQLMESH_POSTGRES_PASSWORD"],
                dbname=variables["SQLMESH_POSTGRES_DB"],
            )
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT count(DISTINCT name) FROM sqlmesh._snapshots")
        assert cursor.fetchone()[0] >= len(PUBLIC)


def test_a_restatement_does_not_reach_consumers(warehouse: Any, home: Path) -> None:
    """A restatement writes public models anew on main, and consumers go on reading the promoted snapshots."""
    before = snapshots(warehouse, "main")
    run_job(warehouse, home, "sqlmesh_restate_collection_assets")
    after = snapshots(warehouse, "main")
    assert after["collections_v1"] != before["collections_v1"]
    assert snapshots(warehouse, "consumer") == before
