"""What a restatement on a branch would change in production, or has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dagster_playbook.branch import files
from dagster_playbook.branch.approved import BranchRefusedError, keep_diff
from dagster_playbook.branch.branches import OWN, PREVIOUS, Branches
from dagster_playbook.branch.record import Record, State, branch_folder, read_record
from dagster_playbook.diff.compare import Options, Teller, compare
from dagster_playbook.diff.duckdb_engine import duckdb_engine
from dagster_playbook.diff.model import Diff, Grain


def branches_of(data: Path, run: str) -> Branches:
    """The branches that a run's branch is one of.

    Raises:
        BranchRefusedError: there is no such branch.
    """
    record = read_record(data, run)
    return Branches(data, record.files if record else (), record.catalog if record else "")


def look(branches: Branches, run: str, grains: Mapping[str, Grain], options: Options, tell: Teller) -> Diff:
    """Compare a branch with production row by row, and keep what was found; once published, with what was before.

    Raises:
        BranchRefusedError: the restatement has not ended well, or one of the two was changed since.
        BusyError: somebody writes to one of them.
    """
    record = branches.record(run)
    with looked_at(branches, record) as (before, after), duckdb_engine(before, after, record.catalog) as engine:
        diff = compare(engine, (record.base, record.head), grains, options, tell)
    if record.state is State.BUILT and diff.is_whole and not options.tables:
        keep_diff(branches.data, run, diff)
    return diff


@contextmanager
def looked_at(branches: Branches, record: Record) -> Iterator[tuple[Path, Path]]:
    """The data files of production and of a branch; once published, of what was before and of production.

    Raises:
        BranchRefusedError: the restatement has not ended well, or one of the two was changed, before or meanwhile.
        BusyError: somebody writes to one of them.
    """
    before, after = _sides(branches, record)
    _refuse_changed(record, before, after)
    yield before / record.files[0], after / record.files[0]
    # what was looked at is what is signed: nobody has written to either meanwhile
    _refuse_changed(record, before, after)


def _sides(branches: Branches, record: Record) -> tuple[Path, Path]:
    folder = branch_folder(branches.data, record.run)
    if record.state is State.BUILT:
        return branches.data, folder / OWN
    if record.state is State.PUBLISHED:
        return folder / PREVIOUS, branches.data
    cure = f"go on with it, by `playbook resume` or by running its job again; it is {record.state}"
    raise BranchRefusedError(
        f"the restatement of {record.run} has not ended well, so there is nothing to see", cure=cure
    )


def _refuse_changed(record: Record, before: Path, after: Path) -> None:
    for folder, known, what in ((before, record.base, "before"), (after, record.head, "after")):
        if files.fingerprint_of(folder, record.files) != known:
            cure = "what it is compared with is no longer there: restate anew, and discard this branch"
            raise BranchRefusedError(f"what was {what} the restatement {record.run} has changed since", cure=cure)
