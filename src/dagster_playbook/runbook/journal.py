"""What a run did: a JSON line an event, with the hash of the one before, on disk before the next thing happens.

A last line without its newline was being written when the run was cut; it is dropped on resume. Any other line that
does not fit the chain was edited. `head.json` beside the journal tells of lines that were taken off its end. A line
also says which files of the run's folder are new or different since the line before, by size and digest.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dagster_playbook.approval.canonical import sha256
from dagster_playbook.durable import append_line, cut_torn_end, write_whole
from dagster_playbook.errors import RecordError, RunbookError, on_disk
from dagster_playbook.runbook.redaction import Redactor
from dagster_playbook.runbook.run_files import Watched, said_of_files

FILE_NAME = "journal.jsonl"
HEAD_NAME = "head.json"
#: what the first line follows
START = "0" * 64
_CURE = "make room or mend the disk, then go on with `playbook resume`"


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


class Witness(Protocol):
    """Who keeps a journal's head where the journal is not."""

    def before(self, event: str, journal: Journal) -> dict[str, Any]:
        """What the line of an event, which is not written yet, says besides."""

    def after(self, event: str, journal: Journal) -> None:
        """Told of a line that is on disk; `journal` stands at it."""


class Journal:
    """The journal in one folder, opened for appending; `seq`, `head` and `at` are of its newest entry.

    Args:
        witness: keeps the head elsewhere, None to keep it nowhere else.

    Raises:
        RunbookError: what is there was changed, or cannot be read.
    """

    seq: int
    head: str
    at: str
    _is_sure: bool
    _files: Watched

    def __init__(self, folder: Path, redactor: Redactor | None = None, witness: Witness | None = None) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME
        self._redactor = redactor or Redactor()
        self._witness = witness
        with on_disk("the journal cannot be opened", self.path, RecordError, cure=_CURE):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._stand_at_the_end()

    @property
    def anchor(self) -> str:
        """The newest line for others to keep: its number and its hash, e.g. `12:3fa2...`."""
        return f"{self.seq}:{self.head}"

    def append(self, event: str, **data: Any) -> Entry:
        """Write an event; it is on disk when this returns.

        Raises:
            RecordError: the disk refuses; the run can be resumed, for nothing was done that is not written down.
        """
        besides = self._witness.before(event, self) if self._witness else {}
        with on_disk("the journal cannot be written", self.path, RecordError, cure=_CURE):
            entry = self._write(event, {**self._redactor.data(data), **besides})
        if self._witness:
            self._witness.after(event, self)
        return entry

    def _write(self, event: str, data: dict[str, Any]) -> Entry:
        if not self._is_sure:
            # a write that failed may have left its line after all, and its head may be behind
            self._stand_at_the_end()
        self._is_sure = False
        files = self._files.changes()
        body: dict[str, Any] = {
            "seq": self.seq + 1,
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
            "event": event,
            "data": json.loads(json.dumps(data | ({"files": files} if files else {}), default=str)),
            "previous": self.head,
        }
        entry = Entry(**body, hash=sha256(body))
        append_line(self.path, json.dumps(entry.as_dict(), ensure_ascii=False))
        self.seq, self.head, self.at = entry.seq, entry.hash, entry.at
        self._write_head()
        self._is_sure = True
        return entry

    def _write_head(self) -> None:
        write_whole(self.folder / HEAD_NAME, json.dumps({"seq": self.seq, "hash": self.head}))

    def _stand_at_the_end(self) -> None:
        """Read what is there; the head is brought to the last line, so that it is never two behind."""
        found = self._recovered() if self.path.is_file() else []
        self.seq = found[-1].seq if found else 0
        self.head = found[-1].hash if found else START
        self.at = found[-1].at if found else ""
        self._files = Watched(self.folder, said_of_files(found))
        if found:
            self._write_head()
        self._is_sure = True

    def _recovered(self) -> list[Entry]:
        """The entries, after a torn last line was cut off; nothing else is ever cut."""
        with self.path.open("r+b") as file:
            cut_torn_end(file.fileno())
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
    problems, previous, count = [], START, 0
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
        return [*problems, f"line {error.line}: {error.message}" if error.line else error.message]
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
