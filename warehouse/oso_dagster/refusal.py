"""Stopping a run for good."""

from __future__ import annotations

import dagster as dg
from dagster._core.storage.tags import MAX_RETRIES_TAG


def refusal(context: dg.AssetExecutionContext | dg.OpExecutionContext, reason: Exception | str) -> dg.Failure:
    """The failure to raise when another attempt could only end the same way.

    `allow_retries=False` speaks of the op's retry policy alone; that the instance does not start the run again needs
    the run's own tag.
    """
    context.instance.add_run_tags(context.run.run_id, {MAX_RETRIES_TAG: "0"})
    return dg.Failure(str(reason), allow_retries=False)
