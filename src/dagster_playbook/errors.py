"""What stopped us from looking: never a finding, never a pass."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


class PlaybookError(Exception):
    """A reason why the work could not be done; the command line prints it and exits with 2.

    Attributes:
        message: one line that names the subject and the cause.
        cure: what the reader can do about it, or an empty string.
        path: the file it is about, relative to the project where known, or an empty string.
        line: the 1-based line in `path`, or 0 when the whole file is meant.
    """

    def __init__(self, message: str, *, cure: str = "", path: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure
        self.path = path
        self.line = line

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}: " if self.line else f"{self.path}: " if self.path else ""
        cure = f"\n  cure: {self.cure}" if self.cure else ""
        return f"{place}{self.message}{cure}"


class SettingsError(PlaybookError):
    """The project's settings cannot be read or do not make sense."""


class PlatformError(PlaybookError):
    """An authority (Dagster, SQLMesh, a service) could not be asked."""


class UnjudgedError(PlatformError):
    """One text could not be judged; the authority is there, and the next question can be asked."""


class BusyError(PlatformError):
    """Somebody else works on what was asked for, e.g. a DuckDB file with its one writer; nothing was begun."""


class StackError(PlaybookError):
    """A local service could not be fetched, started or stopped."""


class RunbookError(PlaybookError):
    """A runbook cannot be read, planned, approved or executed as asked."""


class RecordError(RunbookError):
    """The record of a run cannot be written, so nothing more is done and nothing more can be written down."""


class ScaffoldError(PlaybookError):
    """A new asset, seed or model could not be written, or a source not be sampled."""


@contextlib.contextmanager
def on_disk(
    what: str, path: Path, kind: type[PlaybookError] = PlaybookError, *, cure: str = "make room or mend the disk"
) -> Iterator[None]:
    """Do something on a disk; what it refuses is told in one line.

    Args:
        what: what cannot be done then, e.g. "the journal cannot be written".
        path: the file or folder it is about.

    Raises:
        PlaybookError: of that kind, in place of an `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise kind(f"{what}: {error.strerror or error}", path=str(path), cure=cure) from error
