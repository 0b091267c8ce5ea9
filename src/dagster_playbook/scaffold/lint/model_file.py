"""A SQL model file as it is written: the properties of its MODEL block with their places, and its query."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dagster_playbook.errors import ScaffoldError
from dagster_playbook.location import Location

if TYPE_CHECKING:
    from sqlglot import exp

_SOURCE = re.compile(r"@oso_source\(\s*'(?P<raw>[^']+)'\s*\)")


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a MODEL block: its text as written, and the offsets of the text in the file (half-open)."""

    name: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A SQL model file.

    Attributes:
        path: POSIX, relative to the project.
        properties: of the MODEL block, by lower-case name.
        query: None when the model has none (a seed) or it cannot be read, then `problem` says why.
        sources: raw tables that the query reads through `@oso_source`.
    """

    path: str
    text: str
    properties: dict[str, Property]
    query: exp.Expr | None = None
    sources: tuple[str, ...] = ()
    problem: str = ""

    @property
    def name(self) -> str:
        """The model's name as written, without quotes."""
        return self.value("name").replace('"', "")

    @property
    def kind(self) -> str:
        """The kind's name in upper case, "" when none is written."""
        match = re.match(r"\w+", self.value("kind"))
        return match.group().upper() if match else ""

    def value(self, name: str) -> str:
        """A property's text, "" when it is not written."""
        return self.properties[name].text if name in self.properties else ""

    def at(self, start: int = 0, end: int = 0) -> Location:
        """The place of a stretch of the file, the MODEL block's beginning by default."""
        line, column = _place(self.text, start)
        end_line, end_column = _place(self.text, max(end, start + 1))
        return Location(self.path, line, column, end_line, end_column)

    def at_property(self, name: str) -> Location:
        """The place of a property's text; the file's beginning when it is not written."""
        found = self.properties.get(name)
        return self.at(found.start, found.end) if found else self.at()

    def at_text(self, text: str) -> Location:
        """The place where a word stands first after the MODEL block."""
        found = re.search(rf"(?<!\w){re.escape(text)}(?!\w)", self.text[self._body_start() :], re.IGNORECASE)
        start = self._body_start() + found.start() if found else 0
        return self.at(start, start + len(text) if found else 0)

    def columns(self) -> dict[str, str]:
        """The columns that the block declares: name to type, in order."""
        body = self.value("columns")
        entries = split_top_level(body[1:-1]) if body.startswith("(") else []
        pairs = (re.match(r'\s*("(?:[^"]|"")+"|\S+)\s+(.+)', entry, re.DOTALL) for entry in entries)
        return {m[1].strip('"').replace('""', '"').lower(): " ".join(m[2].split()) for m in pairs if m}

    def _body_start(self) -> int:
        return max((p.end for p in self.properties.values()), default=0)


def _place(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def split_top_level(text: str) -> list[str]:
    """Split at the commas that stand in no bracket and no quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for i, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    return [part for part in parts if part.strip()]


def read_model(path: str, text: str) -> ModelFile | None:
    """Read a model file; None for a file without a MODEL block.

    Raises:
        ScaffoldError: the block is not closed or cannot be tokenised.
    """
    from sqlglot.dialects.trino import Trino
    from sqlglot.errors import TokenError

    try:
        tokens = Trino().tokenize(text)
    except TokenError as error:
        raise ScaffoldError(f"cannot be read as SQL: {str(error).splitlines()[0]}", path=path) from error
    if len(tokens) < 2 or tokens[0].text.upper() != "MODEL" or tokens[1].text != "(":
        return None
    properties, depth, start = {}, 0, 2
    for i, token in enumerate(tokens[1:], 1):
        if token.text == "(" and not _is_string(token):
            depth += 1
        elif token.text == ")" and not _is_string(token):
            depth -= 1
        is_end = depth == 0
        if is_end or (depth == 1 and token.text == "," and not _is_string(token)):
            if i > start:
                item = _property(text, tokens[start:i])
                properties[item.name] = item
            start = i + 1
        if is_end:
            return _with_query(path, text, properties, token.end + 1)
    line = text[: tokens[0].start].count("\n") + 1
    raise ScaffoldError("the MODEL block is not closed", path=path, line=line)


def _is_string(token: Any) -> bool:
    return bool(token.token_type.name in ("STRING", "IDENTIFIER"))


def _property(text: str, tokens: list[Any]) -> Property:
    name = tokens[0].text.lower()
    if len(tokens) == 1:
        return Property(name, "", tokens[0].start, tokens[0].end + 1)
    start, end = tokens[1].start, tokens[-1].end + 1
    return Property(name, text[start:end], start, end)


def _with_query(path: str, text: str, properties: dict[str, Property], start: int) -> ModelFile:
    """The query with macros read as plain names: `@oso_project_id(name)` as a function, `@start_ts` as a column."""
    import sqlglot
    from sqlglot.errors import SqlglotError

    body = text[start:].lstrip().removeprefix(";")
    sources = tuple(match["raw"] for match in _SOURCE.finditer(body))
    plain = _SOURCE.sub(lambda m: ".".join(f'"{part}"' for part in m["raw"].split(".")), body)
    plain = re.sub(r"@(?=\w)", "", plain)
    if not plain.strip():
        return ModelFile(path, text, properties)
    try:
        statements = [s for s in sqlglot.parse(plain, dialect="trino") if s is not None]
    except SqlglotError as error:
        return ModelFile(path, text, properties, None, sources, str(error).splitlines()[0])
    return ModelFile(path, text, properties, statements[-1] if statements else None, sources)
