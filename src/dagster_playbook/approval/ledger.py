"""What has been spent: one line a nonce, written under a lock and fsynced before anything is allowed.

Whatever cannot be read for certain refuses: a torn line was being written when the machine stopped, and nobody knows
what followed. A line is never taken away; that an op did not admit a run is a line of its own.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dagster_playbook.approval import statement
from dagster_playbook.approval.envelope import RefusedError
from dagster_playbook.approval.grant import Grant
from dagster_playbook.durable import append_to, sync_folder

#: the nonce of a line that cannot be read as a whole; it stands first, so that a cut leaves it
_NONCE = re.compile(r'"nonce": "([^"\\]+)"')
#: what a nonce that was rejected is held by
_REJECTED = "nothing: it was rejected: "
_CURE = "look at it by hand, then mend or remove that line"


class Ledger:
    """A file of spent nonces; `holder` is what a nonce was spent on, and the same holder may come again.

    A run's holder is its root run id, so a re-execution of the run that was approved needs no second approval.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def spend(self, grant: Grant, holder: str) -> None:
        """Write the nonce down for a holder.

        Raises:
            RefusedError: it was spent on something else or rejected, the ledger cannot be read or written, or the
                clock was set back behind its last line.
        """
        self._append(grant.nonce, holder, _entry(grant, holder))

    def reject(self, nonce: str, reason: str) -> None:
        """Write down that a request was rejected, so that it cannot be spent any more.

        Raises:
            RefusedError: it was spent, or the ledger cannot be read or written.
        """
        holder = f"{_REJECTED}{reason}"
        self._append(nonce, holder, {"nonce": nonce, "holder": holder, "at": _now()})

    def release(self, nonce: str, holder: str, reason: str) -> None:
        """Write down that what a nonce was spent on was not admitted, so that it may be spent on something else.

        Raises:
            RefusedError: it was not spent on that, or the ledger cannot be read or written.
        """
        line = {"nonce": nonce, "holder": holder, "released": reason, "at": _now()}
        self._append(nonce, holder, line, is_release=True)

    def look(self, nonce: str, holder: str) -> None:
        """Refuse like `spend`, and write nothing.

        Raises:
            RefusedError: it was spent on something else, or the ledger cannot be read.
        """
        _refuse(self.entries(), nonce, holder)

    def refuse_rejected(self, nonce: str) -> None:
        """Raises RefusedError when the request of this nonce was rejected; whatever else it was spent on is let be."""
        if (holder := _holder_of(self.entries(), nonce)).startswith(_REJECTED):
            raise RefusedError(holder.removeprefix("nothing: "))

    def entries(self) -> list[dict[str, Any]]:
        """Every line, oldest first; one that cannot be read is `{"torn": text, "line": number}`.

        Raises:
            RefusedError: the file cannot be read.
        """
        try:
            return _parsed(self.path.read_bytes())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RefusedError(f"the ledger {self.path} cannot be read: {error}") from error

    def _append(self, nonce: str, holder: str, entry: dict[str, Any], *, is_release: bool = False) -> None:
        try:
            with self._locked() as descriptor:
                found = self.entries()
                _refuse(found, nonce, holder)
                if is_release and _holder_of(found, nonce) != holder:
                    raise RefusedError(f"it was not spent on {holder}")
                append_to(descriptor, json.dumps(entry))
                sync_folder(self.path.parent)
        except OSError as error:
            raise RefusedError(f"the ledger {self.path} cannot be written: {error}") from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def _refuse(entries: list[dict[str, Any]], nonce: str, holder: str) -> None:
    for entry in entries:
        if "torn" in entry:
            _refuse_torn(entry, nonce)
    known = _holder_of(entries, nonce)
    if known not in ("", holder):
        at = next(e["at"] for e in reversed(entries) if e.get("nonce") == nonce)
        raise RefusedError(f"it was used already, on {at} for {known}")
    _refuse_clock(entries)


def _refuse_torn(entry: dict[str, Any], nonce: str) -> None:
    """A line without a readable nonce may be of any; one with another's whole nonce is not of this one."""
    found = _NONCE.search(entry["torn"])
    if found is None:
        raise RefusedError(f"line {entry['line']} of the ledger cannot be read, and may be of this one: {_CURE}")
    if found[1] == nonce:
        raise RefusedError(f"it was being used when line {entry['line']} of the ledger was cut off: {_CURE}")


def _holder_of(entries: list[dict[str, Any]], nonce: str) -> str:
    holder = ""
    for entry in entries:
        if entry.get("nonce") == nonce:
            holder = "" if "released" in entry else entry["holder"]
    return holder


def _refuse_clock(entries: list[dict[str, Any]]) -> None:
    """What has expired looks alive on a clock that was set back."""
    newest = max((dt.datetime.fromisoformat(e["at"]) for e in entries if "at" in e), default=None)
    at = statement.now()
    if newest is not None and at < newest - statement.SKEW:
        raise RefusedError(
            f"the clock says {statement.spelled(at)}, and the ledger's newest line is of {statement.spelled(newest)}: "
            "the clock was set back, so nobody knows what has expired; set it right"
        )


def _entry(grant: Grant, holder: str) -> dict[str, Any]:
    return {
        "nonce": grant.nonce,
        "holder": holder,
        "digest": grant.digest,
        "requester": grant.requester,
        "approver": grant.approver,
        "break_glass": grant.reason if grant.is_break_glass else "",
        "at": _now(),
    }


def _now() -> str:
    return statement.spelled(statement.now())


def _parsed(raw: bytes) -> list[dict[str, Any]]:
    lines = raw.decode("utf-8", "replace").split("\n")
    # what follows the last line end is a line that was being written, however whole it looks
    torn = [{"torn": lines[-1], "line": len(lines)}] if lines[-1] else []
    return [_line(text, number) for number, text in enumerate(lines[:-1], start=1) if text] + torn


def _line(text: str, number: int) -> dict[str, Any]:
    try:
        entry = json.loads(text)
        is_whole = isinstance(entry, dict) and all(isinstance(entry.get(k), str) for k in ("nonce", "holder", "at"))
        if is_whole and dt.datetime.fromisoformat(entry["at"]).tzinfo is not None:
            return dict(entry)
    except (ValueError, RecursionError):
        pass
    return {"torn": text, "line": number}
