"""The authority itself: SQLMesh and Dagster, each in its own process, started at the first question."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from dagster_playbook.errors import PlatformError
from dagster_playbook.facts.authority import ModelAnswer, SelectorAnswer, TextAnswer, TextProblem
from dagster_playbook.interpreters.fingerprint import Fingerprints, fingerprints
from dagster_playbook.settings import Settings
from dagster_playbook.workers.workers import POOL, Worker


class LiveAuthority:
    """Implements `Authority` on the projects that the settings name; shares its processes with `load_facts`.

    The projects are loaded as they are at the first question; a later change of their sources is not seen.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._held: dict[str, list[Worker]] = {}

    def select(self, entry: str) -> SelectorAnswer:
        """Which models one selector entry matches, over all projects; an entry that no project parses is an error."""
        answers = [worker.ask("select", entry) for worker in self._sqlmesh]
        errors = [answer["error"] for answer in answers if answer["error"]]
        models = sorted({name for answer in answers for name in answer["models"]})
        return SelectorAnswer(entry, tuple(models), errors[0] if len(errors) == len(answers) else "")

    def load_model(self, text: str) -> ModelAnswer:
        """Load a SQL model definition as SQLMesh would; of several projects, the one that has least against it."""
        answers = [model_answer(worker.ask("load_model", text)) for worker in self._sqlmesh]
        return min(answers, key=lambda answer: len(answer.problems))

    def sqlmesh_config(self, text: str) -> TextAnswer:
        """Validate a SQLMesh config.yaml (whole or in part) by SQLMesh's own loader and classes."""
        return text_answer(self._sqlmesh[0].ask("sqlmesh_config", text))

    def dagster_instance(self, text: str) -> TextAnswer:
        """Validate a dagster.yaml (whole or in part) against Dagster's instance config schema."""
        return text_answer(self._dagster[0].ask("dagster_instance", text))

    def python_names(self, text: str) -> TextAnswer:
        """Imports and attributes that resolve in none of the code locations, or where the models are without one."""
        asked = self._dagster if self._settings.dagster else self._workers("python", self._prints.commands)
        answers = [text_answer(worker.ask("python_names", text)) for worker in asked]
        return min(answers, key=lambda answer: len(answer.problems))

    def validate_run_config(self, job: str, text: str) -> TextAnswer:
        """Dagster's own verdict on the YAML run config of a job.

        Raises:
            PlatformError: no code location has that job.
        """
        refusals: list[PlatformError] = []
        for worker in self._dagster:
            try:
                return text_answer(worker.ask("validate_run_config", job, text))
            except PlatformError as refusal:
                refusals.append(refusal)
        raise refusals[-1]

    @cached_property
    def _prints(self) -> Fingerprints:
        return fingerprints(self._settings)

    @property
    def _sqlmesh(self) -> list[Worker]:
        return self._workers("sqlmesh", self._prints.sqlmesh)

    @property
    def _dagster(self) -> list[Worker]:
        return self._workers("dagster", self._prints.dagster)

    def _workers(self, kind: str, state: str) -> list[Worker]:
        """The workers held, or new ones when the pool has ended them to make room for other projects."""
        held = self._held.get(kind, [])
        if not held or any(worker.is_closed for worker in held):
            held = self._held[kind] = POOL.workers(kind, self._settings, state)
        return held


def text_answer(raw: dict[str, Any]) -> TextAnswer:
    """A `TextAnswer` from its plain data."""
    return TextAnswer(_problems(raw["problems"]))


def model_answer(raw: dict[str, Any]) -> ModelAnswer:
    """A `ModelAnswer` from its plain data."""
    return ModelAnswer(
        problems=_problems(raw["problems"]),
        name=raw["name"],
        kind=raw["kind"],
        tags=tuple(raw["tags"]),
        columns=tuple(raw["columns"]),
        depends_on=tuple(raw["depends_on"]),
    )


def selector_answer(raw: dict[str, Any]) -> SelectorAnswer:
    """A `SelectorAnswer` from its plain data."""
    return SelectorAnswer(raw["entry"], tuple(raw["models"]), raw["error"])


def _problems(raw: Iterable[dict[str, Any]]) -> tuple[TextProblem, ...]:
    return tuple(TextProblem(**item) for item in raw)
