"""A restatement beside production: the branch that a run works on, and what finishes a publication that was cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg

from dagster_playbook.branch.record import on_branch, read_record
from dagster_playbook.errors import PlatformError

from . import settings
from .refusal import refusal, root_run_id

#: of a run that restated on a branch: the branch's name
BRANCH_TAG = "oso/branch"


@contextmanager
def branch_of(context: dg.AssetExecutionContext, is_begun: bool) -> Iterator[Callable[[], None]]:
    """Let SQLMesh work on the branch of this restatement; what it yields is called when that has ended well.

    A re-execution goes on with the branch of the first attempt.

    Args:
        is_begun: an earlier attempt has evaluated something, so that the branch has to be there.

    Raises:
        dg.Failure: there are no branches on this gateway, this one was published or is gone, or production cannot be
            copied.
    """
    branches, run = settings.branches(), root_run_id(context)
    if branches is None:
        raise refusal(context, f"restate_on_branch is for the gateway duckdb, and this one is {settings.gateway()}")
    if is_begun and read_record(branches.data, run) is None:
        # what an earlier attempt has done is not on a new copy, and would be left out
        raise refusal(context, f"the branch of {run} was deleted after its restatement had begun: start it anew")
    try:
        record = branches.begin(run)
    except PlatformError as error:
        raise dg.Failure(str(error)) from error
    context.log.info(f"restating on the branch {run}, made at {record.made_at}; production stays as it is")

    def built() -> None:
        try:
            done = branches.built(run)
        except PlatformError as error:
            raise dg.Failure(str(error)) from error
        context.instance.add_run_tags(context.run.run_id, {BRANCH_TAG: run})
        context.log.info(f"built the branch {run}, {done.head[:12]}; look at it with: playbook diff --run {run}")

    with on_branch(run):
        yield built


def refuse_begun_on_branch(context: dg.AssetExecutionContext) -> None:
    """What was done on a branch is not in production, so a restatement that was begun there cannot go on here."""
    if (branches := settings.branches()) and read_record(branches.data, root_run_id(context)):
        raise refusal(context, "the restatement was begun on a branch: re-execute it with restate_on_branch: true")


def finish_publications(context: dg.AssetExecutionContext) -> None:
    """Finish what was cut while production was exchanged, before anything is read or written."""
    if branches := settings.branches():
        try:
            for run in branches.finish():
                context.log.warning(f"the exchange of production for {run} had been cut, and was finished")
        except PlatformError as error:
            raise dg.Failure(str(error)) from error
