"""How far a run of models is, by what is written down while it goes on; and that nobody waits in silence."""

from __future__ import annotations

import datetime as dt
import json
import threading
from pathlib import Path

import pytest

from dagster_playbook.cli.runbook_progress import Silence
from dagster_playbook.runbook.models_done import ModelsDone

BEGUN = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


@pytest.fixture
def done(tmp_path: Path) -> ModelsDone:
    return ModelsDone(tmp_path, BEGUN)


def evaluated(folder: Path, model: str, *, minutes: int = 1, succeeded: bool = True, end: str = "\n") -> None:
    """An interval of a model that was evaluated so long after the run began."""
    finished = (BEGUN + dt.timedelta(minutes=minutes)).isoformat()
    with (folder / "evaluations.jsonl").open("a") as file:
        file.write(json.dumps({"model": model, "finished": finished, "succeeded": succeeded}) + end)


def test_nothing_is_said_of_nothing(done: ModelsDone) -> None:
    """Neither file has to be there."""
    assert done.look() == ""


def test_a_model_counts_once_and_the_newest_is_named(done: ModelsDone, tmp_path: Path) -> None:
    """However many intervals it has; what was evaluated before, or has failed, does not count."""
    evaluated(tmp_path, "oso.old", minutes=-1)
    for model in ("oso.a", "oso.b", "oso.a"):
        evaluated(tmp_path, model)
    evaluated(tmp_path, "oso.bad", succeeded=False)
    assert done.look() == "2 models, the last one oso.a"


def test_a_line_counts_when_it_is_whole(done: ModelsDone, tmp_path: Path) -> None:
    """One that is being written is looked at again."""
    evaluated(tmp_path, "oso.a", end="")
    assert done.look() == ""
    with (tmp_path / "evaluations.jsonl").open("a") as file:
        file.write("\nno json\n")
    evaluated(tmp_path, "oso.b")
    assert done.look() == "2 models, the last one oso.b"
    assert done.look() == "2 models, the last one oso.b"


def test_a_restatement_knows_of_how_many(done: ModelsDone, tmp_path: Path) -> None:
    """The plan that is written before anything is evaluated says it; what is only due does not count."""
    (tmp_path / "restatements").mkdir()
    (tmp_path / "restatements" / "run.json").write_text(
        json.dumps({"models": [{"name": f"oso.{name}"} for name in "abc"]})
    )
    assert done.look() == "0 of 3 models"
    evaluated(tmp_path, "oso.a")
    evaluated(tmp_path, "oso.due")
    assert done.look() == "1 of 3 models, the last one oso.a"


def test_silence_is_broken_until_the_step_ends() -> None:
    """What it is at and how far is said again and again."""
    said: list[str] = []
    twice = threading.Event()

    def say(text: str) -> None:
        said.append(text)
        if len(said) == 2:
            twice.set()

    silence = Silence(say, every_s=0.001)
    silence.begin("restate (job)")
    silence.at = "1 of 3 models"
    assert twice.wait(10)
    silence.end()
    assert said[-1] == "restate (job): 1 of 3 models, 0:00"
