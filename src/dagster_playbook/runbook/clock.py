"""A clock that went back, told from the times of a journal; its order is that of the lines, whatever they say."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from dagster_playbook.runbook import journal

#: a clock that is held right is set back by less than this
_SLACK = dt.timedelta(seconds=1)


def went_back(before: str, after: str) -> str:
    """How far the clock went back from one line of a journal to the next; "" when it did not."""
    if not before or not after:
        return ""
    distance = dt.datetime.fromisoformat(before) - dt.datetime.fromisoformat(after)
    if distance <= _SLACK:
        return ""
    return f"the clock went back by {distance.total_seconds():.0f} s, from {before} to {after}"


def steps_back(folder: Path) -> list[str]:
    """Every step back in a run's journal, in order; it is no sign that the journal was changed.

    Raises:
        RunbookError: there is no journal, or a line is no entry.
    """
    found, before = [], ""
    for entry in journal.entries(folder):
        if told := went_back(before, entry.at):
            found.append(f"line {entry.seq}: {told}")
        before = entry.at
    return found
