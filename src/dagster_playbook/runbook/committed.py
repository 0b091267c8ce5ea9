"""Files as the last commit has them: what a reviewer has seen, not what somebody has just edited."""

from __future__ import annotations

import subprocess
from pathlib import Path

from dagster_playbook.errors import RunbookError

_TIMEOUT_S = 30


def refuse_uncommitted(root: Path, paths: list[str]) -> None:
    """Hold files of a checkout to its last commit, byte by byte; what git was told to overlook is seen too.

    Args:
        paths: POSIX, relative to `root`.

    Raises:
        RunbookError: `root` is in no git checkout, or a file is not the committed one.
    """
    if _git(root, "rev-parse", "--verify", "--quiet", "HEAD") is None:
        raise RunbookError(
            f"{root} is in no git checkout with a commit, so nobody knows what was reviewed of {paths[0]}",
            cure="work in a checkout, or name the platform's own copy of the policy with PLAYBOOK_APPROVERS",
        )
    for path in paths:
        committed = _git(root, "cat-file", "blob", f"HEAD:./{path}")
        file = root / path
        here = file.read_bytes() if file.is_file() else None
        if committed != here:
            raise RunbookError(
                "it is not as the last commit has it, and only what was committed says who may approve",
                path=path,
                cure=f"have the change reviewed and commit it, or take it back: git checkout HEAD -- {path}",
            )


def _git(root: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],  # noqa: S607 - found on the PATH
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
