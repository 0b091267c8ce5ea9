"""One operator a platform: a lock that says who holds it, and that a dead holder does not keep.

It is a file of the project, and where the platform's state is in Postgres a lock there beside it, since a file says
nothing to operators on other machines.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import getpass
import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_playbook.durable import write_whole
from dagster_playbook.errors import RunbookError, on_disk
from dagster_playbook.platform.postgres_lock import LockTakenError, StateDatabase, state_lock


class PlatformBusyError(RunbookError):
    """Somebody else is changing the platform."""


@dataclass(frozen=True, slots=True)
class Held:
    """The platform's lock while it is ours.

    Attributes:
        left_behind: the record of a holder that died with it, None normally.
        keep: makes sure that it still is ours; raises `LockTakenError` when somebody else has it by now, which leaves
            the lock's block as `PlatformBusyError`.
    """

    left_behind: dict[str, Any] | None
    keep: Callable[[], None] = lambda: None


@contextlib.contextmanager
def platform_lock(folder: Path, target: str, run_id: str, database: StateDatabase | None = None) -> Iterator[Held]:
    """Hold the platform's lock, in the folder and, when one is given, in the database of its state.

    Raises:
        PlatformBusyError: somebody living holds it; names who, where and since when.
        PlatformError: the database cannot be asked.
    """
    me = _me(run_id)
    with _file_lock(folder, target, me) as left_in_file:
        if database is None:
            yield Held(left_in_file)
            return
        try:
            with state_lock(database, target, me) as lock:
                yield Held(lock.left_behind or left_in_file, lock.keep)
        except LockTakenError as error:
            raise _busy(target, error.owner) from error


@contextlib.contextmanager
def _file_lock(folder: Path, target: str, me: dict[str, Any]) -> Iterator[dict[str, Any] | None]:
    """Hold the lock file; yields the record of a holder that died with it.

    The lock is the operating system's, so it goes with the process; the record beside it is for people, and for
    file systems whose locks are not to be trusted: a holder counts as alive while a process of its id started at
    the time that it wrote down.
    """
    from filelock import FileLock, Timeout

    with on_disk("the lock's folder cannot be made", folder, RunbookError):
        folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]", "_", target)
    record = folder / f"{name}.owner.json"
    lock = FileLock(folder / f"{name}.lock")
    try:
        with on_disk("the lock cannot be taken", folder / f"{name}.lock", RunbookError):
            lock.acquire(timeout=0)
    except Timeout as error:
        raise _busy(target, _read(record)) from error
    try:
        left_behind = _read(record)
        if left_behind and is_alive(left_behind):
            raise _busy(target, left_behind)
        with on_disk("the lock cannot be written", record, RunbookError):
            write_whole(record, json.dumps(me))
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


def shown(owner: dict[str, Any] | None) -> str:
    """An owner record for people."""
    known = "{user} on {host} (process {pid}, run {run}, since {since})"
    return known.format_map(_Known(owner)) if owner else "somebody"


def _busy(target: str, owner: dict[str, Any] | None) -> PlatformBusyError:
    who = shown(owner)
    return PlatformBusyError(f"the platform {target!r} is being changed by {who}", cure="wait until that run has ended")


class _Known(dict[str, Any]):
    def __init__(self, owner: dict[str, Any] | None) -> None:
        super().__init__(owner or {})

    def __missing__(self, key: str) -> str:
        return "?"
