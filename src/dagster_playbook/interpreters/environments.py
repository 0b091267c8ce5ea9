"""Where a project's own Python environment may be, in the order in which it is looked for; nothing is run."""

from __future__ import annotations

import base64
import glob
import hashlib
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Candidate:
    """An interpreter that is there, and by what it was found."""

    path: Path
    found: str

    @property
    def prefix(self) -> Path:
        """The folder of its environment."""
        return self.path.parent.parent


def candidates(root: Path) -> Iterator[Candidate]:
    """The environments that a project has, those first that a person has chosen.

    1. the activated one: `VIRTUAL_ENV`, `CONDA_PREFIX` (not conda's base)
    2. uv's `UV_PROJECT_ENVIRONMENT`, then `.venv`, `venv` and pixi's default, here or above within the repository
    3. poetry's environment for this folder
    4. the conda environment that environment.yml names
    """
    seen = set()
    for folder, found in _folders(root):
        python = folder / "bin" / "python"
        # the tool's own environment says nothing about the project: it comes last, by itself
        is_own = folder == Path(sys.prefix) and found in _ACTIVATED
        if not is_own and python not in seen and os.path.lexists(python):
            seen.add(python)
            yield Candidate(python, found)


_ACTIVATED = ("VIRTUAL_ENV", "CONDA_PREFIX")


def _folders(root: Path) -> Iterator[tuple[Path, str]]:
    if value := os.environ.get("VIRTUAL_ENV"):
        yield Path(value), "VIRTUAL_ENV"
    if (value := os.environ.get("CONDA_PREFIX")) and os.environ.get("CONDA_DEFAULT_ENV") != "base":
        yield Path(value), "CONDA_PREFIX"
    if value := os.environ.get("UV_PROJECT_ENVIRONMENT"):
        yield root / value, "UV_PROJECT_ENVIRONMENT"
    for folder in _upward(root):
        for name in (".venv", "venv", ".pixi/envs/default"):
            yield folder / name, name if folder == root else f"{name} of {folder.name}/"
    for folder in _poetry(root):
        yield folder, "poetry's environment"
    for folder in _conda(root):
        yield folder, "the conda environment of environment.yml"


def _upward(root: Path) -> Iterator[Path]:
    """The project's folder and those above it within its repository: a monorepo has one environment at its top."""
    above = [root, *root.parents]
    top = next((folder for folder in above if (folder / ".git").exists()), root)
    yield from above[: above.index(top) + 1]


def _poetry(root: Path) -> Iterator[Path]:
    """Poetry names an environment after the project and a digest of its folder."""
    try:
        text = (root / "pyproject.toml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    if "[tool.poetry" not in text and "poetry.core" not in text:
        return
    named = re.search(r"""(?m)^\s*name\s*=\s*["']([^"'\n]+)["']""", text)
    if named is None:
        return
    homes = [os.environ.get("POETRY_VIRTUALENVS_PATH", "")]
    homes += [str(Path(folder) / "virtualenvs") for folder in [os.environ.get("POETRY_CACHE_DIR", "")] if folder]
    homes += [str(Path.home() / cache / "pypoetry/virtualenvs") for cache in (".cache", "Library/Caches")]
    name = re.sub(r'[ $`!*@"\\\r\n\t/]', "_", named[1].lower())[:42]
    digest = base64.urlsafe_b64encode(hashlib.sha256(str(root).encode()).digest()).decode()[:8]
    for home in filter(None, homes):
        yield from sorted(Path(home).glob(f"{glob.escape(name)}-{digest}-py3*"), reverse=True)


def _conda(root: Path) -> Iterator[Path]:
    """Conda writes down where it has made environments; the project's file names one of them."""
    try:
        named = re.search(r"(?m)^name:\s*(\S+)", (root / "environment.yml").read_text(encoding="utf-8"))
        known = (Path.home() / ".conda" / "environments.txt").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    yield from (Path(folder) for folder in known if named and Path(folder).name == named[1].strip("\"'"))
