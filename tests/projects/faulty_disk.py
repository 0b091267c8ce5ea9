"""A disk that fails at one call, or ends the process there: what durable writes are tried on."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

#: the calls of the operating system by which records are written
CALLS = ("open", "write", "fsync", "fchmod", "ftruncate", "close")
#: and those by which folders are made and files put in place
METHODS = ("replace", "mkdir")
CUT = 137


def refusing(code: int) -> Callable[..., Any]:
    """A call that does nothing and says why; a descriptor is given back all the same."""

    def fault(name: str, real: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        if name == "close":
            real(*arguments)
        raise OSError(code, os.strerror(code))

    return fault


def short(name: str, real: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """A write that takes three bytes."""
    return real(arguments[0], bytes(arguments[1])[:3])


def torn(code: int) -> Callable[..., Any]:
    """A write that takes half, and then refuses."""

    def fault(name: str, real: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        data = bytes(arguments[1])
        real(arguments[0], data[: len(data) // 2])
        raise OSError(code, os.strerror(code))

    return fault


def cut_before(name: str, real: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """The process ends before the call."""
    os._exit(CUT)


def cut_after(name: str, real: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """The process ends after the call."""
    real(*arguments, **options)
    os._exit(CUT)


def cut_within(name: str, real: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """The process ends when half of a write has come to the disk."""
    data = bytes(arguments[1])
    real(arguments[0], data[: len(data) // 2])
    os._exit(CUT)


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, in which calls; a lasting one does so from its call on."""

    name: str
    happen: Callable[..., Any]
    calls: tuple[str, ...] = (*CALLS, *METHODS)
    lasting: bool = False


_TAKING = ("open", "write", "mkdir", "replace")
FAULTS = (
    Fault("short", short, ("write",)),
    Fault("short from here on", short, ("write",), lasting=True),
    Fault("ENOSPC", refusing(errno.ENOSPC), _TAKING),
    Fault("ENOSPC from here on", refusing(errno.ENOSPC), _TAKING, lasting=True),
    Fault("half, then ENOSPC", torn(errno.ENOSPC), ("write",)),
    Fault("EIO", refusing(errno.EIO)),
    Fault("EIO from here on", refusing(errno.EIO), lasting=True),
)
CUTS = (
    Fault("cut before", cut_before),
    Fault("cut after", cut_after),
    Fault("cut within", cut_within, ("write",)),
)


@dataclass
class Disk:
    """Counts the calls, and lets one fault happen at the call `at`, counted from 0; None lets nothing happen."""

    fault: Fault | None = None
    at: int = 0
    calls: list[str] = field(default_factory=list)
    happened: int = 0

    def call(self, name: str, real: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """A call of the operating system."""
        number = len(self.calls)
        self.calls.append(name)
        fault = self.fault
        if fault and name in fault.calls and (number == self.at or (fault.lasting and number > self.at)):
            self.happened += 1
            return fault.happen(name, real, *arguments, **options)
        return real(*arguments, **options)

    @contextlib.contextmanager
    def under(self, *modules: ModuleType) -> Iterator[None]:
        """Be the disk of these modules, and of every folder that is made and file that is put in place."""
        seen = _Calls(self)
        kept = {name: getattr(Path, name) for name in METHODS}
        for module in modules:
            module.os = seen  # type: ignore[attr-defined]
        for name, real in kept.items():
            setattr(Path, name, self._method(name, real))
        try:
            yield
        finally:
            for name, real in kept.items():
                setattr(Path, name, real)
            for module in modules:
                module.os = os  # type: ignore[attr-defined]

    def _method(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def called(path: Path, *arguments: Any, **options: Any) -> Any:
            return self.call(name, real, path, *arguments, **options)

        return called


class _Calls:
    """The module `os` as a module that writes sees it."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in CALLS:
            return real
        return lambda *arguments, **options: self._disk.call(name, real, *arguments, **options)


def in_a_child(do: Callable[[], None]) -> int:
    """Do something in a process of its own; its exit code, `CUT` when a fault has ended it."""
    child = os.fork()
    if child == 0:
        try:
            do()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
