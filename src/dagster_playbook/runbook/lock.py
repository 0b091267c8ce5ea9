"""One operator a platform: a lock file that says who holds it, and that a dead holder does not keep."""

from __future__ import annotations

import contextlib
import datetime as dt
import getpass
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dagster_playbook.errors import RunbookError
from dagster_playbook.runbook.journal import write_whole


class PlatformBusyError(RunbookError):
    """Somebody else is changing the platform."""


@contextlib.contextmanager
def platform_lock(folder: Path, target: str, run_id: str) -> Iterator[dict[str, Any] | None]:
    """Hold the platform's lock; yields the record of a holder that died with it, None normally.

    The lock is the operating system's, so it goes with the process; the record beside it is for people, and for
    file systems whose locks are not to be trusted: a holder counts as alive while a process of its id started at
    the time that it wrote down.

    Raises:
        PlatformBusyError: a living process holds it; names who, where and since when.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]", "_", target)
    record = folder / f"{name}.owner.json"
    lock = FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise _busy(target, _read(record)) from error
    try:
        left_behind = _read(record)
        if left_behind and is_alive(left_behind):
            raise _busy(target, left_behind)
        write_whole(record, json.dumps(_me(run_id)))
        try:
            yield left_behind
        finally:
            record.unlink(missing_ok=True)
    finally:
        lock.release()


def is_alive(owner: dict[str, Any]) -> bool:
    """Whether the process of an owner record still runs; one on another host is taken to."""
    import psutil

    if owner.get("host") != socket.gethostname():
        return True
    try:
        return abs(psutil.Process(int(owner["pid"])).create_time() - float(owner["process_started"])) < 1.0
    except (psutil.Error, KeyError, TypeError, ValueError):
        return False


def _me(run_id: str) -> dict[str, Any]:
    import psutil

    process = psutil.Process()
    return {
        "pid": process.pid,
        "process_started": process.create_time(),
        "host": socket.gethostname(),
        "user": getpass.getuser(),
        "run": run_id,
        "since": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }


def _read(record: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def _busy(target: str, owner: dict[str, Any] | None) -> PlatformBusyError:
    who = (
        "{user} on {host} (process {pid}, run {run}, since {since})".format_map(_Known(owner)) if owner else "somebody"
    )
    return PlatformBusyError(f"the platform {target!r} is being changed by {who}", cure="wait until that run has ended")


class _Known(dict[str, Any]):
    def __init__(self, owner: dict[str, Any] | None) -> None:
        super().__init__(owner or {})

    def __missing__(self, key: str) -> str:
        return "?"
