"""What a killed operator has left at work: found by what the journal said before, and waited for."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.claims.runbook_model import Runbook
from dagster_playbook.errors import RunbookError
from dagster_playbook.runbook.journal import Journal
from dagster_playbook.runbook.left_behind import STARTED, unfinished, wait_for
from dagster_playbook.services import living
from dagster_playbook.services.living import MARK, Started

BODY = '```yaml {#job job="job" no_undo="x"}\nops: {}\n```\n\n```sh {#make no_undo="x"}\ntrue\n```\n'


@pytest.fixture
def child(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "607"], start_new_session=True, env={**os.environ, MARK: str(tmp_path)})
    yield process
    process.kill()
    process.wait()


def cut(folder: Path, step: str, started: Started) -> None:
    """The journal of a run whose operator was killed in that step."""
    journal = Journal(folder)
    journal.append("opened", runbook="page.md")
    journal.append("step-started", step=step)
    journal.append(STARTED, step=step, **started.as_dict())


@pytest.mark.parametrize("step", ["job", "make"])
def test_a_living_process_is_waited_for_and_told(
    runbook_of: Callable[..., Runbook], tmp_path: Path, child: subprocess.Popen[bytes], step: str
) -> None:
    """By the number and the start that were written down before it began."""
    cut(tmp_path / "r1", step, Started.of(child.pid))
    told: list[str] = []
    waits: list[float] = []

    def wait(pause_s: float) -> None:
        waits.append(pause_s)
        if len(waits) == 3:
            child.kill()
            child.wait()

    left = unfinished(tmp_path / "r1")
    assert left.step == step
    wait_for(runbook_of(BODY), left, lambda _, data: told.append(data["message"]), wait=wait)
    assert len(waits) == 3
    (message,) = told
    assert f"still works: process {child.pid} (sleep 607); it is waited for" in message


def test_what_a_command_has_started_is_named_and_not_waited_for(
    runbook_of: Callable[..., Runbook], tmp_path: Path, child: subprocess.Popen[bytes]
) -> None:
    """It may be a server: its own process is gone, what it left is told."""
    gone = Started(2**22 + 1, "x", Started.of(child.pid).host, str(tmp_path))
    cut(tmp_path / "r1", "make", gone)

    def never(_: float) -> None:
        raise AssertionError("nothing is waited for")

    named = wait_for(runbook_of(BODY), unfinished(tmp_path / "r1"), lambda *_: None, wait=never)
    assert [one["pid"] for one in named] == [child.pid]


def test_a_finished_step_has_left_nothing(tmp_path: Path) -> None:
    """Its processes are no concern of the next one."""
    cut(tmp_path / "r1", "make", Started.of(os.getpid()))
    Journal(tmp_path / "r1").append("step-finished", step="make", outcome="succeeded")
    assert unfinished(tmp_path / "r1").started == ()


def test_a_process_of_another_host_is_taken_over_with_a_reason_alone(
    runbook_of: Callable[..., Runbook], tmp_path: Path
) -> None:
    """Nobody here sees whether it works."""
    cut(tmp_path / "r1", "job", Started(1, "x", "elsewhere"))
    left = unfinished(tmp_path / "r1")
    with pytest.raises(RunbookError, match="was started on elsewhere") as refused:
        wait_for(runbook_of(BODY), left, lambda *_: None)
    assert "--take-over REASON" in refused.value.cure
    none: list[dict[str, Any]] = wait_for(runbook_of(BODY), left, lambda *_: None, take_over="it burned down")
    assert none == []


def test_ones_own_process_is_living() -> None:
    """And a number with another start is not."""
    assert living.is_alive(os.getpid(), living.born(os.getpid()))
    assert not living.is_alive(os.getpid(), "another")
    assert not living.is_alive(2**22 + 1, "x")
