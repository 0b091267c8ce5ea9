"""SQLMesh's selector language over recorded models: the same answers as SQLMesh's own Selector, without the project.

A property test holds the two to the same answer. What the record cannot tell (`git:` asks a checkout, names of dbt, two
projects at once) and what SQLMesh's tokenizer reads in ways of its own (quotes, comments, numbers) is not judged.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from functools import cached_property

from dagster_playbook.facts.authority import SelectorAnswer
from dagster_playbook.facts.facts import Facts, ModelFact

_WORD = r"[A-Za-z_][\w.=-]*"
_TOKEN = re.compile(rf"\s*(?:(?P<word>{_WORD})|(?P<sign>[()&|^+*:]))")
#: a longer entry is not judged: evaluation recurses
MAX_LENGTH = 500

_Names = frozenset[str]


class NotRecordedError(Exception):
    """The record cannot answer this."""


class _NoSelectorError(Exception):
    """SQLMesh would not parse this; the message is its own."""


class RecordedSelector:
    """Answers selector entries from the models of one SQLMesh project."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def select(self, entry: str) -> SelectorAnswer:
        """See `Authority.select`.

        Raises:
            NotRecordedError: only SQLMesh itself can answer.
        """
        if len(entry) > MAX_LENGTH or not self._is_whole:
            raise NotRecordedError(entry)
        try:
            found = _Parser(f"({entry})", self).parse()
        except _NoSelectorError as error:
            return SelectorAnswer(entry, error=" ".join(str(error).split()))
        return SelectorAnswer(entry, tuple(sorted(self.models[fqn].name for fqn in found)))

    @cached_property
    def models(self) -> dict[str, ModelFact]:
        """Every model by its fully-qualified name."""
        return {model.fqn: model for model in self._facts.models.values()}

    @cached_property
    def _is_whole(self) -> bool:
        """Whether the record is of one project, selected by SQLMesh's own names."""
        projects = {model.project for model in self.models.values()}
        return len(projects) <= 1 and self._facts.values.get("sqlmesh.selector") == "NativeSelector"

    @cached_property
    def _by_tag(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for fqn, model in self.models.items():
            for tag in model.tags:
                found.setdefault(tag.lower(), set()).add(fqn)
        return found

    @cached_property
    def _children(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for fqn, model in self.models.items():
            for parent in model.depends_on:
                found.setdefault(parent, set()).add(fqn)
        return found

    def named(self, pattern: str) -> _Names:
        """Models by name, or by a pattern with `*`, which SQLMesh holds to the name as written."""
        if "*" in pattern:
            return frozenset(f for f, m in self.models.items() if fnmatch.fnmatchcase(m.name, pattern))
        fqn = self._normalized(pattern)
        return frozenset({fqn} & self.models.keys())

    def tagged(self, pattern: str) -> _Names:
        """Models by tag, in any letter case."""
        pattern = pattern.lower()
        if "*" not in pattern:
            return frozenset(self._by_tag.get(pattern, ()))
        return frozenset(f for tag, found in self._by_tag.items() if fnmatch.fnmatchcase(tag, pattern) for f in found)

    def directed(self, names: _Names, *, is_up: bool, is_down: bool) -> _Names:
        """The models with all that they read, all that reads them, or both."""
        found = set(names)
        if is_up:
            found |= _reached(names, lambda fqn: self.models[fqn].depends_on if fqn in self.models else ())
        if is_down:
            found |= _reached(names, lambda fqn: self._children.get(fqn, ()))
        return frozenset(found & self.models.keys())

    def _normalized(self, pattern: str) -> str:
        """The fully-qualified name that SQLMesh makes of a name."""
        from sqlglot import exp
        from sqlglot.errors import SqlglotError
        from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

        values = self._facts.values
        dialect, catalog = str(values.get("sqlmesh.dialect", "")), str(values.get("sqlmesh.catalog", ""))
        try:
            table = exp.to_table(pattern, dialect=dialect or None)
        except (SqlglotError, ValueError) as error:
            raise NotRecordedError(pattern) from error
        if catalog and not table.catalog and table.db:
            table.set("catalog", exp.parse_identifier(catalog))
        return exp.table_name(normalize_identifiers(table, dialect=dialect or None), identify=True)


def _reached(start: _Names, following: Callable[[str], tuple[str, ...] | set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        for fqn in following(waiting.pop()):
            if fqn not in found:
                found.add(fqn)
                waiting.append(fqn)
    return found


class _Parser:
    """SQLMesh's grammar: `a & b`, `a | b`, `^a`, `(a)`, `+a+`, `tag:a`, with `*` before or behind a name."""

    def __init__(self, text: str, graph: RecordedSelector) -> None:
        self._text = text
        self._graph = graph
        self._tokens = _tokens(text)
        self._at = 0

    def parse(self) -> _Names:
        """The models that the text selects."""
        return self._conjunction()

    def _conjunction(self) -> _Names:
        found = self._unary()
        if self._match("&"):
            found &= self._unary()
        if self._match("|"):
            found |= self._conjunction()
        return found

    def _unary(self) -> _Names:
        if self._match("^"):
            return frozenset(self._graph.models) - self._unary()
        return self._operand()

    def _operand(self) -> _Names:
        is_up, is_tag = self._match("+"), self._kind("tag")
        if (not is_tag and self._kind("resource_type")) or self._kind("git"):
            raise NotRecordedError(self._text)
        left = "*" if self._match("*") else ""
        if (word := self._word()) is not None:
            pattern = f"{left}{word}{'*' if self._match('*') else ''}"
            is_down = self._match("+")
            found = self._graph.tagged(pattern) if is_tag else self._graph.named(pattern)
        elif self._match("("):
            if is_tag:
                # SQLMesh takes the bracket's own text for the tag's name
                raise NotRecordedError(self._text)
            found, is_down = self._conjunction(), self._match("+")
            if not self._match(")"):
                raise self._error("Expected TokenType.R_PAREN")
        elif left:
            found, is_down = (self._graph.tagged("*") if is_tag else self._graph.named("*")), False
        else:
            raise self._error("Expected model name.")
        return self._graph.directed(found, is_up=is_up, is_down=is_down) if is_up or is_down else found

    def _kind(self, kind: str) -> bool:
        here = self._tokens[self._at : self._at + 2]
        if len(here) == 2 and here[0].lower() == kind and here[1] == ":":
            self._at += 2
            return True
        return False

    def _match(self, sign: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == sign:
            self._at += 1
            return True
        return False

    def _word(self) -> str | None:
        if self._at < len(self._tokens) and re.match(_WORD, self._tokens[self._at]):
            self._at += 1
            return self._tokens[self._at - 1]
        return None

    def _error(self, message: str) -> _NoSelectorError:
        return _NoSelectorError(f"{message} at index {self._at}: {self._text}")


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            raise NotRecordedError(text)
        found.append(match["word"] or match["sign"])
        at = match.end()
    return found
