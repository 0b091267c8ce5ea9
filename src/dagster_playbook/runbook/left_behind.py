"""What a run that was cut has left at work: found by what the journal said before it began, and waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_playbook.claims.runbook_model import Kind, Runbook
from dagster_playbook.errors import RunbookError
from dagster_playbook.runbook import journal
from dagster_playbook.services import living
from dagster_playbook.services.living import Started

STARTED = "process-started"
_LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The step at which a run was cut, "" between two steps, and the processes that it had started."""

    step: str
    started: tuple[Started, ...]


def unfinished(folder: Path) -> Unfinished:
    """Read a journal for the step that has begun and not ended.

    Raises:
        RunbookError: there is no journal, or a line is no entry.
    """
    step, started = "", list[Started]()
    for entry in journal.entries(folder):
        if entry.event == "step-started" and entry.data["step"] != step:
            step, started = str(entry.data["step"]), []
        elif entry.event == STARTED and (one := Started.read(entry.data)):
            started.append(one)
        elif entry.event == "step-finished":
            step, started = "", []
    return Unfinished(step, tuple(started))


def wait_for(
    runbook: Runbook,
    left: Unfinished,
    tell: Callable[[str, dict[str, Any]], None],
    *,
    take_over: str = "",
    wait: Callable[[float], None] = time.sleep,
) -> list[dict[str, Any]]:
    """Return when what a run has left at work has ended; the processes that a command left beside itself.

    A job's processes are all waited for; of a command its own process is, since what it started may be a server.

    Raises:
        RunbookError: it was started on another host, so that nobody here sees whether it still works.
    """
    elsewhere = [one for one in left.started if not one.is_here]
    if elsewhere and not take_over:
        raise RunbookError(
            f"step {left.step!r} was started on {elsewhere[0].host} (process {elsewhere[0].pid}), "
            "and nobody here sees whether it still works",
            cure=f"resume on {elsewhere[0].host}; when that host is gone for good: --take-over REASON",
        )
    step = runbook.step(left.step)
    own_alone = step is not None and step.kind is Kind.COMMAND
    told = ""
    while working := [one for one in left.started if _works(one, own_alone)]:
        message = f"what this step started before the run was cut still works: {_shown(working)}; it is waited for"
        if message != told:
            tell("waiting", {"step": left.step, "message": message})
            told = message
        wait(_LOOK_S)
    there = {process.pid: process for one in left.started for process in living.still_running(one)}
    return living.named(there.values())


def _works(started: Started, own_alone: bool) -> bool:
    if own_alone:
        return started.is_here and living.is_alive(started.pid, started.born)
    return bool(living.still_running(started))


def _shown(working: list[Started]) -> str:
    """The eldest of each group: an earlier attempt's record may find the same one by its mark."""
    eldest = {group[0].pid: group[0] for one in working if (group := living.still_running(one))}
    return living.shown(living.named(eldest.values())) or "it is just ending"
