"""Start, recognise and end the processes of a stack, also those that an earlier, killed parent left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from dagster_playbook.durable import write_whole
from dagster_playbook.errors import StackError
from dagster_playbook.stack.room import Room

#: the variable by which a process, and every child of it, says which stack's service it belongs to
MARK = "PLAYBOOK_STACK_SERVICE"
#: the size at which a log is put aside when its service is started anew
_LOG_LIMIT_BYTES = 20_000_000
#: seconds between asking a process to go and ending it
STOP_TIMEOUT_S = 20.0
#: seconds that a child gets once its parent is gone
_ORPHAN_TIMEOUT_S = 3.0
#: seconds that children get to follow their leader by themselves, and between two looks at who is left
_FOLLOW_S = 0.2
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a started process: `created_s` (seconds since the epoch) tells it from a later one of that pid.

    `fingerprint` is the digest of all that it was started with.
    """

    service: str
    pid: int
    created_s: float
    fingerprint: str


def mark_of(room: Room, service: str) -> str:
    """The value of MARK for a service."""
    return f"{room.folder}::{service}"


def spawn(
    room: Room, service: str, argv: list[str], environment: Mapping[str, str], folder: Path, user: int | None = None
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, its output appended to the service's log.

    Raises:
        StackError: the command cannot be run.
    """
    log = room.log(service)
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as sink:
        try:
            return subprocess.Popen(
                argv,
                env={**environment, MARK: mark_of(room, service)},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )
        except OSError as error:
            raise StackError(f"cannot start {service}: {argv[0]}: {error.strerror}") from error


def keep_record(room: Room, service: str, pid: int, fingerprint: str) -> Record:
    """Write down a process that was just started."""
    record = Record(service, pid, psutil.Process(pid).create_time(), fingerprint)
    write_whole(room.run / f"{service}.json", json.dumps(asdict(record)) + "\n")
    return record


def read_record(room: Room, service: str) -> Record | None:
    """What was written down, or None; a record that cannot be read counts as none, the marks still tell."""
    try:
        return Record(**json.loads((room.run / f"{service}.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def recorded_process(room: Room, service: str) -> tuple[psutil.Process, Record] | None:
    """The living process of a record: the pid, the time it was created and its mark (or command) all agree.

    Of one that is ending neither mark nor command is shown; the pid and the time tell it.
    """
    record = read_record(room, service)
    if record is None:
        return None
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(record.pid)
        if (
            abs(process.create_time() - record.created_s) < 0.05
            and is_alive(process)
            and (_is_ending(process) or belongs(process, room, service))
        ):
            return process, record
    return None


def belongs(process: psutil.Process, room: Room, service: str) -> bool:
    """Whether the process is of this service: by its mark, or, where its environment is not shown, by its command."""
    with contextlib.suppress(psutil.Error, OSError):
        mark = process.environ().get(MARK)
        if mark is not None:
            return mark == mark_of(room, service)
    with contextlib.suppress(psutil.Error):
        return any(str(room.data / service) in argument for argument in process.cmdline())
    return False


def left_behind(room: Room, services: Iterable[str]) -> dict[str, list[psutil.Process]]:
    """All living processes of each service, whether recorded or not: the leader and whatever it started."""
    names = list(services)
    recorded = {name: recorded_process(room, name) for name in names}
    found = {name: [known[0]] if known and _is_ending(known[0]) else [] for name, known in recorded.items()}
    for process in psutil.process_iter():
        if process.pid != os.getpid() and is_alive(process):
            for name in names:
                if belongs(process, room, name):
                    found[name].append(process)
                    break
    return found


def end(processes: Iterable[psutil.Process], ask: signal.Signals, timeout_s: float = STOP_TIMEOUT_S) -> None:
    """Ask the oldest process to go, then end what is still there, children included; returns when all are gone."""
    known = {p.pid: p for p in processes if is_alive(p)}
    if not known:
        return
    leader = min(known.values(), key=_created)
    for process in list(known.values()):
        with contextlib.suppress(psutil.Error):
            known |= {child.pid: child for child in process.children(recursive=True)}
    with contextlib.suppress(psutil.Error):
        leader.send_signal(ask)
    _wait_gone([leader], timeout_s)
    # What outlives its leader is asked once more, briefly, and then ended.
    for process in (alive := _wait_gone(list(known.values()), _FOLLOW_S)):
        with contextlib.suppress(psutil.Error):
            process.terminate()
    for process in (alive := _wait_gone(alive, _ORPHAN_TIMEOUT_S)):
        with contextlib.suppress(psutil.Error):
            process.kill()
    _wait_gone(alive, _ORPHAN_TIMEOUT_S)


def _wait_gone(processes: list[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Wait until none is alive; those that still are when the time is over.

    A zombie counts as gone: it holds nothing, and not every init reaps. Our own children are reaped here.
    """
    deadline = time.monotonic() + timeout_s
    while alive := [p for p in processes if is_alive(p)]:
        if time.monotonic() > deadline:
            break
        time.sleep(_LOOK_S)
    for process in processes:
        if process not in alive:
            with contextlib.suppress(psutil.Error):
                process.wait(timeout=0)
    return alive


def forget(room: Room, service: str) -> None:
    """Remove the record of a process that is gone."""
    (room.run / f"{service}.json").unlink(missing_ok=True)


def memory_bytes(processes: Iterable[psutil.Process]) -> int:
    """Memory that the processes and their children hold resident, in bytes; what they share is counted for each."""
    known = {p.pid: p for p in processes}
    for process in list(known.values()):
        with contextlib.suppress(psutil.Error):
            known |= {child.pid: child for child in process.children(recursive=True)}
    total = 0
    for process in known.values():
        with contextlib.suppress(psutil.Error):
            total += int(process.memory_info().rss)
    return total


def _created(process: psutil.Process) -> float:
    try:
        return float(process.create_time())
    except psutil.Error:
        return float("inf")


def is_alive(process: psutil.Process) -> bool:
    """Whether it still holds anything, e.g. its ports: a zombie does as long as one of its threads has not ended."""
    with contextlib.suppress(psutil.Error):
        return process.is_running() and (process.status() != psutil.STATUS_ZOMBIE or _is_ending(process))
    return False


def _is_ending(process: psutil.Process) -> bool:
    """Whether its first thread has ended and others have not, as after kill -9 on a machine that is busy."""
    with contextlib.suppress(psutil.Error):
        return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() > 1
    return False
