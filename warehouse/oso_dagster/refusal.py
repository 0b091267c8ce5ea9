"""Stopping a run for good."""

from __future__ import annotations

import dagster as dg
from dagster._core.storage.tags import MAX_RETRIES_TAG

from dagster_playbook.approval.envelope import REFUSED_TAG

Context = dg.AssetExecutionContext | dg.OpExecutionContext


def refusal(context: Context, reason: Exception | str) -> dg.Failure:
    """The failure to raise when another attempt could only end the same way.

    `allow_retries=False` speaks of the op's retry policy alone; that the instance does not start the run again needs
    the run's own tag.
    """
    context.instance.add_run_tags(context.run.run_id, {MAX_RETRIES_TAG: "0"})
    return dg.Failure(str(reason), allow_retries=False)


def not_admitted(context: Context, reason: Exception) -> dg.Failure:
    """The same when the approval did not hold: the tag tells whoever launched the run that nothing was spent."""
    context.instance.add_run_tags(context.run.run_id, {REFUSED_TAG: str(reason)[:500]})
    return refusal(context, reason)


def root_run_id(context: Context) -> str:
    """The first run of the chain of retries and re-executions that this run is in."""
    return context.run.root_run_id or context.run.run_id
