"""What Nessie knows, references, commits, contents and differences, and the ways in which it refuses."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from dagster_playbook.errors import PlatformError


class NessieError(PlatformError):
    """Nessie refused; `code` is its own error code, e.g. `BAD_REQUEST`."""

    def __init__(self, message: str, *, code: str = "", cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.code = code


class NessieUnreachableError(NessieError):
    """Nessie did not answer; after a move that was asked for, only reading the reference tells what became of it."""


class ReferenceNotFoundError(NessieError):
    """There is no such reference, or no such hash on it."""


class ReferenceConflictError(NessieError):
    """The reference is not where it was expected: somebody else moved it, or it exists already."""


class RefKind(enum.StrEnum):
    """What a reference is."""

    BRANCH = "BRANCH"
    TAG = "TAG"


@dataclass(frozen=True, slots=True)
class Reference:
    """A branch or a tag and the commit that it points to."""

    name: str
    kind: RefKind
    hash: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; `committed_at` is aware and in UTC, `parent` "" for the first."""

    hash: str
    parent: str
    message: str
    author: str
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class Content:
    """A table or view at a reference.

    Attributes:
        key: its name, e.g. `("oso", "projects_v1")`.
        kind: `ICEBERG_TABLE`, `ICEBERG_VIEW` or `NAMESPACE`.
        metadata_location: where its Iceberg metadata file stands, "" for a namespace.
        snapshot_id: its current Iceberg snapshot, None for what is no table.
    """

    key: tuple[str, ...]
    kind: str
    content_id: str
    metadata_location: str = ""
    snapshot_id: int | None = None

    @property
    def name(self) -> str:
        """The dotted name."""
        return ".".join(self.key)


@dataclass(frozen=True, slots=True)
class Difference:
    """What a key holds at two references; None where it is not there."""

    key: tuple[str, ...]
    before: Content | None
    after: Content | None
