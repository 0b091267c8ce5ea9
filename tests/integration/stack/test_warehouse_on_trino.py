"""The reference platform on the real services: SQLMesh through Dagster on Trino, Iceberg and Nessie."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from project_clone import ProjectClone, clone_project
from tenacity import Retrying, stop_after_delay, wait_fixed

from dagster_playbook.platform.loader import load_facts
from dagster_playbook.settings import load_settings

pytestmark = pytest.mark.stack

PROJECT = Path(__file__).resolve().parents[3]
MODELS = PROJECT / "warehouse" / "oso_sqlmesh" / "models"
BY_CATEGORY = ("runbooks/restate-by-category.md", "-p", "categories=collection")
BY_MODEL = ("runbooks/restate-by-model.md", "-p", "models=oso.int_collections")
#: the model, and what hangs on it
COLLECTIONS = {
    "oso.int_collections",
    "oso.collections_v1",
    "oso.int_projects_by_collection",
    "oso.projects_by_collection_v1",
    "oso.timeseries_metrics_by_collection_v0",
    "oso.key_metrics_by_collection_v0",
}
PUBLIC = {path.stem for path in (MODELS / "marts").glob("*.sql")}


def execute(stack: Any, home: Path, job: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a job of the code location as an operator would, on the stack."""
    environment = {
        **os.environ,
        **stack.env,
        "DAGSTER_HOME": str(home),
        "OSO_WAREHOUSE_DATA": str(home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
        **settings,
    }
    arguments = ["-m", "dagster", "job", "execute", "-m", "oso_dagster.definitions", "-j", job]
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT / "warehouse",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def run_job(stack: Any, home: Path, job: str) -> None:
    """Run a job to its success; these restatements are nobody's production, so they need no approval."""
    result = execute(stack, home, job, OSO_RESTATEMENT_APPROVAL="off")
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


def test_a_restatement_without_approval_is_refused(warehouse: Any, home: Path) -> None:
    """On Trino too a restatement that nobody approved fails, says how to ask, and leaves main where it was."""
    with warehouse.nessie() as client:
        before = client.get_reference("main")
        result = execute(warehouse, home, "sqlmesh_restate_collection_assets", OSO_RESTATEMENT_APPROVAL="")
        assert client.get_reference("main") == before
    assert result.returncode != 0
    assert "models would be restated" in result.stdout + result.stderr
    assert "--request" in result.stdout + result.stderr


def test_the_recorded_facts_are_the_running_ones(warehouse: Any) -> None:
    """The columns that are recorded of each model are the columns of its table on Trino, in the same order."""
    recorded = {m.name: list(m.columns) for m in load_facts(load_settings(PROJECT)).models.values() if is_made(m)}
    rows = warehouse.sql(
        "SELECT table_schema || '.' || table_name, column_name FROM iceberg.information_schema.columns "
        "WHERE table_schema = 'oso' ORDER BY ordinal_position"
    ).rows
    running: dict[str, list[str]] = {}
    for table, column in rows:
        running.setdefault(table, []).append(column)
    assert {name: running.get(name) for name in recorded} == recorded


def is_made(model: Any) -> bool:
    """Whether the platform makes the model's table; external ones are loaded by the sources."""
    return bool(model.kind != "EXTERNAL")


def test_our_own_pages_hold_on_the_running_services(warehouse: Any) -> None:
    """`playbook check --live` is green on this project's pages, with every query analysed by Trino."""
    program = "from dagster_playbook.cli import main; main()"
    environment = {k: v for k, v in {**os.environ, **warehouse.env}.items() if k != "DAGSTER_WEBSERVER_URL"}
    result = subprocess.run(
        [sys.executable, "-c", program, "check", "--live"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "not materialised" not in result.stderr
    assert "questions to Trino 476" in result.stderr


def test_the_public_models_are_verified_with_their_audits(warehouse: Any) -> None:
    """`playbook verify` runs every audit of every public model on what main holds, and all of them pass."""
    program = "from dagster_playbook.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, "verify", "--format", "json"],
        cwd=PROJECT,
        env={**os.environ, **warehouse.env},
        capture_output=True,
        text=True,
        check=False,
    )
    verdict = json.loads(result.stdout)
    assert (result.returncode, verdict["without_model"]) == (0, [])
    assert {audit["table"] for audit in verdict["audits"]} == {f"oso.{name}" for name in PUBLIC}
    assert {audit["state"] for audit in verdict["audits"]} == {"passed"}


@pytest.fixture(scope="module")
def operator(warehouse: Any, home: Path, tmp_path_factory: pytest.TempPathFactory) -> ProjectClone:
    """Somebody with a copy of the project, the stack's variables, and a colleague who approves."""
    root = clone_project(tmp_path_factory.mktemp("operator") / "clone")
    own = {
        "DAGSTER_HOME": str(home),
        "OSO_WAREHOUSE_DATA": str(home),
        "PLAYBOOK_APPROVERS": str(root / ".playbook" / "approvers"),
        "PLAYBOOK_TARGET": "stack",
    }
    environment = {k: v for k, v in warehouse.env.items() if k != "DAGSTER_WEBSERVER_URL"}
    somebody = ProjectClone(root, {**environment, **own})
    # a policy that is named has to be there, also for a runbook that no policy asks anything of
    made = somebody.playbook("approve", "--try-out")
    assert made.returncode == 0, made.stdout + made.stderr
    return somebody


def test_all_assets_are_run_by_their_runbook(operator: ProjectClone) -> None:
    """The runbook of the embedded platform runs on Trino as it stands."""
    done = operator.playbook("run", "runbooks/run-all-assets.md")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_restatement_by_its_runbook_does_not_reach_consumers(warehouse: Any, operator: ProjectClone) -> None:
    """Approved and run from the page, it writes public models anew on main; consumers read the promoted snapshots."""
    before, promoted = snapshots(warehouse, "main"), snapshots(warehouse, "consumer")
    operator.approve(*BY_CATEGORY)
    done = operator.playbook("run", *BY_CATEGORY, "--answer", "sure=yes")
    assert done.returncode == 0, done.stdout + done.stderr
    after = snapshots(warehouse, "main")
    assert after["collections_v1"] != before["collections_v1"]
    assert snapshots(warehouse, "consumer") == promoted


def test_a_killed_restatement_is_recovered_by_its_runbook(warehouse: Any, operator: ProjectClone, home: Path) -> None:
    """Operator and run die together after the first model; the other runbook does the rest, each model once."""
    operator.approve(*BY_MODEL)
    evidence = home / "evaluations.jsonl"
    known = len(evidence.read_text().splitlines())
    victim = subprocess.Popen(**operator.command("run", *BY_MODEL, "--answer", "sure=yes"), start_new_session=True)
    for attempt in Retrying(stop=stop_after_delay(120), wait=wait_fixed(0.02), reraise=True):
        with attempt:
            assert len(evidence.read_text().splitlines()) > known
    os.killpg(victim.pid, signal.SIGKILL)
    victim.wait()
    run_id = json.loads(evidence.read_text().splitlines()[known])["run_id"]
    recover = ("runbooks/recover-restatement.md", "-p", f"run={run_id}")
    operator.approve(*recover)
    done = operator.playbook("run", *recover, "--answer", "sure=yes")
    assert done.returncode == 0, done.stdout + done.stderr
    restated = [json.loads(line) for line in evidence.read_text().splitlines()[known:]]
    models = [entry["model"] for entry in restated if entry["root_run_id"] == run_id and entry["restated"]]
    assert sorted(models) == sorted({*models}) != []
    assert set(models) == COLLECTIONS
