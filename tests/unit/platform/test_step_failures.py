"""Why a Dagster step failed, from what Dagster tells of it."""

from __future__ import annotations

from typing import Any

import pytest

from dagster_playbook.failure import step_failure

RAISED = {"className": "SourceError", "message": "oso.sources.SourceError: no rows\n  at all\n", "cause": None}
WRAPPED = {
    "className": "DagsterExecutionStepExecutionError",
    "message": "dagster._core.errors.DagsterExecutionStepExecutionError: Error occurred while executing op",
    "cause": RAISED,
}
FAILURE = {"className": "Failure", "message": "dagster._core.definitions.events.Failure: refused", "cause": RAISED}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (WRAPPED, "SourceError: no rows at all"),
        (FAILURE, "Failure: refused"),
        ({"className": "Odd", "message": "a text: with a colon"}, "a text: with a colon"),
        ({"className": "Odd", "message": None, "cause": None}, ""),
    ],
    ids=["wrapped", "failure", "without-a-class", "silent"],
)
def test_the_exception_that_the_code_raised_is_told(error: dict[str, Any], told: str) -> None:
    """On one line, without the module of its class and without Dagster's wrapping."""
    assert step_failure(error) == told
