"""What a run did: a JSON line an event, with the hash of the one before, on disk before the next thing happens.

A last line without its newline was being written when the run was cut; it is dropped on resume. Any other line that
does not fit the chain was edited. `head.json` beside the journal tells of lines that were taken off its end.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_playbook.approval.canonical import sha256
from dagster_playbook.durable import append_line, write_whole
from dagster_playbook.errors import RunbookError
from dagster_playbook.runbook.redaction import Redactor

FILE_NAME = "journal.jsonl"
HEAD_NAME = "head.json"
_START = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One event: `seq` counts from 1, `at` is ISO 8601 in UTC, `previous` and `hash` are hexadecimal SHA-256."""

    seq: int
    at: str
    event: str
    data: dict[str, Any]
    previous: str
    hash: str

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"seq": self.seq, "at": self.at, "event": self.event, "data": self.data, "previous": self.previous,
                "hash": self.hash}  # fmt: skip


class Journal:
    """The journal in one folder, opened for appending; `seq`, `head` and `at` are of its newest entry."""

    def __init__(self, folder: Path, redactor: Redactor | None = None) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME
        self._redactor = redactor or Redactor()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        entries = self._recovered() if self.path.is_file() else []
        self.seq = entries[-1].seq if entries else 0
        self.head = entries[-1].hash if entries else _START
        self.at = entries[-1].at if entries else ""

    def append(self, event: str, **data: Any) -> Entry:
        """Write an event; it is on disk when this returns."""
        body: dict[str, Any] = {
            "seq": self.seq + 1,
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
            "event": event,
            "data": json.loads(json.dumps(self._redactor.data(data), default=str)),
            "previous": self.head,
        }
        entry = Entry(**body, hash=sha256(body))
        line = json.dumps(entry.as_dict(), ensure_ascii=False)
        append_line(self.path, line)
        self.seq, self.head, self.at = entry.seq, entry.hash, entry.at
        write_whole(self.folder / HEAD_NAME, json.dumps({"seq": entry.seq, "hash": entry.hash}))
        return entry

    def _recovered(self) -> list[Entry]:
        """The entries, after a torn last line was cut off; nothing else is ever cut."""
        raw = self.path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        if whole != raw:
            with self.path.open("r+b") as file:
                file.truncate(len(whole))
                os.fsync(file.fileno())
        problems = verify(self.folder)
        if problems:
            raise RunbookError(
                f"the journal was changed: {problems[0]}",
                path=str(self.path),
                cure="a run cannot be resumed from it; look at what was done and start a new one",
            )
        return list(entries(self.folder))


def entries(folder: Path) -> Iterator[Entry]:
    """The readable entries of a journal, oldest first; a torn last line is left out.

    Raises:
        RunbookError: a line is no entry.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise RunbookError("no journal", path=str(path))
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            yield Entry(**json.loads(line.decode("utf-8", "surrogatepass")))
        except (ValueError, TypeError) as error:
            raise RunbookError("not an entry of a journal", path=str(path), line=number) from error


def verify(folder: Path) -> list[str]:
    """Everything that does not fit, in order; nothing when the journal is as it was written."""
    problems, previous, count = [], _START, 0
    try:
        for entry in entries(folder):
            count += 1
            body = entry.as_dict()
            claimed = body.pop("hash")
            if entry.seq != count:
                problems.append(f"line {count}: number {entry.seq}, so lines are missing or were moved")
            if entry.previous != previous:
                problems.append(f"line {count}: it does not follow the line before")
            if sha256(body) != claimed:
                problems.append(f"line {count}: its text was edited")
            previous = claimed
    except RunbookError as error:
        return [*problems, f"line {error.line}: {error.message}"]
    return problems + _missing_end(folder, count, previous)


def _missing_end(folder: Path, count: int, last: str) -> list[str]:
    """The head is written after its line, so it may be one behind, never ahead."""
    path = folder / HEAD_NAME
    if not path.is_file():
        return [] if count <= 1 else ["head.json is missing"]
    try:
        head = json.loads(path.read_text(encoding="utf-8"))
        seq, known = int(head["seq"]), str(head["hash"])
    except (ValueError, KeyError, TypeError):
        return ["head.json cannot be read"]
    if seq > count:
        return [f"{seq - count} lines were taken off the end"]
    if seq == count and known != last:
        return ["the last line is not the one that was written last"]
    return [] if seq >= count - 1 else [f"{count - seq} lines were added without the head"]
