"""Garbage collection over all references: what no kept commit reaches is found, and deleted only when asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dagster_playbook.errors import PlatformError
from dagster_playbook.lake.iceberg_files import Lake
from dagster_playbook.lake.reachability import Kept, Reach, kept_commits, moved_heads
from dagster_playbook.services.nessie import NessieClient

#: how far back main stays readable, how old a file has to be, and where all tables are, when nobody says otherwise
KEEP, GRACE, LOCATION = "7d", "3d", "s3://lake/warehouse"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_age(text: str) -> timedelta:
    """A number and a unit: `7d`, `12h`, `30m` or `0s`.

    Raises:
        ValueError: it is something else.
    """
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if found is None:
        raise ValueError(f"{text!r} is no age; write 7d, 12h, 30m or 0s")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the object store; `modified_at` is aware and in UTC."""

    uri: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Garbage:
    """What may be deleted.

    Attributes:
        files: what nothing reaches and is older than the grace period.
        young: how many files nothing reaches that are younger: they may belong to a commit still to come.
        reached: how many files the kept commits are made of.
        kept: the commits that were looked through.
        unreadable: earlier commits of which a file was gone before, with the file.
    """

    files: tuple[StoredFile, ...]
    young: int
    reached: int
    kept: tuple[Kept, ...]
    unreadable: dict[str, str]

    @property
    def size_bytes(self) -> int:
        """What deleting them frees."""
        return sum(file.size_bytes for file in self.files)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "files": [file.uri for file in self.files],
            "size_bytes": self.size_bytes,
            "young": self.young,
            "reached": self.reached,
            "kept_commits": [entry.hash for entry in self.kept],
            "unreadable": self.unreadable,
        }


@dataclass(frozen=True, slots=True)
class Collector:
    """Finds and deletes garbage below `location`, e.g. `s3://lake/warehouse`.

    Attributes:
        keep: how far back the history of `branch` stays readable, so that a tag can go back to any of it.
        grace: how old a file has to be; a writer's files are there before its commit is.
        hashes: further commits of the branch that stay readable.
        stood: commits that a tag stood on; what is left of them stays, and one that is not whole is only told.
    """

    nessie: NessieClient
    lake: Lake
    location: str
    keep: timedelta
    grace: timedelta
    branch: str = "main"
    hashes: tuple[str, ...] = ()
    stood: tuple[str, ...] = ()
    on_work: Callable[[str], None] = lambda work: None

    def find(self, now: datetime | None = None) -> Garbage:
        """What may be deleted; nothing is changed.

        Raises:
            FilesGoneError: a reference is broken already.
            PlatformError: a service could not be asked, or nothing that is kept lies below the location.
        """
        now = now or datetime.now(UTC)
        # The store is listed first: a file of a commit that is made meanwhile is either not listed, or reached.
        self.on_work(f"listing {self.location}")
        stored = list(self._stored())
        kept = kept_commits(self.nessie, self.branch, now - self.keep, self.hashes, self.stood)
        reach = self._reach(kept)
        if stored and not any(file.uri in reach.files for file in stored):
            raise PlatformError(
                f"no file below {self.location} is reached by any reference: these are not this Nessie's tables",
                cure="name the warehouse's folder with --location",
            )
        unreached = [file for file in stored if file.uri not in reach.files]
        old = tuple(file for file in unreached if file.modified_at <= now - self.grace)
        return Garbage(old, len(unreached) - len(old), len(reach.files), tuple(kept), reach.unreadable)

    def delete(self, garbage: Garbage) -> tuple[StoredFile, ...]:
        """Delete what was found, less what a reference that was moved meanwhile reaches; what was deleted.

        Raises:
            PlatformError: a file could not be deleted; those before it are.
        """
        moved = [Kept(r.name, r.hash, must_be_whole=True) for r in moved_heads(self.nessie, garbage.kept)]
        reached = self._reach(moved).files
        chosen = tuple(file for file in garbage.files if file.uri not in reached)
        io = self.lake.file_io()
        for number, file in enumerate(chosen, start=1):
            self.on_work(f"deleting {number} of {len(chosen)}")
            try:
                io.delete(file.uri)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise PlatformError(f"{file.uri} cannot be deleted: {error}") from error
        return chosen

    def _reach(self, kept: Iterable[Kept]) -> Reach:
        reach = Reach(self.lake)
        commits = list(kept)
        for number, commit in enumerate(commits, start=1):
            self.on_work(f"reading commit {number} of {len(commits)}")
            reach.add(self.nessie, commit)
        return reach

    def _stored(self) -> list[StoredFile]:
        scheme, _, path = self.location.rstrip("/").partition("://")
        if scheme != "s3" or "/" not in path:
            raise PlatformError(f"{self.location!r} is no folder of a bucket", cure="write s3://bucket/folder")
        return [StoredFile(f"s3://{path}", size, at) for path, size, at in self.lake.listing(path)]
