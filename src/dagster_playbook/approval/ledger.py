"""What has been spent: one line a nonce, written under a lock and fsynced before anything is allowed.

A torn line was being written when the machine stopped: its nonce counts as spent, for nobody knows what followed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dagster_playbook.approval.envelope import RefusedError
from dagster_playbook.approval.grant import Grant
from dagster_playbook.durable import append_to, sync_folder


class Ledger:
    """A file of spent nonces; `holder` is what a nonce was spent on, and the same holder may come again.

    A run's holder is its root run id, so a re-execution of the run that was approved needs no second approval.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def spend(self, grant: Grant, holder: str) -> None:
        """Write the nonce down for a holder.

        Raises:
            RefusedError: it was spent on something else, or the ledger cannot be written.
        """
        try:
            with self._locked() as descriptor:
                self._refuse_other_holder(grant.nonce, holder)
                append_to(descriptor, json.dumps(_entry(grant, holder), sort_keys=True))
                sync_folder(self.path.parent)
        except OSError as error:
            raise RefusedError(f"the ledger {self.path} cannot be written: {error}") from error

    def look(self, grant: Grant, holder: str) -> None:
        """Refuse like `spend`, and write nothing.

        Raises:
            RefusedError: it was spent on something else.
        """
        self._refuse_other_holder(grant.nonce, holder)

    def entries(self) -> list[dict[str, Any]]:
        """Everything that was spent, oldest first; a torn line is `{"torn": text}`."""
        if not self.path.is_file():
            return []
        return [_parsed(line) for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines() if line]

    def _refuse_other_holder(self, nonce: str, holder: str) -> None:
        for entry in self.entries():
            if entry.get("nonce") == nonce and entry.get("holder") != holder:
                raise RefusedError(f"it was used already, on {entry.get('at')} for {entry.get('holder')}")
            if nonce in entry.get("torn", ""):
                raise RefusedError("it was being used when the ledger's last write was cut off")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def _entry(grant: Grant, holder: str) -> dict[str, Any]:
    return {
        "nonce": grant.nonce,
        "holder": holder,
        "digest": grant.digest,
        "requester": grant.requester,
        "approver": grant.approver,
        "break_glass": grant.reason,
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }


def _parsed(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {"torn": line}
    return entry if isinstance(entry, dict) else {"torn": line}
