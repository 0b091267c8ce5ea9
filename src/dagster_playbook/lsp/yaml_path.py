"""Where in a YAML document a cursor stands, told by indentation: the document is being typed and rarely parses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_LINE = re.compile(r"(?P<indent> *)(?P<dashes>(?:- +|-$)*)(?:(?P<key>[\w./-]+|\"[^\"]*\"|'[^']*')\s*:(?=\s|$))?")


@dataclass(frozen=True, slots=True)
class YamlPlace:
    """What a cursor is about.

    Attributes:
        path: the keys above, outermost first; at a value the last one is the key of the value.
        is_value: whether a value is written, else a key.
        siblings: the keys that stand in the same mapping already; for a key only.
    """

    path: tuple[str, ...]
    is_value: bool
    siblings: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Row:
    indent: int
    key: str
    is_item: bool
    opens: bool


def yaml_place(lines: Sequence[str], line: int, column: int) -> YamlPlace:
    """The place of a cursor at a 1-based line and column of a block's lines."""
    text = lines[line - 1][: column - 1] if line <= len(lines) else ""
    row = _row(text)
    above = [_row(item) for item in lines[: line - 1] if item.strip() and not item.lstrip().startswith("#")]
    if row.key:
        return YamlPlace((*_parents(above, row), row.key), is_value=True)
    if row.is_item:
        return YamlPlace(_parents(above, row), is_value=True)
    below = [_row(item) for item in lines[line:] if item.strip()]
    indent = len(text) - len(text.lstrip(" "))
    here = _Row(indent, "", is_item=False, opens=False)
    return YamlPlace(_parents(above, here), is_value=False, siblings=_siblings(above, below, indent))


def _row(text: str) -> _Row:
    found = _LINE.match(text)
    assert found is not None
    key = (found["key"] or "").strip("\"'")
    is_item = bool(found["dashes"])
    rest = text[found.end() :].strip()
    indent = len(found["indent"]) + (len(found["dashes"]) if is_item and key else 0)
    return _Row(indent, key, is_item and not key, bool(key) and (not rest or rest.startswith("#")))


def _parents(above: Sequence[_Row], row: _Row) -> tuple[str, ...]:
    """The keys that the row stands under; an item may stand at the indent of the key that holds its list."""
    path: list[str] = []
    limit = row.indent + 1 if row.is_item else row.indent
    for other in reversed(above):
        if other.opens and other.indent < limit:
            path.append(other.key)
            limit = other.indent
    return tuple(reversed(path))


def _siblings(above: Sequence[_Row], below: Sequence[_Row], indent: int) -> frozenset[str]:
    found: set[str] = set()
    for rows in (reversed(above), iter(below)):
        for row in rows:
            if row.indent < indent:
                break
            if row.indent == indent and row.key:
                found.add(row.key)
    return frozenset(found)
