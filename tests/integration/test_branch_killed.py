"""A restatement on a branch through the runbooks, killed with -9 on its way: production is whole all the time.

The runbooks, the approvals, the ops and the instance are the project's own; the models are a graph of 20 and a mart,
and a row of production was changed behind SQLMesh's back, so that restating it is to be seen.
"""

from __future__ import annotations

import hashlib
import json
import signal
from pathlib import Path

import duckdb
import pytest
from graph_clone import RESTATE, Clone, Undisturbed

PUBLISH, UNDO = "runbooks/publish-restatement.md", "runbooks/undo-restatement.md"
ON_BRANCH = (*RESTATE, "-p", "on_branch=true")
#: where the run is killed, in the order of its way
PLACES = (
    "evaluation:inside:1:both",
    "evaluation:after:4:child",
    "evaluation:inside:7:both",
    "journal:before:step-finished:restate",
)
PUBLISHED_AT = ("journal:after:process-started:publish", "journal:before:step-finished:publish")


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


def killed_on_the_way(clone: Clone, command: tuple[str, ...], places: tuple[str, ...]) -> None:
    """Run, die at one place after the other, and go on after each; in the end it has succeeded."""
    for place in places:
        assert clone.dying(place).say(*command, "--answer", "sure=yes") not in (0, 1), clone.said()
        command = ("resume",)
    assert clone.say(*command, "--answer", "sure=yes") == 0, clone.said()


def test_killed_on_a_branch_and_while_it_is_published(clone: Clone, undisturbed_graph: Undisturbed) -> None:
    """Production keeps every byte until it is published; then its rows are those of a restatement in place.

    Undo gives every byte back.
    """
    before, wrong = production(clone), clone.rows()
    clone.approve(*ON_BRANCH)
    killed_on_the_way(clone, ("run", *ON_BRANCH), PLACES)
    assert production(clone) == before
    assert clone.evaluations() == undisturbed_graph.evaluated
    (branch,) = json.loads(clone.playbook("branch", "list", "--format", "json").stdout)
    told = clone.playbook("diff", "--run", branch["run"], "--format", "json")
    diff = json.loads(told.stdout)
    (first,) = (table for table in diff["tables"] if table["name"] == "oso.m0")
    assert (told.returncode, first["state"], first["rows_before"]) == (1, "changed", first["rows_after"])
    publish = (PUBLISH, "-p", f"run={branch['run']}", "-p", f"diff={diff['digest']}")
    assert clone.say("run", *publish) == 1
    assert "needs an approval" in clone.said()
    clone.approve(*publish)
    killed_on_the_way(clone, ("run", *publish), PUBLISHED_AT)
    assert clone.rows() == undisturbed_graph.rows != wrong
    assert clone.say("run", UNDO, "-p", f"run={branch['run']}", "--answer", "sure=yes") == 0, clone.said()
    assert production(clone) == before
    assert clone.rows() == wrong
    assert clone.say("runs", "verify") == 0, clone.said()


def test_a_branch_that_was_deleted_by_hand_is_not_made_again(clone: Clone) -> None:
    """What was done is gone with it, so the rest alone would be half a restatement: told, and production untouched."""
    before = production(clone)
    clone.approve(*ON_BRANCH)
    died = clone.dying("evaluation:after:4:both").say("run", *ON_BRANCH, "--answer", "sure=yes")
    assert died == -signal.SIGKILL
    (branch,) = json.loads(clone.playbook("branch", "list", "--format", "json").stdout)
    assert clone.say("branch", "discard", branch["run"], "--yes") == 0
    assert clone.say("resume", "--answer", "sure=yes") == 1
    assert "was deleted after its restatement had begun" in clone.said()
    assert production(clone) == before
