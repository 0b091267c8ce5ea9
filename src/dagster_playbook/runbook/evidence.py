"""Whether what a run left behind is as it was written: the journal's chain, and each file of evidence by its digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dagster_playbook.runbook import journal


def verify_run(folder: Path) -> list[str]:
    """Everything that does not fit, nothing when all is as it was written."""
    problems = journal.verify(folder)
    if problems:
        return problems
    for entry in journal.entries(folder):
        name, known = entry.data.get("evidence"), entry.data.get("evidence_sha256")
        if not name:
            continue
        path = folder / str(name)
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != known:
            problems.append(f"{name} was edited")
    return problems
