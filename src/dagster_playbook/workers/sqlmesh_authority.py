"""SQLMesh's answers about texts: selectors, model definitions and config files, on the one loaded project."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from sqlmesh.core.selector import Selector

from dagster_playbook.errors import PlatformError
from dagster_playbook.facts.authority import ModelAnswer, SelectorAnswer, TextAnswer
from dagster_playbook.settings import SqlmeshProject
from dagster_playbook.workers.sqlmesh_reader import ReadOnlyContext, open_context, project_values, read_models
from dagster_playbook.workers.sqlmesh_releases import selector_arguments, selector_class, untold


class _AnyBranch:
    """Stands where SQLMesh would ask git what a branch has changed: every model's file, so that nothing runs git."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = list(paths)

    def list_untracked_files(self) -> list[Path]:
        return self._paths

    def list_uncommitted_changed_files(self) -> list[Path]:
        return []

    def list_committed_changed_files(self, target_branch: str = "") -> list[Path]:
        return []


class SqlmeshAuthority:
    """One SQLMesh project, loaded when the first question needs it."""

    def __init__(self, root: Path, project: SqlmeshProject | None) -> None:
        self._root = root
        self._project = project

    @cached_property
    def _context(self) -> ReadOnlyContext:
        if self._project is None:
            cure = "name one in [[tool.playbook.sqlmesh]] of pyproject.toml"
            raise PlatformError("no SQLMesh project is configured", cure=cure)
        return open_context(self._root, self._project)

    def prepare(self, question: str) -> bool:
        """Load what a question about a page needs of the project; whether anything was loaded by this.

        Raises:
            PlatformError: there is no project, or SQLMesh cannot load it.
        """
        before = len(self.__dict__)
        if question == "select":
            _ = self._selector
        elif question == "load_model" and self._project:
            _ = self._context
        return len(self.__dict__) != before

    def facts(self) -> dict[str, Any]:
        """The project's part of the facts, and where its values come from, as plain data."""
        if self._project is None:
            return {}
        models = read_models(self._context, self._root, self._project)
        values = project_values(self._context, models, self._project)
        return {
            "models": {name: dataclasses.asdict(model) for name, model in models.items()},
            "values": values,
            "origins": {key: self._origin(key, models) for key in values},
            "unread": untold(values),
        }

    @cached_property
    def _selector(self) -> Selector:
        """The selector that `sqlmesh plan` builds, without the state that expanding an entry never reads."""
        context = self._context
        selector: Selector = selector_class(context)(
            state_reader=cast("Any", None),
            models=context._models,
            context_path=context.path,
            dag=context.dag,
            default_catalog=context.default_catalog,
            dialect=context.default_dialect,
            **selector_arguments(context),
        )
        selector._git_client = cast("Any", _AnyBranch(model._path for model in context._models.values() if model._path))
        return selector

    def select(self, entry: str) -> SelectorAnswer:
        """The names of the models that one selector entry matches, by SQLMesh's own Selector.

        What `git:` matches depends on the branch and not on the project, and SQLMesh hands the name after it to git as
        it stands, options included; so it is taken for any model.
        """
        context = self._context
        try:
            matched = self._selector.expand_model_selections([entry])
        except Exception as error:
            return SelectorAnswer(entry, error=" ".join(str(error).split()) or type(error).__name__)
        known = (context.models[fqn].name for fqn in matched if fqn in context.models)
        return SelectorAnswer(entry, tuple(sorted(map(str, known))))

    def load_model(self, text: str) -> ModelAnswer:
        """A model definition, with or without its query, as SQLMesh would load it in this project."""
        from dagster_playbook.workers.model_texts import judge_model

        return judge_model(text, self._context if self._project else None)

    def sqlmesh_config(self, text: str) -> TextAnswer:
        """What SQLMesh has against a config.yaml, whole or in part."""
        from dagster_playbook.workers.sqlmesh_config_texts import judge_config

        return TextAnswer(tuple(judge_config(text)))

    def _origin(self, key: str, models: dict[str, Any]) -> str:
        assert self._project is not None
        for name, model in models.items():
            if key.startswith(f"sqlmesh.models.{name}."):
                return f"{model.path}:{model.line}"
        told_by_models = key.startswith(("sqlmesh.models.", "sqlmesh.tags", "sqlmesh.kinds"))
        return f"{self._project.path}/models" if told_by_models else self._project.path
