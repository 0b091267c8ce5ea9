"""Whether a resolved restatement may run in this Dagster run."""

from __future__ import annotations

from collections.abc import Mapping

from dagster._core.storage.tags import RETRY_NUMBER_TAG

from .restatement import Restatement


class RestatementRefusedError(Exception):
    """The restatement is understood but must not run; the message says why and what to do instead."""


def refuse_or_allow(restatement: Restatement, run_tags: Mapping[str, str]) -> None:
    """Return when `restatement` may run under `run_tags`, the tags of the Dagster run.

    A retry repeats the configuration of the failed run, and so would restate what that run had already finished.

    Raises:
        RestatementRefusedError: the run is an automatic retry.
    """
    attempt = run_tags.get(RETRY_NUMBER_TAG)
    if attempt:
        raise RestatementRefusedError(
            f"retry {attempt} would restate {len(restatement.affected)} models from the beginning; cancel the retries, "
            "see which models are left, and start a new run for those"
        )
