"""What a step may ask of Dagster and Nessie: the keys that its YAML takes and the fields that its result has.

The rules, the reference page and the tests of what really runs are all held to these tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dagster_playbook import nessie_hash
from dagster_playbook.claims.runbook_model import Kind, Step


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a step's YAML; `form` is one of `FORMS`."""

    form: str
    help: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to ask: its keys by name, and the fields of its result."""

    does: str
    keys: dict[str, Key]
    results: tuple[str, ...]


_REFERENCE = ("name", "hash", "type", "value", "rows")
_RUN = ("run_id", "status", "root_run_id", "tags")

#: (kind, subject) -> what it takes and gives
OPERATIONS: dict[tuple[Kind, str], Operation] = {
    (Kind.DAGSTER, "runs"): Operation(
        "lists the runs in flight that this runbook has not started",
        {
            "jobs": Key("jobs", "only runs of these jobs; of every job when empty", required=False),
            "statuses": Key("statuses", "only runs of these statuses; those in flight when left out", required=False),
        },
        ("rows", "table", "run_id"),
    ),
    (Kind.DAGSTER, "cancel"): Operation("cancels a run", {"run": Key("text", "the run's id")}, _RUN),
    (Kind.DAGSTER, "remaining"): Operation(
        "tells what a restatement that broke off has left to do",
        {"run": Key("text", "the id of the run that broke off, or of a re-execution of it")},
        ("run_id", "status", "begun", "rows", "models", "done"),
    ),
    (Kind.NESSIE, "reference"): Operation("reads a branch or tag", {"name": Key("text", "the reference")}, _REFERENCE),
    (Kind.NESSIE, "commits"): Operation(
        "finds out whether a commit is on a reference; `rows` is 1 or 0",
        {"name": Key("text", "the reference"), "hash": Key("hash", "the commit")},
        _REFERENCE,
    ),
    (Kind.NESSIE, "history"): Operation(
        "reads the newest commits of a reference",
        {"name": Key("text", "the reference"), "limit": Key("integer", "how many; 20 when left out", required=False)},
        (*_REFERENCE, "commits"),
    ),
    (Kind.NESSIE, "assign"): Operation(
        "moves a reference by compare-and-set",
        {
            "name": Key("text", "the reference to move"),
            "hash": Key("hash", "the commit to move it to"),
            "expected": Key("hash", "where it has to be now; where it is found when left out", required=False),
            "branch": Key("text", "the branch that the commit is on; main when left out", required=False),
        },
        ("name", "hash", "type", "previous", "rows"),
    ),
}
#: what the steps of the other kinds give; a query gives its columns, too
RESULTS: dict[Kind, tuple[str, ...]] = {
    Kind.JOB: _RUN,
    Kind.COMMAND: ("exit_code", "output", "arguments"),
    Kind.QUERY: ("rows", "value", "columns", "table", "sql"),
    Kind.FACTS: ("facts",),
    Kind.ASK: ("answer",),
}
#: the language that a step's fence has to have; a command's are in `runbook_model.COMMAND_LANGUAGES`
LANGUAGES: dict[Kind, tuple[str, ...]] = {
    Kind.JOB: ("yaml", "yml"),
    Kind.DAGSTER: ("yaml", "yml"),
    Kind.NESSIE: ("yaml", "yml"),
    Kind.FACTS: ("yaml", "yml"),
    Kind.ASK: ("text", "txt"),
    Kind.QUERY: ("sql",),
}
#: Dagster's own words for where a run is
STATUSES = (
    "QUEUED", "NOT_STARTED", "MANAGED", "STARTING", "STARTED", "SUCCESS", "FAILURE", "CANCELING", "CANCELED",
)  # fmt: skip
#: form of a value -> what is said when it is not of it
FORMS = {
    "text": "a text",
    "hash": "a quoted hash of " + nessie_hash.FORM,
    "integer": "a whole number above 0",
    "jobs": "a list of names",
    "statuses": "a list of " + ", ".join(STATUSES),
}


def operation(step: Step) -> Operation | None:
    """The operation of a Dagster or Nessie step, None for other kinds and for a name that is none."""
    return OPERATIONS.get((step.kind, step.subject))


def results(step: Step) -> tuple[str, ...]:
    """The fields of a step's result, less the columns of a query."""
    found = operation(step)
    return found.results if found else RESULTS.get(step.kind, ())


def is_of_form(form: str, value: Any) -> bool:
    """Whether a value as it stands in the YAML is of one of `FORMS`."""
    if form == "integer":
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    if form in ("jobs", "statuses"):
        texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return texts and (form == "jobs" or set(value) <= set(STATUSES))
    return isinstance(value, str) and bool(value) and (form != "hash" or nessie_hash.is_hash(value))
