"""A fingerprint of a folder of sources: equal for equal files, on whatever machine and wherever the folder stands."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from dagster_playbook.approval.canonical import sha256

#: what tools leave beside sources, and no platform reads; so do hidden files and folders
_IGNORED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "logs"})
_IGNORED_SUFFIXES = (".pyc", ".duckdb", ".wal", ".db", ".sqlite", ".log", ".tmp", ".swp", "~")


def fingerprint(folder: Path, *, keep: Callable[[str], bool] = lambda _: True) -> str:
    """SHA-256 over the content of every source file by its POSIX path relative to the folder.

    Args:
        keep: whether a file of this name counts.

    Raises:
        OSError: a file cannot be read.
    """
    found = {path: hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in files(folder) if keep(path)}
    return sha256(found)


def files(folder: Path) -> Iterator[str]:
    """The source files at or below a folder as POSIX paths relative to it; links are followed, each folder once."""
    seen: set[str] = set()
    for base, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(base)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _IGNORED_FOLDERS)
        for name in sorted(names):
            if not name.startswith(".") and not name.endswith(_IGNORED_SUFFIXES):
                path = Path(base) / name
                if path.is_file():
                    yield path.relative_to(folder).as_posix()
