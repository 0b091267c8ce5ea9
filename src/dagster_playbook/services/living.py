"""Whether a process that was written down before it began to work still runs, and what it has started.

A process id is given out again, and the clock that psutil tells a start time by may be set. On Linux a process is told
by the boot and by the ticks since then, which no clock moves. What a process starts is found by its session and by a
variable of its environment, also when its parent is gone.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from dagster_playbook.stopping import is_urgent

#: the variable by which everything that a step has started says whose it is
MARK = "PLAYBOOK_RUN_KEY"
#: seconds that processes get to end by themselves once they are asked, and that ending them may take
GRACE_S, END_S = 10.0, 5.0
_LOOK_S = 0.05
_COMMAND_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Started:
    """A process that leads a session of its own, as it is written down before it begins to work.

    Attributes:
        born: what tells it from a later process of that number.
        mark: the value of MARK in its environment, "" without one.
    """

    pid: int
    born: str
    host: str
    mark: str = ""

    @classmethod
    def of(cls, pid: int, mark: str = "") -> Started:
        """The record of a living process of this host."""
        return cls(pid, born(pid), socket.gethostname(), mark)

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Started | None:
        """From plain data; None when it is none."""
        try:
            return cls(int(data["pid"]), str(data["born"]), str(data["host"]), str(data.get("mark", "")))
        except (KeyError, TypeError, ValueError):
            return None

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @property
    def is_here(self) -> bool:
        """Whether it was started on this host."""
        return self.host == socket.gethostname()


def born(pid: int) -> str:
    """What tells a living process from a later one of its number; "" when there is none."""
    try:
        # the command stands in brackets and may hold anything; the 20th field behind it is the start in ticks
        ticks = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
        return f"{_boot()}:{ticks}"
    except (OSError, IndexError):
        with contextlib.suppress(psutil.Error):
            return f"{psutil.Process(pid).create_time():.2f}"
        return ""


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]


def is_alive(pid: int, told: str) -> bool:
    """Whether the process that was told by `born` still runs; one that ended and was not waited for does not."""
    with contextlib.suppress(psutil.Error):
        return bool(told) and born(pid) == told and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def still_running(started: Started) -> list[psutil.Process]:
    """The process and whatever it has started, as far as it lives on this host; the oldest first."""
    if not started.is_here:
        return []
    # while somebody is in a session, its number is given to nobody else
    given_again = born(started.pid) not in ("", started.born)
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if (not given_again and _session(process.pid) == started.pid) or _is_marked(process, started.mark):
                found.append(process)
    return sorted(found, key=lambda process: (process.pid != started.pid, process.pid))


def _session(pid: int) -> int:
    return os.getsid(pid)


def _is_marked(process: psutil.Process, mark: str) -> bool:
    if not mark:
        return False
    with contextlib.suppress(psutil.Error, OSError):
        return bool(process.environ().get(MARK) == mark)
    return False


def stop(started: Started, *, grace_s: float = GRACE_S, reap: Callable[[], Any] = lambda: None) -> list[psutil.Process]:
    """Ask all of them to end and then end them; those that are there all the same.

    Args:
        reap: waits for one's own child without blocking, since nobody else can.
    """
    for signal_name, patience_s in (("terminate", grace_s), ("kill", END_S)):
        asked: set[int] = set()
        deadline = time.monotonic() + patience_s
        while (running := _looked(started, reap)) and time.monotonic() < deadline:
            for process in running:
                if process.pid not in asked:
                    asked.add(process.pid)
                    with contextlib.suppress(psutil.Error):
                        getattr(process, signal_name)()
            if signal_name == "terminate" and is_urgent():
                break
            time.sleep(_LOOK_S)
        if not running:
            return []
    return _looked(started, reap)


def _looked(started: Started, reap: Callable[[], Any]) -> list[psutil.Process]:
    reap()
    return still_running(started)


def named(processes: Iterable[psutil.Process]) -> list[dict[str, Any]]:
    """Process ids and commands as plain data."""
    return [{"pid": process.pid, "command": _command(process)} for process in processes]


def _command(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())[:_COMMAND_CHARACTERS] or process.name()
    return ""


def shown(processes: Iterable[Mapping[str, Any]]) -> str:
    """Named processes for people."""
    return ", ".join(f"process {one['pid']} ({one['command']})" for one in processes)
