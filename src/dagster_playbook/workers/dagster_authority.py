"""Dagster's answers about texts: run configs, dagster.yaml files, and the code location that gives the facts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from dagster import DagsterInvalidConfigError, RepositoryDefinition, validate_run_config

from dagster_playbook.errors import PlatformError
from dagster_playbook.facts.authority import TextAnswer, TextProblem
from dagster_playbook.settings import CodeLocation
from dagster_playbook.workers.config_problems import problems_of, yaml_document
from dagster_playbook.workers.dagster_reader import open_location, read_location
from dagster_playbook.workers.dagster_releases import CheckError, DagsterYamlLoader, EvaluationError
from dagster_playbook.workers.instance_reader import instance_problems, instance_values
from dagster_playbook.workers.python_authority import PythonAuthority


class DagsterAuthority:
    """One code location, loaded when the first question needs it, and Dagster's own schemas."""

    def __init__(self, root: Path, location: CodeLocation | None) -> None:
        self._root = root
        self._location = location

    @cached_property
    def _repository(self) -> RepositoryDefinition:
        if self._location is None:
            cure = "name one in [[tool.playbook.dagster]] of pyproject.toml"
            raise PlatformError("no Dagster code location is configured", cure=cure)
        return open_location(self._root, self._location)

    def prepare(self, question: str) -> bool:
        """Load what a question about a page needs of the code location; whether anything was loaded by this.

        Raises:
            PlatformError: there is no code location, or it does not load.
        """
        before = len(self.__dict__)
        if question == "validate_run_config":
            _ = self._repository
        return len(self.__dict__) != before

    def facts(self) -> dict[str, Any]:
        """The location's part of the facts, and its instance's values with where they come from, as plain data."""
        if self._location is None:
            return {}
        told = dataclasses.asdict(read_location(self._repository, self._location))
        told["origins"] = dict.fromkeys(told["values"], self._source_path())
        if instance := self._location.instance:
            values = instance_values(self._root, instance)
            told["values"] |= values
            told["origins"] |= dict.fromkeys(values, instance)
        return told

    def validate_run_config(self, job: str, text: str) -> TextAnswer:
        """Dagster's verdict on the run config of a job, read by Dagster's own YAML loader.

        Raises:
            PlatformError: there is no such job.
        """
        document, problems = yaml_document(text, DagsterYamlLoader)
        if problems:
            return TextAnswer(tuple(problems))
        if document is not None and not isinstance(document, dict):
            return TextAnswer((TextProblem("a run config is a mapping", 1, 1),))
        if not self._repository.has_job(job):
            raise PlatformError(f"the code location has no job {job!r}")
        try:
            validate_run_config(self._repository.get_job(job), document or {})
        except DagsterInvalidConfigError as error:
            return TextAnswer(tuple(problems_of(_of_the_text(error.errors), text)))
        except CheckError as error:
            return TextAnswer((TextProblem(" ".join(str(error).split()), 1, 1),))
        return TextAnswer()

    def dagster_instance(self, text: str) -> TextAnswer:
        """What Dagster has against a dagster.yaml, whole or in part."""
        return TextAnswer(tuple(instance_problems(text)))

    def python_names(self, text: str) -> TextAnswer:
        """Imports, and attributes of imported modules, that do not resolve."""
        return self._python.python_names(text)

    @cached_property
    def _python(self) -> PythonAuthority:
        folders = [self._root / self._location.working_directory] if self._location else []
        return PythonAuthority([*folders, self._root])

    def _source_path(self) -> str:
        assert self._location is not None
        folder = Path(self._location.working_directory)
        source = folder / self._location.module.replace(".", "/")
        file = source.with_suffix(".py")
        return (file if (self._root / file).is_file() else source).as_posix()


def _of_the_text(errors: Sequence[EvaluationError]) -> list[EvaluationError]:
    """The errors that the text itself has; a variable that is not set on this machine is none of them."""
    return [error for error in errors if "to fetch the environment variable" not in error.message]
