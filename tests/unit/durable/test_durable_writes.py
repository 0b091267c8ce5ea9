"""What is written is whole or not there, whatever a disk does."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook import durable


class Disk:
    """The operating system's calls, one of which misbehaves from its nth use on."""

    def __init__(self, name: str, fault: Callable[..., Any], at: int) -> None:
        self._name, self._fault, self._left = name, fault, at

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name != self._name:
            return real

        def called(*arguments: Any) -> Any:
            self._left -= 1
            return self._fault(*arguments) if self._left < 0 else real(*arguments)

        return called


def _refuse(code: int) -> Callable[..., Any]:
    def fault(*_: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return fault


def _short(descriptor: int, data: bytes) -> int:
    return os.write(descriptor, bytes(data)[:3])


def _short_then_full() -> Callable[..., Any]:
    calls: Iterator[int] = iter(range(10_000))

    def fault(descriptor: int, data: bytes) -> int:
        if next(calls):
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.write(descriptor, bytes(data)[:3])

    return fault


FAULTS = [
    ("write", _refuse(errno.ENOSPC)),
    ("write", _refuse(errno.EIO)),
    ("fsync", _refuse(errno.EIO)),
    ("write", lambda *_: 0),
]


def test_a_short_write_is_carried_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that takes three bytes at a time still writes every byte."""
    monkeypatch.setattr(durable, "os", Disk("write", _short, 0))
    durable.write_whole(tmp_path / "whole", "a text of more than three bytes")
    durable.append_line(tmp_path / "lines", "a line of more than three bytes")
    assert (tmp_path / "whole").read_text() == "a text of more than three bytes"
    assert (tmp_path / "lines").read_text() == "a line of more than three bytes\n"


@pytest.mark.parametrize(("call", "fault"), FAULTS)
def test_a_refused_file_is_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, fault: Callable[..., Any]
) -> None:
    """A disk that refuses leaves the old content and nothing beside it."""
    path = tmp_path / "kept"
    durable.write_whole(path, "old")
    monkeypatch.setattr(durable, "os", Disk(call, fault, 0))
    with pytest.raises(OSError, match=r"space|I/O|took no byte|Input"):
        durable.write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("call", "fault"), [*FAULTS, ("write", _short_then_full())])
def test_a_refused_line_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, fault: Callable[..., Any]
) -> None:
    """A line that was not reported as written cannot be read later, also when a part of it was taken."""
    path = tmp_path / "lines"
    durable.append_line(path, "first")
    monkeypatch.setattr(durable, "os", Disk(call, fault, 0))
    with pytest.raises(OSError, match=r"space|I/O|took no byte|Input"):
        durable.append_line(path, "second")
    assert path.read_text() == "first\n"


def test_a_torn_line_does_not_swallow_the_next(tmp_path: Path) -> None:
    """What a stopped machine left without a line end is ended before the next line."""
    path = tmp_path / "lines"
    path.write_text("first\nsec")
    durable.append_line(path, "third")
    assert path.read_text() == "first\nsec\nthird\n"


def test_a_line_is_one_line(tmp_path: Path) -> None:
    """A text with a line end is refused, for it would be read as two."""
    with pytest.raises(ValueError, match="no line end"):
        durable.append_line(tmp_path / "lines", "one\ntwo")


def test_only_the_owner_reads_what_is_written(tmp_path: Path) -> None:
    """Permissions are the narrow ones from the first byte on, whatever the umask."""
    old = os.umask(0)
    try:
        durable.write_whole(tmp_path / "secret", "x")
    finally:
        os.umask(old)
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
