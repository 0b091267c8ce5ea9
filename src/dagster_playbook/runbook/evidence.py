"""Whether what a run left behind is as it was written: the journal's chain, and each file of evidence by its digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dagster_playbook.runbook import journal

#: where an event names a file, and the digest beside it: a step's result, and what a command printed
_FILES = (("evidence", "evidence_sha256"), ("output_file", "output_sha256"))


def verify_run(folder: Path) -> list[str]:
    """Everything that does not fit, nothing when all is as it was written."""
    problems = journal.verify(folder)
    if problems:
        return problems
    for entry in journal.entries(folder):
        for name, known in ((entry.data.get(key), entry.data.get(digest)) for key, digest in _FILES):
            if not name:
                continue
            path = folder / str(name)
            if not path.is_file():
                problems.append(f"{name} is missing")
            elif _sha256(path) != known:
                problems.append(f"{name} was edited")
    return problems


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
