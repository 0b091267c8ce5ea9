"""One operator a platform: a lock that says who holds it, and that a dead holder does not keep.

It is a file beside the platform's own data, whatever the platform is called and from whichever clone of the project it
is reached; and where the platform's state is in Postgres a lock there as well, since a file says nothing to operators
on other machines. Its record also names what the holder has started: that goes on when the holder was killed, and
nobody else may begin as long as it does.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagster_playbook.durable import write_whole
from dagster_playbook.errors import PlatformError, RunbookError, on_disk
from dagster_playbook.restatement.recovery import data_folder
from dagster_playbook.runbook.owner import ago, at_work, is_alive, now, read, shown, silence_s, this_process
from dagster_playbook.services import living
from dagster_playbook.services.living import Started
from dagster_playbook.services.postgres_lock import LockTakenError, StateDatabase, StateLock, state_lock
from dagster_playbook.settings import Settings

#: the lock's name in a database, which holds the state of one platform
PLATFORM = "platform"
#: seconds between two signs of life in the record, and after how many without one a holder elsewhere counts as silent
HEARTBEAT_S, SILENT_S = 15.0, 60.0


class PlatformBusyError(RunbookError):
    """Somebody else is changing the platform."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a platform's lock is: what makes it one platform, and what people call it.

    Attributes:
        folder: of the platform's own data; the lock file is there.
        database: of its state, None when that is a file.
        name: for messages only.
    """

    folder: Path
    database: StateDatabase | None = None
    name: str = "embedded"

    @property
    def file(self) -> Path:
        """The lock file; two databases reached from one folder are two platforms."""
        where = self.database.address if self.database else ""
        return self.folder / (f"platform-{hashlib.sha256(where.encode()).hexdigest()[:8]}" if where else PLATFORM)


def place_of(settings: Settings, target: str) -> Place:
    """The place of the lock of the platform that a project works on, by the variables that its code sees."""
    database = StateDatabase.from_environment({**os.environ, **settings.environment})
    return Place(data_folder(settings).resolve(), database, target)


@dataclass(slots=True)
class Held:
    """The platform's lock while it is ours.

    Attributes:
        left_behind: the record of a holder that died with it, None normally.
        keep: makes sure that it still is ours; raises `LockTakenError` when somebody else has it by now, which leaves
            the lock's block as `PlatformBusyError`.
    """

    left_behind: dict[str, Any] | None
    record: dict[str, Any]
    keep: Callable[[], None] = lambda: None
    _write: list[Callable[[dict[str, Any]], None]] = field(default_factory=list)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def works(self, *started: Started) -> None:
        """Write down which processes change the platform now, none when none does any more."""
        self._update(works=[one.as_dict() for one in started])

    def beat(self) -> None:
        """Write down that the holder lives."""
        self._update(heard=now())

    def _update(self, **data: Any) -> None:
        with self._turn:
            self.record.update(data)
            for write in self._write:
                write(self.record)


@contextlib.contextmanager
def platform_lock(place: Place, run_id: str, *, take_over: str = "") -> Iterator[Held]:
    """Hold the platform's lock.

    Args:
        take_over: why a lock that was left on another host is taken, "" not to.

    Raises:
        PlatformBusyError: somebody living holds it; names who, where and since when.
        PlatformError: the lock cannot be asked for.
    """
    me = this_process(run_id)
    with _file_lock(place, me, take_over) as (left_in_file, write_file):
        if place.database is None:
            yield from _beating(Held(left_in_file, me, _write=[write_file]))
            return
        try:
            with state_lock(place.database, PLATFORM, me) as lock:
                _refuse_living(place.name, lock.left_behind, me, take_over)
                held = Held(lock.left_behind or left_in_file, me, lock.keep, [write_file, _writing(lock)])
                yield from _beating(held)
        except LockTakenError as error:
            raise _busy(place.name, error.owner, "it holds the lock in the database of the state") from error


def _beating(held: Held) -> Iterator[Held]:
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT_S):
            # a sign of life that cannot be written is missed by nobody here
            with contextlib.suppress(OSError, PlatformError):
                held.beat()

    beating = threading.Thread(target=beat, daemon=True, name="heartbeat")
    beating.start()
    try:
        yield held
    finally:
        over.set()
        beating.join()
        # what could not be stopped keeps the platform from others
        with contextlib.suppress(OSError, PlatformError):
            held.works(*(one for one in at_work(held.record) if living.still_running(one)))


def _writing(lock: StateLock) -> Callable[[dict[str, Any]], None]:
    written: dict[str, Any] = {"works": []}

    def write(record: dict[str, Any]) -> None:
        # the session is the sign of life in the database; the row changes only with what is at work
        if written.get("works") != record.get("works"):
            written.update(record)
            lock.write(record)

    return write


@contextlib.contextmanager
def _file_lock(
    place: Place, me: dict[str, Any], take_over: str
) -> Iterator[tuple[dict[str, Any] | None, Callable[[dict[str, Any]], None]]]:
    """Hold the lock file; yields the record of a holder that died with it, and what writes our own.

    The lock is the operating system's, so it goes with the process; the record beside it is for people, and for
    file systems whose locks are not to be trusted: a holder counts as alive while a process of its id started at
    the time that it wrote down.
    """
    from filelock import FileLock, Timeout

    record = place.file.with_suffix(".owner.json")
    lock = FileLock(place.file.with_suffix(".lock"))
    try:
        place.folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise _busy(place.name, read(record), "it holds the lock") from error
    except OSError as error:
        told = f"the platform's lock {place.file.name}.lock cannot be taken: {error.strerror or error}"
        raise PlatformError(told, path=str(place.folder)) from error
    try:
        left_behind = read(record)
        _refuse_living(place.name, left_behind, me, take_over)
        _put(record, me)
        try:
            yield left_behind, lambda data: _put(record, data)
        finally:
            if not me["works"]:
                record.unlink(missing_ok=True)
    finally:
        lock.release()


def _put(record: Path, data: dict[str, Any]) -> None:
    with on_disk("the lock cannot be written", record, PlatformError):
        write_whole(record, json.dumps(data))


def _refuse_living(name: str, owner: dict[str, Any] | None, me: dict[str, Any], take_over: str) -> None:
    """Refuse when a holder lives, or what it has started, or when nobody here can know whether it does.

    What a run has started is no hindrance to its own resumption, which waits for it.
    """
    if owner is None:
        return
    if owner.get("host") != socket.gethostname():
        _refuse_elsewhere(name, owner, take_over)
    elif is_alive(owner):
        raise _busy(name, owner, "its process is alive")
    elif owner.get("run") != me["run"] and (
        running := [p for one in at_work(owner) for p in living.still_running(one)]
    ):
        told = living.shown(living.named(running))
        cure = f"wait until it has ended, or go on with that run: playbook resume {owner.get('run')}"
        message = f"the platform {name!r} is being changed by what {shown(owner)} started before it died: {told}"
        raise PlatformBusyError(message, cure=cure)


def _refuse_elsewhere(name: str, owner: dict[str, Any], take_over: str) -> None:
    silence = silence_s(owner)
    age = f"last heard of {ago(silence)}" if silence is not None else "never heard of"
    if silence is not None and 0 <= silence < SILENT_S:
        raise _busy(name, owner, age)
    if not take_over:
        cure = "when that host is gone and nothing of it works any more: --take-over REASON, which is recorded"
        raise PlatformBusyError(f"the platform {name!r} was being changed by {shown(owner)}, {age}", cure=cure)


def _busy(name: str, owner: dict[str, Any] | None, why: str) -> PlatformBusyError:
    who = shown(owner)
    message = f"the platform {name!r} is being changed by {who}: {why}"
    return PlatformBusyError(message, cure="wait until that run has ended")
