"""Projects to run the command line in, and the command line itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

_DATA = Path(__file__).parents[1] / "data"
Playbook = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def small_project(tmp_path: Path) -> Path:
    """A copy of a project with a catalog, a Makefile and two pages, one of them with two mistakes."""
    return Path(shutil.copytree(_DATA / "report" / "project", tmp_path / "project"))


@pytest.fixture(scope="session")
def sample_platform(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a small Dagster code location and SQLMesh project, its facts read once; pages are not in it."""
    root = Path(shutil.copytree(_DATA / "platform" / "sample", tmp_path_factory.mktemp("platform") / "sample"))
    (root / "docs").mkdir(exist_ok=True)
    return root


@pytest.fixture
def playbook() -> Playbook:
    """Run the installed command in a folder; its output is text."""

    def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("playbook")), *arguments]
        return subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run
