"""What a process gives up before it looks at the text of a page; there is no way back.

A page is data, and nothing of it is meant to run. Should a library run some of it all the same, it finds an empty
environment, no network, nothing to write to, no program to start, and little time and memory. What the operating
system does not offer is left out without an error; `in_force` says what holds on this machine, by trying it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import site
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dagster_playbook.isolation import landlock, seccomp

#: address space beyond what the process has when it enters, in bytes
MEMORY_BYTES = 1 << 30
_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_SYSTEM_FOLDERS = ("/usr", "/lib", "/lib64", "/System/Library")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/dev/null", "/dev/urandom")


@dataclass(frozen=True, slots=True)
class Protection:
    """One thing that a sandboxed process is kept from.

    Attributes:
        name: what it is kept from, in a few words.
        is_in_force: whether an attempt on this machine failed as it should.
        means: what holds it here, "" when nothing does.
    """

    name: str
    is_in_force: bool
    means: str


def enter(readable: Iterable[Path], keep: Iterable[int] = (), *, parent: int = 0) -> None:
    """Give up everything but reading below `readable` and below Python itself, and the open descriptors in `keep`.

    To be called in a forked child, which has one thread. `parent` is the process that it is to end with, 0 for none.
    """
    empty_environment()
    _close_all_but(set(keep))
    _limit()
    _leave_network()
    end_with(parent)
    landlock.read_only([*python_folders(), *readable])
    seccomp.refuse_calls()


def empty_environment() -> None:
    """Drop every variable, and blank the block that the system shows of this process in /proc."""
    os.environ.clear()
    with contextlib.suppress(OSError, ValueError, IndexError):
        # the fields of /proc/self/stat after the name in brackets; the 50th and 51st bound the environment
        fields = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        start, end = int(fields[47]), int(fields[48])
        if 0 < start < end:
            ctypes.memset(start, 0, end - start)


def end_with(parent: int) -> None:
    """Be killed by the kernel when the thread that forked this process ends, where the kernel can."""
    if platform.system() != "Linux" or not parent:
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def limit_time(seconds: int) -> None:
    """Let this process compute that much longer; the kernel ends it then, whatever it does."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (spent + seconds, hard))


@cache
def python_folders() -> tuple[Path, ...]:
    """Where this Python and its packages are, and the files of the system that reading them takes."""
    told = [sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *site.getsitepackages(), *sys.path]
    named = {Path(name).resolve() for name in told if name and name != "/"}
    folders = {path for path in named if path.exists() and path != Path("/")}
    return tuple(sorted(folders | {Path(name) for name in (*_SYSTEM_FOLDERS, *_SYSTEM_FILES) if Path(name).exists()}))


def in_force() -> tuple[Protection, ...]:
    """What holds on this machine, each tried in a sandboxed child; the means are those that the system offers."""
    tried = _tried()
    kernel = {"Landlock": landlock.version() > 0, "seccomp": seccomp.is_supported()}
    space = {"a network namespace": _can_leave_network()}
    limits = {"resource limits": True}
    means: Mapping[str, Mapping[str, bool]] = {
        "the environment": {"emptied": True},
        "connections": {**space, "seccomp": kernel["seccomp"], "Landlock": landlock.version() >= 4},
        "writing files": {**kernel, **limits},
        "reading outside the project and Python": {"Landlock": kernel["Landlock"]},
        "starting programs": kernel,
        "starting processes": {"seccomp": kernel["seccomp"], **limits},
        "outliving its parent": {"the parent-death signal": platform.system() == "Linux"},
    }
    return tuple(
        Protection(name, tried.get(name, False), ", ".join(by for by, there in means[name].items() if there))
        for name in means
    )


def _close_all_but(kept: set[int]) -> None:
    """Point every other descriptor at nothing; the numbers stay taken, for objects still hold them."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in _open_descriptors():
        if descriptor not in kept and descriptor != nothing:
            with contextlib.suppress(OSError):
                os.dup2(nothing, descriptor, inheritable=False)


def _open_descriptors() -> list[int]:
    for folder in ("/proc/self/fd", "/dev/fd"):
        with contextlib.suppress(OSError):
            return [int(name) for name in os.listdir(folder) if name.isdigit()]  # noqa: PTH208 - numbers, not paths
    return list(range(256))


def _limit() -> None:
    import resource

    files = max(_open_descriptors(), default=0) + 64
    wanted = [(resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NPROC, 0)]
    wanted.append((resource.RLIMIT_NOFILE, files))
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        wanted.append((resource.RLIMIT_AS, pages * resource.getpagesize() + MEMORY_BYTES))
    for name, value in wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(name, (value, value))


def _leave_network() -> bool:
    """Move to a network of its own, which has not even a loopback that is up; False where that is not allowed."""
    if platform.system() != "Linux":
        return False
    try:
        return not ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    except (OSError, AttributeError):
        return False


def _can_leave_network() -> bool:
    return _in_child(lambda _: {"left": _leave_network()}).get("left", False)


def _tried() -> dict[str, bool]:
    """Each protection by its name: whether the attempt failed. Nothing is harmed where one succeeds."""
    parent = os.getpid()

    def attempts(answers: int) -> dict[str, bool]:
        import socket
        import tempfile

        marker, folder = "PLAYBOOK_PROBE", tempfile.gettempdir()
        os.environ[marker] = "1"
        outside = Path(__file__).anchor
        enter((), (answers,), parent=parent)
        return {
            "the environment": marker not in os.environ,
            "connections": _fails(lambda: socket.create_connection(("127.0.0.1", 9), timeout=1), but=ConnectionError),
            "writing files": _fails(lambda: (Path(folder) / f"playbook-probe-{os.getpid()}").write_text("x")),
            "reading outside the project and Python": _fails(lambda: os.listdir(outside)),  # noqa: PTH208
            "starting programs": _fails(lambda: os.execv(sys.executable, [sys.executable, "-c", "0"])),  # noqa: S606
            "starting processes": _fails(_fork),
            "outliving its parent": platform.system() == "Linux",
        }

    return _in_child(attempts)


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _fails(attempt: Callable[[], object], *, but: type[Exception] | None = None) -> bool:
    try:
        attempt()
    except Exception as error:
        # somebody who refuses the connection was reached
        return but is None or not isinstance(error, but)
    return False


def _in_child(work: Callable[[int], dict[str, bool]]) -> dict[str, bool]:
    """What `work` tells in a child of its own, which answers on the descriptor it is given; nothing when it dies."""
    import json

    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(receiving)
            os.write(sending, json.dumps(work(sending)).encode())
        finally:
            os._exit(0)
    os.close(sending)
    with os.fdopen(receiving, "rb") as stream:
        told = stream.read()
    os.waitpid(child, 0)
    return dict(json.loads(told)) if told else {}
