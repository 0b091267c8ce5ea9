"""A fingerprint of a folder of sources: equal for equal files, on whatever machine and wherever the folder stands."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from dagster_playbook.approval.canonical import sha256

#: what tools leave at the top of a folder of sources; further down SQLMesh loads whatever has the right end, hidden too
_TOOLS_FOLDERS = frozenset({"node_modules", "site-packages", "logs"})
_TOOLS_SUFFIXES = (".log", ".tmp", ".swp", "~")
#: what differs from machine to machine wherever it lies: databases, and what Python has compiled
_LOCAL_SUFFIXES = (".pyc", ".duckdb", ".wal", ".db", ".sqlite")


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
        is_top = Path(base) == folder
        folders[:] = sorted(name for name in folders if not (is_top and _is_of_tools(name, _TOOLS_FOLDERS)))
        for name in sorted(names):
            left_out = name.endswith(_LOCAL_SUFFIXES) or (is_top and _is_of_tools(name, (), _TOOLS_SUFFIXES))
            path = Path(base) / name
            if not left_out and path.is_file():
                yield path.relative_to(folder).as_posix()


def _is_of_tools(name: str, names: Collection[str], suffixes: tuple[str, ...] = ()) -> bool:
    return name.startswith(".") or name in names or name.endswith(suffixes)
