"""Answers about the Python of pages, in an interpreter that needs no platform."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from dagster_playbook.facts.authority import TextAnswer
from dagster_playbook.static_python.python_modules import Modules
from dagster_playbook.static_python.python_names import unresolved_names


class PythonAuthority:
    """What is installed in this interpreter, and what stands in `folders`, which come first."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders

    @cached_property
    def _modules(self) -> Modules:
        return Modules(self._folders)

    def prepare(self, question: str) -> bool:
        """Nothing has to be loaded for a question."""
        return False

    def python_names(self, text: str) -> TextAnswer:
        """Imports, and attributes of imported modules, that do not resolve."""
        return TextAnswer(tuple(unresolved_names(text, self._modules)))
