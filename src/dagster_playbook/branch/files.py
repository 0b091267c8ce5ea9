"""DuckDB files as they lie on the disk: held against writers, settled, fingerprinted, copied and exchanged.

DuckDB's own lock on a file is the operating system's record lock: shared for its readers, exclusive for its writer. A
shared one held here keeps writers out and lets readers in. It belongs to the process, and is lost with the first close
of any descriptor of that file, so that everything that is done under it goes through the one descriptor.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from dagster_playbook.durable import sync_folder
from dagster_playbook.errors import BusyError, PlatformError, on_disk
from dagster_playbook.failure import busy

_BLOCK_BYTES = 1 << 20
_CURE = "wait until the run that writes to it has ended"


def settle(path: Path) -> None:
    """Bring everything that a writer left in the log beside the file into the file.

    Raises:
        BusyError: another process has it open for writing. PlatformError: it is no DuckDB file.
    """
    import duckdb

    try:
        with contextlib.closing(duckdb.connect(str(path))) as connection:
            connection.execute("CHECKPOINT")
    except duckdb.Error as error:
        if told := busy(str(error)):
            raise BusyError(told, cure=_CURE, path=str(path)) from error
        raise PlatformError(f"DuckDB cannot open it: {str(error).splitlines()[0]}", path=str(path)) from error


def log_of(path: Path) -> Path:
    """The log that DuckDB keeps beside a file until it is settled."""
    return path.with_name(f"{path.name}.wal")


@contextlib.contextmanager
def held(folder: Path, files: Sequence[str]) -> Iterator[dict[str, int]]:
    """Keep writers out of files for the time of the block; yields a descriptor for each.

    What a writer that was cut has left in a log is settled first.

    Raises:
        BusyError: somebody writes. PlatformError: a file is not there.
    """
    descriptors: dict[str, int] = {}
    try:
        for name in files:
            path = folder / name
            if not path.is_file():
                raise PlatformError("there is no such DuckDB file", path=str(path), cure="run every model once first")
            if log_of(path).exists():
                settle(path)
            descriptors[name] = _locked(path)
            if log_of(path).exists():
                raise BusyError("the DuckDB file is being written to", cure=_CURE, path=str(path))
        yield descriptors
    finally:
        for descriptor in descriptors.values():
            os.close(descriptor)


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise BusyError("the DuckDB file is busy: another process writes to it", cure=_CURE, path=str(path)) from error
    return descriptor


def fingerprint(descriptors: Mapping[str, int]) -> str:
    """SHA-256 over the names and the bytes of files."""
    whole = hashlib.sha256()
    for name in sorted(descriptors):
        digest, at = hashlib.sha256(), 0
        while block := os.pread(descriptors[name], _BLOCK_BYTES, at):
            digest.update(block)
            at += len(block)
        whole.update(f"{name}\0{digest.hexdigest()}\n".encode())
    return whole.hexdigest()


def fingerprint_of(folder: Path, files: Sequence[str]) -> str:
    """The same of files that nobody writes to meanwhile."""
    with held(folder, files) as descriptors:
        return fingerprint(descriptors)


def copy(descriptors: Mapping[str, int], target: Path) -> None:
    """Copy held files into a folder; they are on disk when this returns.

    Raises:
        PlatformError: the disk has no room, or refuses.
    """
    needed = sum(os.fstat(descriptor).st_size for descriptor in descriptors.values())
    with on_disk("production cannot be copied", target, PlatformError):
        if (free := shutil.disk_usage(target).free) < needed:
            cure = "make room, or discard a branch: `playbook branch list` tells how large each is"
            told = f"production cannot be copied: {needed / 1e6:.0f} MB are needed, {free / 1e6:.0f} MB are free"
            raise PlatformError(told, cure=cure, path=str(target))
        for name, descriptor in descriptors.items():
            with (target / name).open("xb") as file:
                _copy_bytes(descriptor, file.fileno())
                os.fsync(file.fileno())
        sync_folder(target)


def _copy_bytes(source: int, target: int) -> None:
    at, size = 0, os.fstat(source).st_size
    while at < size:
        sent = os.sendfile(target, source, at, size - at)
        if sent == 0:
            raise OSError("the file became shorter while it was copied")
        at += sent


def keep(production: Path, aside: Path, files: Sequence[str]) -> None:
    """Give production's files a second name in another folder, so that they outlive their replacement.

    Safe to repeat, as long as none of them is replaced before all of them are kept.
    """
    with on_disk("production's files cannot be kept", aside, PlatformError):
        aside.mkdir(exist_ok=True)
        for name in files:
            if not (aside / name).exists():
                os.link(production / name, aside / name)
        sync_folder(aside)


def put(source: Path, production: Path, files: Sequence[str]) -> None:
    """Put a folder's files in the place of production's, each in one step; safe to repeat."""
    with on_disk("production's files cannot be replaced", production, PlatformError):
        for name in files:
            if (source / name).exists():
                (source / name).replace(production / name)
        sync_folder(production)
        sync_folder(source)
