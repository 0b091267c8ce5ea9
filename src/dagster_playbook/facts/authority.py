"""What an authority answers when it is asked about a text: the interface that rules see.

The implementations import SQLMesh and Dagster on the first question only and load the platform once a process;
the check keeps each answer under the platform's fingerprint, so the same question is not asked twice.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SelectorAnswer:
    """What SQLMesh's own Selector makes of one entry: the names of the models it matches, or why it does not parse."""

    entry: str
    models: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class TextProblem:
    """Something an authority has against a text; line and column 1-based in that text, 0 when it does not say."""

    message: str
    line: int = 0
    column: int = 0
    subject: str = ""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What SQLMesh makes of a MODEL block (with or without its query)."""

    problems: tuple[TextProblem, ...] = ()
    name: str = ""
    kind: str = ""
    tags: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """The problems that an authority finds in a text, none when it accepts it."""

    problems: tuple[TextProblem, ...] = field(default=())


class Authority(Protocol):
    """The questions that rules may ask; each raises `PlatformError` when the authority cannot be reached."""

    def select(self, entry: str) -> SelectorAnswer:
        """Which models one selector entry matches, by SQLMesh's own Selector on the loaded project."""

    def load_model(self, text: str) -> ModelAnswer:
        """Load a SQL model definition (MODEL (...); query) as SQLMesh would in this project."""

    def sqlmesh_config(self, text: str) -> TextAnswer:
        """Validate a SQLMesh config.yaml (whole or in part) by SQLMesh's own loader and classes."""

    def dagster_instance(self, text: str) -> TextAnswer:
        """Validate a dagster.yaml (whole or in part) against Dagster's instance config schema."""

    def python_names(self, text: str) -> TextAnswer:
        """Imports and attribute accesses on imported modules that do not resolve in the installed packages."""


class Documents(Protocol):
    """Questions about texts of other formats, each asked of its real schema, loader or linter."""

    def validate(self, kind: str, data: object) -> TextAnswer:
        """Validate loaded data against the schema of `kind`: workflow, compose, mkdocs or pre-commit.

        A problem's `subject` is the path of the wrong value, keys joined by a slash.
        """

    def lint_python(self, text: str) -> TextAnswer:
        """What ruff says of a Python block; a problem's `subject` is its code."""


@dataclass
class Unjudged:
    """Questions that only the platform itself could answer, by kind, since they were last taken."""

    asked: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str) -> None:
        """One more question of a kind."""
        self.asked[kind] += 1

    def take(self) -> list[str]:
        """The kinds asked about since the last call, the most frequent first."""
        kinds = [kind for kind, _ in self.asked.most_common()]
        self.asked.clear()
        return kinds
