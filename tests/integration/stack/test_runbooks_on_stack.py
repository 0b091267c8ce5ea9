"""The runbooks that move the consumer tag, by the real command line on Dagster, Nessie and Trino."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.services.nessie_model import Reference, RefKind

pytestmark = pytest.mark.stack

PROJECT = Path(__file__).resolve().parents[3]
PROMOTE, ROLL_BACK = "runbooks/promote-consumer.md", "runbooks/rollback-consumer.md"
#: with the columns that the models' audits look at
TABLES = {
    "projects_v1": "SELECT CAST(n AS varchar) AS project_id, CAST(n AS varchar) AS project_name "
    "FROM UNNEST(sequence(1, 20)) AS t(n)",
    "timeseries_metrics_by_project_v0": "SELECT 'releases' AS metric_id, CAST(n AS varchar) AS project_id, "
    "DATE '2026-01-01' AS sample_date, CAST(n AS double) AS amount FROM UNNEST(sequence(1, 20)) AS t(n)",
}


@dataclass
class Operator:
    """Somebody with a clone of the project and the stack's variables."""

    root: Path
    stack: Any
    oldest: str

    def run(self, runbook: str, commit: str) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER_", "OSO_", "PLAYBOOK_", "SQLMESH_"))}
        environment = {k: v for k, v in {**kept, **self.stack.env}.items() if k != "DAGSTER_WEBSERVER_URL"}
        program = "from dagster_playbook.cli import main; main()"
        arguments = ["run", runbook, "-p", f"commit={commit}", "--answer", "sure=yes", "--format", "json"]
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=self.root,
            env={**environment, "MAX_FORK_WORKERS": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def at(self, reference: str) -> str:
        with self.stack.nessie() as client:
            return str(client.get_reference(reference).hash)

    def consumers_see(self) -> int:
        return int(self.stack.sql("SELECT count(*) FROM iceberg_consumer.oso.projects_v1").scalar())


def outcomes(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """How each step ended, by its id."""
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events, done.stderr
    return {event["step"]: event["outcome"] for event in events if event["event"] == "step-finished"}


@pytest.fixture(scope="module")
def operator(running_stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """Two small public tables on main; afterwards main and the tag are where they were."""
    running_stack.up()
    root = tmp_path_factory.mktemp("operator")
    for name in ("warehouse", "runbooks"):
        shutil.copytree(PROJECT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", ".cache", "logs"))
    shutil.copy(PROJECT / "pyproject.toml", root)
    with running_stack.nessie() as client:
        before = {name: client.get_reference(name) for name in ("main", "consumer")}
    running_stack.sql("CREATE SCHEMA IF NOT EXISTS iceberg.oso")
    for table, query in TABLES.items():
        running_stack.sql(f"DROP TABLE IF EXISTS iceberg.oso.{table}")
        running_stack.sql(f"CREATE TABLE iceberg.oso.{table} AS {query}")
    with running_stack.nessie() as client:
        oldest = [entry.hash for entry in client.history("main", limit=10_000)][-1]
    yield Operator(root, running_stack, oldest)
    with running_stack.nessie() as client:
        for name, old in before.items():
            client.assign_reference(client.get_reference(name), Reference("main", RefKind.BRANCH, old.hash))


@pytest.fixture(scope="module")
def promoted(operator: Operator) -> str:
    """The commit that consumers read after the first promotion."""
    commit = operator.at("main")
    done = operator.run(PROMOTE, commit)
    assert done.returncode == 0, done.stdout + done.stderr
    return commit


def test_promotion_moves_the_tag_to_the_commit_that_was_named(operator: Operator, promoted: str) -> None:
    """Every step of the page succeeds, and consumers read the tables of exactly that commit."""
    assert operator.at("consumer") == promoted
    assert operator.consumers_see() == 20


def test_a_promotion_of_too_great_a_change_stops_before_the_tag(operator: Operator, promoted: str) -> None:
    """Most rows are gone: the comparison fails, the steps behind it do not run, consumers keep what they have."""
    operator.stack.sql("DELETE FROM iceberg.oso.projects_v1 WHERE project_id <> '1'")
    done = operator.run(PROMOTE, operator.at("main"))
    ended = outcomes(done)
    assert (done.returncode, ended["compared"], "promote" in ended) == (1, "failed", False)
    assert (operator.at("consumer"), operator.consumers_see()) == (promoted, 20)


def test_a_rollback_to_what_cannot_be_read_takes_itself_back(operator: Operator, promoted: str) -> None:
    """The oldest commit has none of the tables: the tag is moved, the reading fails, the tag returns."""
    done = operator.run(ROLL_BACK, operator.oldest)
    ended = outcomes(done)
    assert (done.returncode, ended["rollback"], ended["readable"], ended["return"]) == (
        1, "succeeded", "failed", "succeeded",
    )  # fmt: skip
    assert (operator.at("consumer"), operator.consumers_see()) == (promoted, 20)


def test_a_rollback_leads_back_to_the_commit_before(operator: Operator, promoted: str) -> None:
    """Consumers were moved on by hand; the page brings them back, and proves that they can read."""
    operator.stack.sql("INSERT INTO iceberg.oso.projects_v1 VALUES ('new', 'new')")
    operator.stack.promote()
    assert operator.at("consumer") != promoted
    done = operator.run(ROLL_BACK, promoted)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (operator.at("consumer"), operator.consumers_see()) == (promoted, 20)
