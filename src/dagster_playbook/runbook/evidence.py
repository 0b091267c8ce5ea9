"""Whether what a run left behind is as it was written: the journal's chain, and each file of the run's folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from dagster_playbook.runbook import journal
from dagster_playbook.runbook.journal import Entry
from dagster_playbook.runbook.record import PAGE_NAME
from dagster_playbook.runbook.run_files import compare, digest_of, said_of_files

#: of a run that was written before the journal spoke of files
OLD_FORMAT = "written before journals named their files: only the evidence is covered"


@dataclass(slots=True)
class Seen:
    """What a look at a run's folder has shown.

    Attributes:
        entries: of the journal; none when its chain does not hold.
        files: how many files the journal speaks of.
        problems: what does not fit.
        notes: what the journal does not cover, and why.
    """

    entries: list[Entry] = field(default_factory=list)
    files: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def look_at(folder: Path) -> Seen:
    """Hold a run's folder to its own journal.

    Raises:
        OSError: something of it cannot be read.
    """
    seen = Seen(problems=journal.verify(folder))
    if seen.problems:
        return seen
    seen.entries = list(journal.entries(folder))
    said = said_of_files(seen.entries)
    problems = _evidence(folder, seen.entries)
    if any("files" in entry.data for entry in seen.entries):
        found, notes = compare(folder, said, seen.entries[-1].event)
        problems |= dict.fromkeys([*found, *_page(seen.entries, said)])
        seen.notes += notes
    elif seen.entries:
        seen.notes.append(OLD_FORMAT)
    seen.problems, seen.files = list(problems), len(said)
    return seen


#: where an event names a file, and the digest beside it: a step's result, and what a command printed
_FILES = (("evidence", "evidence_sha256"), ("output_file", "output_sha256"))


def _evidence(folder: Path, entries: list[Entry]) -> dict[str, None]:
    problems: dict[str, None] = {}
    for entry in entries:
        for name, known in ((entry.data.get(key), entry.data.get(digest)) for key, digest in _FILES):
            if not name:
                continue
            path = folder / str(name)
            if not path.is_file():
                problems[f"{name} is missing"] = None
            elif digest_of(path, path.stat().st_size) != known:
                problems[f"{name} was edited"] = None
    return problems


def _page(entries: list[Entry], said: dict[str, dict[str, object]]) -> list[str]:
    """The page that is kept has to be the one that was planned, by a digest that was there before the folder."""
    planned = entries[0].data.get("text_sha256")
    kept = said.get(PAGE_NAME, {}).get("sha256", hashlib.sha256(b"").hexdigest())
    return [f"{PAGE_NAME} is not the page that was planned"] if planned and kept != planned else []
