"""The files of a run's folder: what each line of the journal says of them, and whether they are still so.

A log grows while its run goes on, so what was said of it holds for its beginning until the run has ended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dagster_playbook.durable import is_left_over

#: what speaks of the other files, and is vouched for by the chain, the run index, Dagster or a signature itself
UNLISTED = frozenset({"journal.jsonl", "head.json", "signature.json"})
#: events after which nothing writes to the folder until the run is resumed
ENDED = ("closed", "interrupted")
_CHUNK_BYTES = 1 << 20

#: name of a file, POSIX and relative to the folder -> {"size": bytes, "sha256": hexadecimal}
Listing = dict[str, dict[str, Any]]


class Watched:
    """A run's folder, looked at again and again; a file is only read when its size or time has changed.

    Args:
        known: what was said of its files before.
    """

    def __init__(self, folder: Path, known: Mapping[str, Mapping[str, Any]]) -> None:
        self.folder = folder
        self._known: Listing = {name: dict(said) for name, said in known.items()}
        self._seen: dict[str, tuple[int, int]] = {}

    def changes(self) -> Listing:
        """What is new or different since the last look.

        Raises:
            OSError: a file cannot be read.
        """
        found: Listing = {}
        for name in names_in(self.folder):
            path = self.folder / name
            stat = path.lstat()
            mark = (stat.st_size, stat.st_mtime_ns)
            if self._seen.get(name) == mark:
                continue
            said = {"size": mark[0], "sha256": digest_of(path, mark[0])}
            if self._known.get(name) != said:
                found[name] = said
            self._seen[name], self._known[name] = mark, said
        return found


def names_in(folder: Path) -> list[str]:
    """Every file of a run's folder that the journal speaks of, links included and not followed into folders."""
    return sorted(name for name in _all_in(folder) if name not in UNLISTED and not is_left_over(Path(name).name))


def _all_in(folder: Path) -> list[str]:
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return [path.relative_to(folder).as_posix() for path in paths]


def digest_of(path: Path, size: int) -> str:
    """SHA-256 of the first `size` bytes of a file; of a link, of where it leads, so that it never passes for a file."""
    if path.is_symlink():
        return "link:" + hashlib.sha256(str(path.readlink()).encode("utf-8", "surrogateescape")).hexdigest()
    known, left = hashlib.sha256(), size
    with path.open("rb") as stream:
        while left and (part := stream.read(min(left, _CHUNK_BYTES))):
            known.update(part)
            left -= len(part)
    return known.hexdigest()


def said_of_files(entries: Iterable[Any]) -> Listing:
    """The newest that the lines of a journal say of each file."""
    said: Listing = {}
    for entry in entries:
        said |= entry.data.get("files") or {}
    return said


def compare(folder: Path, said: Listing, last_event: str) -> tuple[list[str], list[str]]:
    """What does not fit a listing, and what it does not cover because the run has not ended.

    Raises:
        OSError: a file cannot be read.
    """
    there, ended = set(names_in(folder)), last_event in ENDED
    problems = [f"{name} is missing" for name in sorted(said.keys() - there)]
    notes = [f"{name} is left of a write that was cut" for name in _all_in(folder) if is_left_over(Path(name).name)]
    for name in sorted(there & said.keys()):
        path, size = folder / name, said[name]["size"]
        is_growing = name.endswith(".log") and not ended and path.lstat().st_size > size
        if digest_of(path, size) != said[name]["sha256"] or (path.lstat().st_size != size and not is_growing):
            problems.append(f"{name} was edited")
        elif is_growing:
            notes.append(f"{name} has grown since the last line, which does not cover the rest")
    added = sorted(there - said.keys())
    if ended:
        problems += [f"{name} was added" for name in added]
    else:
        notes += [f"{name} was written after the last line, which does not cover it" for name in added]
    return problems, notes
