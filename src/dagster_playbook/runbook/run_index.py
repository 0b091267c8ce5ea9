"""The index of runs: a line when a run opens, goes on, is interrupted and ends, each with the hash of the one before.

It is beside the runs' folders, so a folder that was deleted or a journal that was rewritten is told by it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_playbook.approval.canonical import sha256
from dagster_playbook.durable import append_to, cut_torn_end, sync_folder
from dagster_playbook.errors import RecordError, on_disk
from dagster_playbook.runbook.journal import START

FILE_NAME = "runs.jsonl"
_CURE = "make room or mend the disk; nothing is run without a record"
_TYPES: dict[str, type] = {
    "line": int, "at": str, "event": str, "run": str, "seq": int, "head": str, "previous": str, "hash": str,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class IndexLine:
    """A line: `line` counts from 1, `seq` and `head` are of the run's journal at that time."""

    line: int
    at: str
    event: str
    run: str
    seq: int
    head: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Read:
    """An index as it was read: its lines and what does not fit the chain; a torn end is left out."""

    lines: list[IndexLine]
    problems: list[str]


class RunIndex:
    """The index of a project's runs in a file that is only ever appended to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, event: str, run: str, seq: int, head: str) -> IndexLine:
        """Write a line; it is on disk when this returns.

        Raises:
            RecordError: the disk refuses.
        """
        with (
            on_disk("the run index cannot be written", self.path, RecordError, cure=_CURE),
            self._locked() as descriptor,
        ):
            cut_torn_end(descriptor)
            last = _last(self.read().lines)
            body: dict[str, Any] = {
                "line": last.line + 1 if last else 1,
                "at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
                "event": event,
                "run": run,
                "seq": seq,
                "head": head,
                "previous": last.hash if last else START,
            }
            entry = IndexLine(**body, hash=sha256(body))
            append_to(descriptor, json.dumps({**body, "hash": entry.hash}))
            return entry

    def anchor(self) -> str:
        """`line:hash` of the newest line, as a journal states it; "0:000..." of an index without lines.

        Raises:
            RecordError: the disk refuses.
        """
        last = _last(self.read().lines)
        return f"{last.line}:{last.hash}" if last else f"0:{START}"

    def read(self) -> Read:
        """Every line that can be read, and whether they follow each other.

        Raises:
            RecordError: the file is there and cannot be read.
        """
        with on_disk("the run index cannot be read", self.path, RecordError, cure=_CURE):
            raw = self.path.read_bytes() if self.path.exists() else b""
        lines: list[IndexLine] = []
        problems, previous = [], START
        for number, text in enumerate(raw.split(b"\n")[:-1], start=1):
            line = _parsed(text)
            if line is None:
                problems.append(f"line {number}: it is no line of an index")
                continue
            if line.previous != previous or line.line != len(lines) + 1:
                problems.append(f"line {number}: it does not follow the line before")
            if sha256(_body(line)) != line.hash:
                problems.append(f"line {number}: its text was edited")
            lines.append(line)
            previous = line.hash
        return Read(lines, problems)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        """Runs on different platforms write to it at the same time."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        is_new = not self.path.exists()
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if is_new:
                sync_folder(self.path.parent)
            yield descriptor
        finally:
            os.close(descriptor)


def _parsed(text: bytes) -> IndexLine | None:
    try:
        data = json.loads(text)
        is_line = set(data) == _TYPES.keys() and all(type(data[name]) is kind for name, kind in _TYPES.items())
        return IndexLine(**data) if is_line else None
    except (ValueError, TypeError, RecursionError):
        return None


def _body(line: IndexLine) -> dict[str, Any]:
    return {name: getattr(line, name) for name in _TYPES if name != "hash"}


def _last(lines: list[IndexLine]) -> IndexLine | None:
    return lines[-1] if lines else None
