"""Bytes that are on the disk or not there at all: the one place where the project's own records are written.

A write may be short, and a disk may be full or broken at any call. Whatever happens here, a file that is replaced is
the old one or the new one, and a file that is appended to has the whole line or none of it, as far as the disk still
obeys; where it does not, the error says so and nothing is reported as written.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from pathlib import Path

_LOOK_BYTES = 1 << 16
_LEFT = re.compile(r"\..+\.\d+-[0-9a-f]{8}\.tmp")


def write_whole(path: Path, content: bytes | str, *, mode: int = 0o600) -> None:
    """Put a file in place in one step; it is on disk when this returns.

    Args:
        content: text is written as UTF-8, lone surrogates included, with its line ends as they are.
        mode: the permissions of the file from its first byte on.

    Raises:
        OSError: the disk refuses; the file is as it was before, or, when only its folder could not be synced, the new
            one.
    """
    aside = write_aside(path, content, mode=mode)
    try:
        aside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
    sync_folder(path.parent)


def write_aside(path: Path, content: bytes | str, *, mode: int = 0o600) -> Path:
    """Write beside a file what may be renamed to it later; the name of what was written, synced.

    Raises:
        OSError: the disk refuses; nothing is left behind.
    """
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    aside = path.with_name(f".{path.name[:80]}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        try:
            os.fchmod(descriptor, mode)
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
    return aside


def is_left_over(name: str) -> bool:
    """Whether a name is of a file that `write_aside` made, for a process that ended before it was put in place."""
    return _LEFT.fullmatch(name) is not None


def append_line(path: Path, line: str, *, mode: int = 0o600) -> None:
    """Append one line, its line end included by this; it is on disk when this returns.

    Raises:
        OSError: the disk refuses; the file is cut back to what it held before where the disk allows that.
        ValueError: the text is more than one line.
    """
    if "\n" in line:
        raise ValueError("a line holds no line end")
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, mode)
    try:
        if os.fstat(descriptor).st_size == 0:
            # the name first: what fails behind the line would call a line refused that is there
            sync_folder(path.parent)
        append_to(descriptor, line)
    finally:
        os.close(descriptor)


def append_to(descriptor: int, line: str) -> None:
    """`append_line` on a file that is open for reading and appending, e.g. because its lock is held.

    A torn last line, left by a machine that stopped, is ended first, so that it never swallows the new one.
    """
    size = os.fstat(descriptor).st_size
    is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
    data = f"{line}\n".encode("utf-8", "surrogatepass")
    try:
        write_all(descriptor, (b"\n" if is_torn else b"") + data)
        os.fsync(descriptor)
    except OSError:
        # what was not reported as written must not be read as written; a disk that refuses this too leaves a torn line
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size)
            os.fsync(descriptor)
        raise


def cut_torn_end(descriptor: int) -> None:
    """Cut off what follows the last line end, in a file open for reading and writing: a line that was being written.

    Raises:
        OSError: the disk refuses.
    """
    size = os.fstat(descriptor).st_size
    at = size
    while at:
        start = max(0, at - _LOOK_BYTES)
        found = os.pread(descriptor, at - start, start).rfind(b"\n")
        if found >= 0:
            at = start + found + 1
            break
        at = start
    if at != size:
        os.ftruncate(descriptor, at)
        os.fsync(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte: the operating system may take fewer than it was given, and says so only by a number.

    Raises:
        OSError: the disk refuses the rest.
    """
    rest = memoryview(data)
    while rest:
        taken = os.write(descriptor, rest)
        if taken <= 0:
            raise OSError("the disk took no byte of a write")
        rest = rest[taken:]


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable: a rename is on disk only once its folder is.

    Raises:
        OSError: the disk refuses.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
