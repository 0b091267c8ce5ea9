"""`playbook run runbooks/restate-by-model.md`, killed with -9 at the boundaries of its steps and inside them.

The runbook, the approval, the op and the instance, whose run retries are on, are the project's own; the models are a
graph of 20 and a mart. One run is killed at one place after the other, and resumed after each: in the end every model
was restated exactly once, by SQLMesh's own records. With PLAYBOOK_KILL_TABLE=FILE it is killed at every place there is,
and the counts are written to that file.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from graph_clone import RESTATE, Clone, Undisturbed
from model_graph import GRAPH

from dagster_playbook.errors import PlatformError

AFFECTED, EVALUATIONS = 18, 23


def boundaries(*steps: str) -> list[str]:
    """Just before and after each line that the journal gets for these steps."""
    lines = [(event, step) for step in steps for event in ("step-started", "step-finished")]
    return [f"journal:{moment}:{event}:{step}" for event, step in lines for moment in ("before", "after")]


def places(everywhere: bool) -> list[str]:
    """Where the run is killed, in the order of its way; inside the restatement a few evaluations on each time."""
    inside = ["inside:1:both", "after:2:child", "inside:3:child", "after:4:both", "inside:5:both", "after:1:parent"]
    if everywhere:
        whos = ("both", "child")
        inside = [f"{moment}:1:{whos[n % 2]}" for n in range(EVALUATIONS) for moment in ("inside", "after")]
    return [
        "journal:after:opened:",
        *boundaries("idle", "sure"),
        *boundaries("restate")[:2],
        *(f"journal:{moment}:process-started:restate" for moment in ("before", "after")),
        *(f"evaluation:{place}" for place in inside),
        *boundaries("restate")[2:],
        *boundaries("nothing_left", "filled"),
        "journal:before:closed:",
    ]


def test_the_recovery_runbook_does_only_what_is_left(
    deployed_graph: Clone, undisturbed_graph: Undisturbed, tmp_path: Path
) -> None:
    """A run that was launched by hand and broke off is finished under an approval of its own, each model once."""
    clone = deployed_graph.copy(tmp_path / "clone")
    with pytest.raises(PlatformError):
        clone.dying("evaluation:after:10:child").launch()
    recover = ("runbooks/recover-restatement.md", "-p", f"run={clone.dagster().runs()[0].run_id}")
    assert clone.say("run", *recover, "--answer", "sure=yes") == 1
    clone.approve(*recover)
    assert clone.say("run", *recover, "--answer", "sure=yes") == 0, clone.said()
    assert clone.evaluations() == undisturbed_graph.evaluated
    assert clone.rows() == undisturbed_graph.rows


def test_the_graph_is_worth_it(undisturbed_graph: Undisturbed) -> None:
    """What hangs on the first model: 18 of the 20 with it and the mart, and some have several evaluations."""
    assert len(undisturbed_graph.evaluated) == AFFECTED + 1
    assert sum(map(len, undisturbed_graph.evaluated.values())) == EVALUATIONS


def test_a_job_that_a_killed_operator_has_started_is_waited_for(
    deployed_graph: Clone, undisturbed_graph: Undisturbed, tmp_path: Path
) -> None:
    """Killed while the job's process still loads, before Dagster knows a run: resume waits for it and starts no second.

    It is neither a failure, which would go on with the recovery, nor a writer beside the one that works.
    """
    clone = deployed_graph.copy(tmp_path / "clone")
    assert clone.dying("loading:::parent").say("run", *RESTATE, "--answer", "sure=yes") == -signal.SIGKILL
    assert clone.say("resume", "--answer", "sure=yes") == 0, clone.said()
    assert "what this step started before the run was cut still works" in clone.said()
    assert [run.status for run in clone.dagster().runs(jobs=["sqlmesh_all_assets"])] == ["SUCCESS"] * 2
    assert clone.evaluations() == undisturbed_graph.evaluated
    assert clone.rows() == undisturbed_graph.rows


def test_killed_everywhere_a_restatement_is_done_exactly_once(
    deployed_graph: Clone, undisturbed_graph: Undisturbed, tmp_path: Path
) -> None:
    """After every kill `playbook resume` goes on; evaluations and rows are those of an undisturbed run."""
    clone, table = deployed_graph.copy(tmp_path / "clone"), os.environ.get("PLAYBOOK_KILL_TABLE", "")
    where = places(everywhere=bool(table))
    command: tuple[str, ...] = ("run", *RESTATE)
    for place in where:
        assert clone.dying(place).say(*command, "--answer", "sure=yes") not in (0, 1), clone.said()
        command = ("resume",)
    assert clone.say("resume", "--answer", "sure=yes") == 0, clone.said()
    assert clone.evaluations() == undisturbed_graph.evaluated
    assert clone.rows() == undisturbed_graph.rows
    assert clone.say("runs", "verify") == 0, clone.said()
    naive = naive_count(deployed_graph.copy(tmp_path / "naive"))
    assert naive == EVALUATIONS + 10
    if table:
        once = sum(map(len, undisturbed_graph.evaluated.values()))
        ways = [
            {"way": "undisturbed", "kills": 0, "evaluations": once, "evaluated_twice": 0},
            {"way": "playbook run and resume", "kills": len(where), "evaluations": once, "evaluated_twice": 0},
            {"way": "launched again", "kills": 1, "evaluations": naive, "evaluated_twice": naive - once},
        ]
        text = json.dumps({"models": len(GRAPH), "affected": AFFECTED, "ways": ways}, indent=2)
        Path(table).write_text(text + "\n")


def naive_count(clone: Clone) -> int:
    """Evaluations when the job is killed after the tenth and then launched again as it was, as a retry does."""
    with pytest.raises(PlatformError):
        clone.dying("evaluation:after:10:child").launch()
    assert clone.launch().is_success
    return sum(map(len, clone.evaluations().values()))
