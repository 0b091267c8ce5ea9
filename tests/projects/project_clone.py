"""Somebody with a copy of the project and the command line on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
COMMAND = "from dagster_playbook.cli import main; main()"
#: variables of this machine that a copy must not see
FOREIGN = ("DAGSTER_", "OSO_", "PLAYBOOK_", "SQLMESH_")


@dataclass(frozen=True)
class ProjectClone:
    """A copy with its own data; `variables` are what its operator has set."""

    root: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of every process that the operator starts."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        own = {"OSO_GIT_REPOSITORY": str(self.root), "MAX_FORK_WORKERS": "1"}
        return {**kept, **own, **self.variables}

    def command(self, *arguments: str) -> dict[str, Any]:
        """What `subprocess` is told to start `playbook` with these arguments."""
        args = [sys.executable, "-c", COMMAND, *arguments]
        return {"args": args, "cwd": self.root, "env": self.environment, "stdin": subprocess.DEVNULL}

    def playbook(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `playbook` to its end."""
        return subprocess.run(**self.command(*arguments), capture_output=True, text=True, timeout=300, check=False)

    def key(self, name: str) -> str:
        """The key that `playbook approve --try-out` made for `requester` or `approver`."""
        return str(self.root / ".playbook" / "approvers" / name)

    @property
    def approvals(self) -> list[Path]:
        """The requests and approvals that are kept."""
        return sorted((self.root / ".playbook" / "approvals").glob("*.json"))

    def forget_approvals(self) -> None:
        """Remove them."""
        for path in self.approvals:
            path.unlink()

    def approve(self, *plan: str) -> str:
        """Two people sign a plan; approvals of other plans are forgotten. Returns the plan's digest."""
        self.forget_approvals()
        for command in (
            ("approve", "--try-out"),
            ("plan", *plan, "--request", "--key", self.key("requester")),
        ):
            done = self.playbook(*command)
            assert done.returncode == 0, done.stdout + done.stderr
        (request,) = self.approvals
        done = self.playbook("approve", request.stem, "--yes", "--key", self.key("approver"))
        assert done.returncode == 0, done.stdout + done.stderr
        return request.stem


def clone_project(root: Path, *, without: tuple[str, ...] = ()) -> Path:
    """Copy the platform, the runbooks and pyproject.toml; what has one of the names in `without` is left out."""
    left_out = shutil.ignore_patterns("__pycache__", ".cache", "logs", *without)
    for name in ("warehouse", "runbooks"):
        shutil.copytree(PROJECT / name, root / name, ignore=left_out)
    shutil.copy(PROJECT / "pyproject.toml", root)
    return root
