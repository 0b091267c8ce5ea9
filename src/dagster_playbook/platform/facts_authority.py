"""An authority that loads nothing: it answers from recorded facts and answers, and says what it could not judge."""

from __future__ import annotations

from dagster_playbook.extras import MissingExtraError
from dagster_playbook.facts.authority import (
    Authority,
    Documents,
    ModelAnswer,
    SelectorAnswer,
    TextAnswer,
    Unjudged,
)
from dagster_playbook.facts.facts_file import Recorded
from dagster_playbook.facts.recorded_selector import NotRecordedError, RecordedSelector
from dagster_playbook.platform.answers import answer_key


class FactsAuthority(Authority):
    """Implements `Authority`; an answer that nobody has recorded is one without problems, and is counted."""

    def __init__(self, recorded: Recorded, unjudged: Unjudged) -> None:
        self._answers = recorded.answers
        self._selector = RecordedSelector(recorded.facts)
        self._unjudged = unjudged

    def select(self, entry: str) -> SelectorAnswer:
        """See `Authority.select`; one that is not judged matches itself, so that nothing is found."""
        try:
            return self._selector.select(entry)
        except NotRecordedError:
            known = self._answers.selectors.get(answer_key("select", entry))
        if known is None:
            self._unjudged.add("selector")
        return known or SelectorAnswer(entry, (entry,))

    def load_model(self, text: str) -> ModelAnswer:
        """See `Authority.load_model`."""
        known = self._answers.models.get(answer_key("load_model", text))
        if known is None:
            self._unjudged.add("MODEL block")
        return known or ModelAnswer()

    def sqlmesh_config(self, text: str) -> TextAnswer:
        """See `Authority.sqlmesh_config`."""
        return self._text("sqlmesh_config", text, "SQLMesh config")

    def dagster_instance(self, text: str) -> TextAnswer:
        """See `Authority.dagster_instance`."""
        return self._text("dagster_instance", text, "Dagster instance config")

    def python_names(self, text: str) -> TextAnswer:
        """See `Authority.python_names`."""
        return self._text("python_names", text, "Python name")

    def save(self) -> None:
        """Nothing is learnt."""

    def _text(self, question: str, text: str, kind: str) -> TextAnswer:
        known = self._answers.texts.get(answer_key(question, text))
        if known is None:
            self._unjudged.add(kind)
        return known or TextAnswer()


class FactsDocuments(Documents):
    """Implements `Documents` by what runs no code that a page or a project names: MkDocs imports hooks and plugins."""

    def __init__(self, installed: Documents, unjudged: Unjudged) -> None:
        self._installed = installed
        self._unjudged = unjudged

    def validate(self, kind: str, data: object) -> TextAnswer:
        """See `Documents.validate`."""
        if kind != "mkdocs":
            return self._installed.validate(kind, data)
        self._unjudged.add("MkDocs config")
        return TextAnswer()

    def lint_python(self, text: str) -> TextAnswer:
        """See `Documents.lint_python`."""
        try:
            return self._installed.lint_python(text)
        except MissingExtraError as missing:
            self._unjudged.add(f"block for {missing.module}")
            return TextAnswer()

    def save(self) -> None:
        """Nothing is learnt."""
