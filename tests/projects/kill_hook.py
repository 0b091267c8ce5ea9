"""Writes down what SQLMesh records, and dies with SIGKILL where a test says so.

`PLAYBOOK_TEST_RECORDS` names a file that gets a JSON line for each evaluation when SQLMesh's state has recorded it: the
state itself forgets how often, it merges intervals when a run has ended. `PLAYBOOK_TEST_KILL` holds the place where to
die, its words parted by colons:

- `journal:before|after:EVENT:STEP`: the command dies just before or after it writes that line; STEP may be empty.
- `evaluation:inside|after|all:NUMBER:child|both|parent`: at the NUMBER-th evaluation of the process that runs SQLMesh,
  `inside` when its rows are written and nothing is recorded, `after` when it is recorded and the next has not begun;
  with `all` the evaluations of all processes count, so that it dies once. Who dies is that process, that process and
  the command that started it, or the command alone.
- `loading:::parent`: the command dies when the process that is to execute the job loads the project, and Dagster knows
  of no run yet.
"""

from __future__ import annotations

import json
import os
import signal
from collections import defaultdict
from pathlib import Path
from typing import Any

KILL, RECORDS = "PLAYBOOK_TEST_KILL", "PLAYBOOK_TEST_RECORDS"


def recorded(file: Path) -> dict[str, list[tuple[int, int]]]:
    """Model to the intervals that were recorded, one entry an evaluation: epoch milliseconds, end exclusive."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for line in file.read_text().splitlines() if file.is_file() else ():
        name, start, end = json.loads(line)
        found[name].append((start, end))
    return {name: sorted(intervals) for name, intervals in found.items()}


def die_at_a_journal_line() -> None:
    """Arm the command that this process is."""
    from dagster_playbook.runbook.journal import Journal

    what, moment, event, step = (os.environ.get(KILL) or ":::").split(":")
    if what != "journal":
        return
    write = Journal.append

    def append(self: Journal, name: str, **data: Any) -> Any:
        here = (name, data.get("step", "")) == (event, step)
        if here and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        entry = write(self, name, **data)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
        return entry

    Journal.append = append  # type: ignore[method-assign]


def watch_evaluations() -> None:
    """Arm the process that loads a SQLMesh project; once, however often the project is loaded."""
    from sqlmesh.core.state_sync.base import StateSync

    if RECORDS in os.environ and not hasattr(StateSync, "armed"):
        StateSync.armed = True
        # only what executes a job has a run key: the command itself loads the project as well, to plan
        if os.environ.get(KILL) == "loading:::parent" and "PLAYBOOK_RUN_KEY" in os.environ:
            _kill("parent")
        _record(Path(os.environ[RECORDS]))
        _die_at_an_evaluation()


def _record(file: Path) -> None:
    from sqlmesh.core.state_sync.base import StateSync

    original = StateSync.add_interval
    _, moment, number, who = (os.environ.get(KILL) or ":::").split(":")

    def add_interval(self: Any, snapshot: Any, start: Any, end: Any, **options: Any) -> None:
        original(self, snapshot, start, end, **options)
        entry = [snapshot.model.name, *snapshot.inclusive_exclusive(start, end, strict=False, expand=False)]
        with file.open("a") as lines:
            lines.write(json.dumps(entry) + "\n")
        if (moment, number) == ("all", str(len(file.read_text().splitlines()))):
            _kill(who)

    StateSync.add_interval = add_interval


def _die_at_an_evaluation() -> None:
    from sqlmesh.core.scheduler import Scheduler
    from sqlmesh.core.state_sync.base import StateSync

    what, moment, number, who = (os.environ.get(KILL) or ":::").split(":")
    if what != "evaluation" or moment == "all":
        return
    owner: Any = StateSync if moment == "inside" else Scheduler
    name = "add_interval" if moment == "inside" else "evaluate"
    original, calls = getattr(owner, name), [0]

    def counted(self: Any, *arguments: Any, **options: Any) -> Any:
        calls[0] += 1
        if moment == "inside" and calls[0] == int(number):
            _kill(who)
        result = original(self, *arguments, **options)
        if moment == "after" and calls[0] == int(number):
            _kill(who)
        return result

    setattr(owner, name, counted)


def _kill(who: str) -> None:
    if who in ("parent", "both"):
        os.kill(os.getppid(), signal.SIGKILL)
    if who in ("child", "both"):
        os.kill(os.getpid(), signal.SIGKILL)
