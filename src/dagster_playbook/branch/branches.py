"""The branches of one platform on DuckDB: made, built, published, taken back and discarded.

data/iceberg.duckdb, data/state.duckdb      production
data/branches/<run>/branch.json             where the branch stands
data/branches/<run>/own/                    its files, until they are production's
data/branches/<run>/previous/               what production was before, while it is published

Production is changed in one place, `_exchange`. The record says beforehand what is about to happen, every step of it
can be repeated, and whoever comes next finishes what was cut: `finish`.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from dagster_playbook.branch import files
from dagster_playbook.branch.approved import BranchRefusedError, refuse_other_diff
from dagster_playbook.branch.record import (
    BRANCHES_FOLDER,
    Record,
    State,
    all_records,
    branch_folder,
    now,
    read_record,
    write_record,
)
from dagster_playbook.diff.duckdb_engine import table_checksums
from dagster_playbook.durable import sync_folder, write_whole
from dagster_playbook.errors import PlatformError, on_disk

OWN, PREVIOUS = "own", "previous"
_MAKING, _DISCARDED = ".making-", ".discarded-"


@dataclass(frozen=True, slots=True)
class Branches:
    """Where they are.

    Attributes:
        data: the folder of production's files.
        files: their names, the one with the data first, then SQLMesh's state.
        catalog: the catalog that the first one is.
    """

    data: Path
    files: tuple[str, ...]
    catalog: str

    def own(self, run: str) -> Path:
        """The folder of a branch's own files."""
        return branch_folder(self.data, run) / OWN

    def begin(self, run: str) -> Record:
        """The branch of a restatement: made from production as it is now, or found as an earlier attempt left it.

        Raises:
            BranchRefusedError: it was published already.
            BusyError: somebody writes to production. PlatformError: production cannot be copied.
        """
        with self._alone():
            if found := read_record(self.data, run):
                if not found.is_beside:
                    raise BranchRefusedError(f"the branch of {run} is {found.state}", cure="start a restatement anew")
                if found.state is State.BUILT:
                    # whatever is done on it now was in no diff
                    return self._moved(found, State.BUILDING, head="")
                return found
            making = self.data / BRANCHES_FOLDER / f"{_MAKING}{run}"
            shutil.rmtree(making, ignore_errors=True)
            try:
                return self._make(run, making)
            finally:
                shutil.rmtree(making, ignore_errors=True)

    def _make(self, run: str, making: Path) -> Record:
        with on_disk("the branch cannot be made", making, PlatformError):
            (making / OWN).mkdir(parents=True)
        with files.held(self.data, self.files) as production:
            base = files.fingerprint(production)
            files.copy(production, making / OWN)
        tables = table_checksums(making / OWN / self.files[0], self.catalog)
        record = Record(run, State.BUILDING, self.files, self.catalog, base, tables, made_at=now(), changed_at=now())
        with on_disk("the branch cannot be made", making, PlatformError):
            write_whole(making / "branch.json", json.dumps(record.as_dict()))
            making.replace(branch_folder(self.data, run))
            sync_folder(self.data / BRANCHES_FOLDER)
        return record

    def built(self, run: str) -> Record:
        """Write down that the restatement on a branch has ended well, and what the branch is from then on.

        Raises:
            BusyError: somebody still writes to it.
        """
        record = self.record(run)
        for name in record.files:
            files.settle(self.own(run) / name)
        return self._moved(record, State.BUILT, head=files.fingerprint_of(self.own(run), record.files))

    def publish(self, run: str, diff: str) -> Record:
        """Make a branch production, when production and the branch are what the diff was made from.

        Args:
            diff: the digest of the diff that was approved.

        Raises:
            BranchRefusedError: nothing was built, the diff is another one, or one of the two has changed since.
            BusyError: somebody writes to production or to the branch.
        """
        with self._alone():
            self._finish()
            record = self.record(run)
            if record.state is State.PUBLISHED and record.diff == diff:
                return record
            self._refuse_unbuilt(record)
            refuse_other_diff(self.data, record, diff)
            if files.fingerprint_of(self.own(run), record.files) != record.head:
                raise BranchRefusedError(
                    f"the branch of {run} was changed after its diff was made",
                    cure=f"look again with `playbook diff --run {run}`, and ask for that one",
                )
            with files.held(self.data, record.files) as production:
                if files.fingerprint(production) != record.base:
                    raise self._production_moved(record)
                record = self._moved(record, State.PUBLISHING, diff=diff)
                return self._exchange(record)

    def undo(self, run: str) -> Record:
        """Put back what production was before a branch was published, when production is still what it became.

        Raises:
            BranchRefusedError: it is not published, or production has changed since.
        """
        with self._alone():
            self._finish()
            record = self.record(run)
            if record.undone and record.state is State.BUILT and self._is_production(record.base):
                return record
            if record.state is not State.PUBLISHED:
                raise BranchRefusedError(f"the branch of {run} is {record.state}, so there is nothing to take back")
            with files.held(self.data, record.files) as production:
                if files.fingerprint(production) != record.head:
                    raise BranchRefusedError(
                        f"production has changed since {run} was published, and that would be lost",
                        cure="take back what was published after it first, or restate",
                    )
                return self._exchange(self._moved(record, State.UNDOING))

    def finish(self) -> list[str]:
        """Finish every exchange that was cut; the runs that it was about. Production is whole when this returns."""
        if not (self.data / BRANCHES_FOLDER).is_dir():
            return []
        with self._alone():
            return self._finish()

    def discard(self, run: str) -> Record:
        """Remove a branch, whatever became of its files, and with a published one the way back.

        Raises:
            BranchRefusedError: there is none.
        """
        with self._alone():
            self._finish()
            record = self._known(run)
            gone = self.data / BRANCHES_FOLDER / f"{_DISCARDED}{run}"
            with on_disk("the branch cannot be discarded", gone, PlatformError):
                shutil.rmtree(gone, ignore_errors=True)
                branch_folder(self.data, run).replace(gone)
                shutil.rmtree(gone)
            return record

    def record(self, run: str) -> Record:
        """Where a branch stands.

        Raises:
            BranchRefusedError: there is none, or its files are gone.
        """
        record = self._known(run)
        folder = self.own(run) if record.is_beside else branch_folder(self.data, run) / PREVIOUS
        if record.state in (State.BUILDING, State.BUILT, State.PUBLISHED):
            for name in record.files:
                if not (folder / name).is_file():
                    cure = f"nothing can be done with it: `playbook branch discard {run}`"
                    raise BranchRefusedError(f"{name} of the branch of {run} is gone", cure=cure)
        return record

    def _known(self, run: str) -> Record:
        record = read_record(self.data, run)
        if record is None:
            known = ", ".join(one.run for one in all_records(self.data)) or "none"
            raise BranchRefusedError(f"there is no branch of {run}", cure=f"there are: {known}")
        return record

    def size_bytes(self, run: str) -> int:
        """What a branch takes on the disk."""
        return sum(path.stat().st_size for path in branch_folder(self.data, run).rglob("*") if path.is_file())

    def _finish(self) -> list[str]:
        folder = self.data / BRANCHES_FOLDER
        for left in [*folder.glob(f"{_DISCARDED}*"), *folder.glob(f"{_MAKING}*")]:
            shutil.rmtree(left, ignore_errors=True)
        cut = [r for r in all_records(self.data) if r.state in (State.PUBLISHING, State.UNDOING)]
        for record in cut:
            self._finish_exchange(record)
        return [record.run for record in cut]

    def _finish_exchange(self, record: Record) -> None:
        """Go on with what was cut; before the first file was put, only if production still is what was asked about."""
        is_publishing = record.state is State.PUBLISHING
        source, aside = self._ways(record)
        is_whole = all((source / name).is_file() for name in record.files)
        is_unchanged = self._is_production(record.base if is_publishing else record.head)
        wanted = record.head if is_publishing else record.base
        is_as_asked = not is_whole or files.fingerprint_of(source, record.files) == wanted
        if is_whole is not is_unchanged or not is_as_asked:
            # somebody has written to production or to what was to be put, or has deleted that
            shutil.rmtree(aside, ignore_errors=True)
            self._moved(record, State.BUILT if is_publishing else State.PUBLISHED)
            return
        self._exchange(record)

    def _is_production(self, known: str) -> bool:
        return files.fingerprint_of(self.data, self.files) == known

    def _ways(self, record: Record) -> tuple[Path, Path]:
        """The folder whose files become production, and the one that keeps what production was."""
        folder = branch_folder(self.data, record.run)
        own, previous = folder / OWN, folder / PREVIOUS
        return (own, previous) if record.state is State.PUBLISHING else (previous, own)

    def _exchange(self, record: Record) -> Record:
        """Put the files of one folder in production's place and keep production's in the other."""
        source, aside = self._ways(record)
        files.keep(self.data, aside, record.files)
        files.put(source, self.data, record.files)
        is_publishing = record.state is State.PUBLISHING
        if not self._is_production(record.head if is_publishing else record.base):
            raise BranchRefusedError(
                f"production is neither what it was nor what the branch of {record.run} is",
                path=str(aside),
                cure="files were deleted in the middle of an exchange; what production was is in that folder",
            )
        if is_publishing:
            return self._moved(record, State.PUBLISHED)
        return self._moved(record, State.BUILT, undone=record.undone + 1)

    def _refuse_unbuilt(self, record: Record) -> None:
        if record.state is State.BUILDING:
            cure = "go on with `playbook resume`; only what has ended well is published"
            raise BranchRefusedError(f"the restatement of {record.run} has not ended well", cure=cure)
        if record.state is not State.BUILT:
            raise BranchRefusedError(f"the branch of {record.run} is {record.state}")

    def _production_moved(self, record: Record) -> BranchRefusedError:
        today = table_checksums(self.data / self.files[0], self.catalog)
        names = sorted(n for n in today.keys() | record.tables.keys() if today.get(n) != record.tables.get(n))
        told = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
        what = f"these tables: {told}" if names else "no table, but SQLMesh's state"
        return BranchRefusedError(
            f"production has changed since the branch of {record.run} was made, {what}",
            cure="a whole file is published, so that would be lost: restate anew, and discard this branch",
        )

    def _moved(self, record: Record, state: State, **changes: object) -> Record:
        moved = replace(record, state=state, changed_at=now(), **changes)  # type: ignore[arg-type]
        write_record(self.data, moved)
        return moved

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time makes, publishes or removes branches of a platform."""
        from filelock import FileLock

        folder = self.data / BRANCHES_FOLDER
        with on_disk("branches cannot be kept", folder, PlatformError):
            folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            yield
