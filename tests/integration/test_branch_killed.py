"""A restatement on a branch through the runbooks, killed with -9 on its way: production is whole all the time.

The runbooks, the approvals, the ops and the instance are the project's own; the models are a graph of 20 and a mart,
and a row of production was changed behind SQLMesh's back, so that restating it is to be seen.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from graph_clone import RESTATE, Clone, Undisturbed

from dagster_playbook.approval.canonical import sha256
from dagster_playbook.branch.record import DIFF_NAME, all_records, branch_folder

PUBLISH, UNDO = "runbooks/publish-restatement.md", "runbooks/undo-restatement.md"
ON_BRANCH = (*RESTATE, "-p", "on_branch=true")
EVALUATIONS = 23


def places() -> list[str]:
    """Where the restatement is killed, in the order of its way; inside and after each evaluation when asked for all.

    PLAYBOOK_KILL_TABLE asks for all, as in `test_restatement_killed.py`.
    """
    if not os.environ.get("PLAYBOOK_KILL_TABLE"):
        return ["evaluation:inside:5:both", "journal:before:step-finished:restate"]
    inside = [f"evaluation:{moment}:1:both" for _ in range(EVALUATIONS) for moment in ("inside", "after")]
    return ["journal:after:process-started:restate", *inside, "journal:before:step-finished:restate"]


@pytest.fixture
def clone(deployed_graph: Clone, tmp_path: Path) -> Clone:
    """The graph, with one wrong row in the first model's table."""
    clone = deployed_graph.copy(tmp_path / "clone")
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{clone.data / 'iceberg.duckdb'}' AS iceberg")
        connection.execute("UPDATE iceberg.oso.m0 SET n = n + 1000 WHERE day = (SELECT min(day) FROM iceberg.oso.m0)")
    return clone


def production(clone: Clone) -> list[str]:
    """Digests of production's two files."""
    files = (clone.data / name for name in ("iceberg.duckdb", "state.duckdb"))
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]


def killed_on_the_way(clone: Clone, command: tuple[str, ...], where: list[str], then: Callable[[], None]) -> None:
    """Run, die at one place after the other, look and go on after each; in the end it has succeeded."""
    for place in where:
        assert clone.dying(place).say(*command, "--answer", "sure=yes") not in (0, 1), clone.said()
        then()
        command = ("resume",)
    assert clone.say(*command, "--answer", "sure=yes") == 0, clone.said()


def test_killed_on_a_branch_and_while_it_is_published(clone: Clone, undisturbed_graph: Undisturbed) -> None:
    """Production keeps every byte until it is published; then its rows are those of a restatement in place.

    Undo gives every byte back.
    """
    before, wrong = production(clone), clone.rows()
    clone.approve(*ON_BRANCH)

    def unchanged() -> None:
        assert production(clone) == before

    killed_on_the_way(clone, ("run", *ON_BRANCH), places(), unchanged)
    unchanged()
    assert clone.evaluations() == undisturbed_graph.evaluated
    (branch,) = all_records(clone.data)
    # the runbook has looked at it itself
    diff = json.loads((branch_folder(clone.data, branch.run) / DIFF_NAME).read_text())
    assert "oso.m0" in [table["name"] for table in diff["tables"]]
    publish = (PUBLISH, "-p", f"run={branch.run}", "-p", f"diff={sha256(diff)}")
    clone.approve(*publish)
    killed_on_the_way(clone, ("run", *publish), ["journal:before:step-finished:publish"], lambda: None)
    assert clone.rows() == undisturbed_graph.rows != wrong
    assert clone.say("run", UNDO, "-p", f"run={branch.run}", "--answer", "sure=yes") == 0, clone.said()
    assert production(clone) == before
    assert clone.rows() == wrong
