"""What is known of each branch: one JSON file in its folder, replaced whole at every step."""

from __future__ import annotations

import datetime as dt
import enum
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dagster_playbook.durable import write_whole
from dagster_playbook.errors import PlatformError, on_disk

#: names the branch that a SQLMesh project of this platform works on; production when unset
BRANCH_VARIABLE = "OSO_WAREHOUSE_BRANCH"
#: below the platform's data folder
BRANCHES_FOLDER = "branches"
RECORD_NAME, DIFF_NAME = "branch.json", "diff.json"


class State(enum.StrEnum):
    """Where a branch stands; the two that end in -ing are finished by whoever comes next."""

    BUILDING = "building"
    BUILT = "built"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    UNDOING = "undoing"


@dataclass(frozen=True, slots=True)
class Record:
    """One branch.

    Attributes:
        run: the restatement that made it, by Dagster's root run id.
        files: names of the DuckDB files that were copied, the one with the data first.
        catalog: the catalog that the first file is.
        base: fingerprint of production when the copy was made.
        tables: checksum of every table then, by dotted name.
        head: fingerprint of the branch when its restatement had ended well, "" before.
        diff: digest of the diff that it was published by, "" before.
        made_at, changed_at: ISO 8601 in UTC.
        undone: how often it was taken back.
    """

    run: str
    state: State
    files: tuple[str, ...]
    catalog: str
    base: str
    tables: Mapping[str, str] = field(default_factory=dict)
    head: str = ""
    diff: str = ""
    made_at: str = ""
    changed_at: str = ""
    undone: int = 0

    @property
    def is_beside(self) -> bool:
        """Whether its data are in files of its own, and not production's."""
        return self.state in (State.BUILDING, State.BUILT)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def now() -> str:
    """The time, as records have it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _is_run(name: str) -> bool:
    return bool(name) and all(c.isascii() and (c.isalnum() or c in "-_") for c in name)


def branch_folder(data: Path, run: str) -> Path:
    """The folder of a branch.

    Raises:
        PlatformError: the text cannot name one.
    """
    if not _is_run(run):
        raise PlatformError(f"{run!r} cannot name a restatement", cure="take the id of its run from `playbook runs`")
    return data / BRANCHES_FOLDER / run


def read_record(data: Path, run: str) -> Record | None:
    """The record of a branch, None when there is none.

    Raises:
        PlatformError: it cannot be read, so it is not known where the branch stands.
    """
    path = branch_folder(data, run) / RECORD_NAME
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return Record(**{**fields, "state": State(fields["state"]), "files": tuple(fields["files"])})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        cure = "mend it, or move the branch's folder away: production needs it only while it is being published"
        raise PlatformError("the record of the branch cannot be read", path=str(path), cure=cure) from error


def write_record(data: Path, record: Record) -> None:
    """Replace the record; it is on disk when this returns."""
    path = branch_folder(data, record.run) / RECORD_NAME
    with on_disk("the record of the branch cannot be written", path, PlatformError):
        write_whole(path, json.dumps(record.as_dict()))


def all_records(data: Path) -> list[Record]:
    """Every branch, the oldest first."""
    folder = data / BRANCHES_FOLDER
    names = [p.name for p in folder.iterdir() if p.is_dir() and _is_run(p.name)] if folder.is_dir() else []
    found = [record for name in names if (record := read_record(data, name))]
    return sorted(found, key=lambda record: (record.made_at, record.run))


@contextmanager
def on_branch(run: str) -> Iterator[None]:
    """Let every SQLMesh project that is loaded in this block work on a branch; "" for what the environment says."""
    before = os.environ.get(BRANCH_VARIABLE)
    if run:
        os.environ[BRANCH_VARIABLE] = run
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(BRANCH_VARIABLE, None)
        else:
            os.environ[BRANCH_VARIABLE] = before


def branch_beside(data: Path, run: str) -> str:
    """The name of a run's branch while its data are not production's, else ""."""
    record = read_record(data, run)
    return record.run if record and record.is_beside else ""
