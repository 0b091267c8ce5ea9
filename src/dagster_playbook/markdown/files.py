"""Read a page or an include as text, within bounds."""

from __future__ import annotations

import stat
from pathlib import Path


class UnreadableError(Exception):
    """A file cannot be read as text; the message says why."""


def read_text(file: Path, max_bytes: int, encoding: str = "utf-8") -> str:
    """The text of a file with every kind of line end turned into a newline.

    Raises UnreadableError for a missing, special, oversized, looping or non-UTF-8 file.
    """
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise UnreadableError("is not a regular file")
        with file.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableError(f"cannot be read: {cause}") from error
    return decoded(data, max_bytes, encoding)


def decoded(data: bytes, max_bytes: int, encoding: str = "utf-8") -> str:
    """The same of bytes that were read, at most one more than may be.

    Raises UnreadableError when they are more, or not UTF-8.
    """
    if len(data) > max_bytes:
        raise UnreadableError(f"is larger than {max_bytes:,} bytes")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableError(f"is not UTF-8: byte {data[error.start]:#04x} in line {line}") from error
    return newlines(text)


def newlines(text: str) -> str:
    """The text with every kind of line end turned into a newline."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
