"""What a branch changes, asked from git."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from dagster_playbook.errors import ScaffoldError

GIT_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Change:
    """What a branch changes: POSIX paths relative to the project, against `base`."""

    base: str
    files: tuple[str, ...]

    def under(self, folder: str, suffix: str = "") -> list[str]:
        """The changed files of a folder."""
        return [path for path in self.files if path.startswith(f"{folder}/") and path.endswith(suffix)]


def change_of(root: Path, base: str = "") -> Change:
    """The files that differ from `base` (the main branch when ""), those not yet committed included.

    Raises:
        ScaffoldError: the project is in no git checkout, or there is no such revision.
    """
    names = [base] if base else ["origin/main", "main", "HEAD"]
    found = next((name for name in names if _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")), "")
    if not found:
        raise ScaffoldError(f"there is no revision {base or 'main'!r} to compare with", cure="name one with --base")
    merge_base = (_git(root, "merge-base", found, "HEAD") or found).strip()
    changed = _git(root, "diff", "--name-only", "--relative", "-z", merge_base) or ""
    added = _git(root, "ls-files", "--others", "--exclude-standard", "-z") or ""
    return Change(found, tuple(sorted({path for path in (changed + added).split("\0") if path})))


def text_before(root: Path, change: Change, path: str) -> str:
    """What a file held where the branch left its base; "" when it was not there."""
    since = (_git(root, "merge-base", change.base, "HEAD") or change.base).strip()
    return _git(root, "show", f"{since}:./{path}") or ""


def _git(root: Path, *arguments: str) -> str | None:
    """What git prints, None when it fails."""
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ScaffoldError(f"git could not be asked: {error}", cure="install git") from error
    return done.stdout if done.returncode == 0 else None
