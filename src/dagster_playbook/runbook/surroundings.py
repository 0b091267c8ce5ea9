"""What the actions of steps work with, and how they say that a step did not come out as it should."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagster_playbook.claims.runbook_model import Step
from dagster_playbook.errors import RunbookError
from dagster_playbook.runbook.redaction import Redactor
from dagster_playbook.services.dagster_runs import Dagster, Progress
from dagster_playbook.services.living import Started
from dagster_playbook.settings import Settings

#: asks a person: (step id, question) -> answer
Asker = Callable[[str, str], str]


class StepFailedError(RunbookError):
    """A step was carried out and did not come out as it should; `result` is what it gave."""

    def __init__(self, message: str, result: dict[str, Any] | None = None, *, cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.result = result or {}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What actions work with.

    Attributes:
        run_id: of the runbook's run; with the step's id it is the run key of everything that is started.
        approval: the encoded approval for the tag of approved runs, "" when there is none.
        asks: says whether a step needs an approval.
        not_admitted: told of a step whose run the op's own gate did not admit, and why.
        variables: gives the environment variables by which a command finds the Dagster instance of the jobs.
        anchor: gives the journal's newest line, `Journal.anchor`, which started runs carry in a tag.
        values_of_facts: gives the platform's facts by dotted key.
        written_down: told of each process that a step starts, by the step's id, before that begins to work.
        evidence: gives the file for what a step prints.
        interrupted: takes what a step gave until it was stopped.
    """

    settings: Settings
    run_id: str
    dagster: Callable[[], Dagster]
    ask: Asker
    progress: Progress
    values_of_facts: Callable[[], Mapping[str, Any]]
    anchor: Callable[[], str]
    approval: str = ""
    asks: Callable[[Step], bool] = lambda step: bool(step.approve)
    not_admitted: Callable[[Step, str], None] = lambda step, reason: None
    variables: Callable[[], Mapping[str, str]] = dict
    redactor: Redactor = field(default_factory=Redactor)
    written_down: Callable[[str, Started], None] = lambda step, started: None
    evidence: Callable[[Step], Path] = lambda step: Path(f"{step.id}.log")
    interrupted: dict[str, Any] = field(default_factory=dict)

    def run_key(self, step: Step) -> str:
        """The name under which a step's effect is found again."""
        return f"{self.run_id}/{step.id}"


def evidence_path(folder: Path, seq: int, step: Step, suffix: str = ".json") -> Path:
    """Where a step's result, or with another suffix what it prints, is kept in the run's folder."""
    return folder / "evidence" / f"{seq:04d}-{step.id}{suffix}"
