"""A query step with a sample in the place of each placeholder: the query that would be sent, for looking only.

What runs is bound by value; here the text keeps its lines, so that what an engine has against it stands on the line
that a person edits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dagster_playbook.claims.runbook_model import Runbook, Step
from dagster_playbook.claims.runbook_samples import literal
from dagster_playbook.claims.step_text import STAND_IN

_PLACEHOLDER = re.compile(r"\{\{\s*(?P<name>[\w.-]+)\s*\}\}")
_ROWS = re.compile(r"steps\.[\w-]+\.rows")


@dataclass(frozen=True, slots=True)
class Piece:
    """A sample in a line: offsets (0-based, half-open) in the line with samples and in the line as written."""

    line: int
    start: int
    stop: int
    own_start: int
    own_stop: int


@dataclass(frozen=True, slots=True)
class FilledQuery:
    """A query as an engine would see it, and where its parts stand in the block."""

    text: str
    pieces: tuple[Piece, ...] = ()

    def place(self, line: int, column: int) -> tuple[int, int]:
        """The line and column in the block of those (1-based) in the text; of a sample, its placeholder's first."""
        offset = column - 1
        moved = 0
        for piece in self.pieces:
            if piece.line != line or offset < piece.start:
                continue
            if offset < piece.stop:
                return line, piece.own_start + 1
            moved = piece.own_stop - piece.stop
        return line, offset + moved + 1


def sample_query(runbook: Runbook, step: Step) -> FilledQuery | None:
    """The step's query with samples; None when it does not parse, or a name of a table is not known before the run."""
    roles = _roles(step) if "{{" in step.fence.body else {}
    if roles is None:
        return None
    lines: list[str] = []
    pieces: list[Piece] = []
    number = 0
    for line_number, line in enumerate(step.fence.body.split("\n"), start=1):
        filled, behind = "", 0
        for match in _PLACEHOLDER.finditer(line):
            spelled = _spelled(_value(runbook, match["name"]), roles.get(number, ""))
            if spelled is None:
                return None
            filled += line[behind : match.start()]
            pieces.append(Piece(line_number, len(filled), len(filled) + len(spelled), match.start(), match.end()))
            filled, behind, number = filled + spelled, match.end(), number + 1
        lines.append(filled + line[behind:])
    return FilledQuery("\n".join(lines), tuple(pieces))


def _value(runbook: Runbook, name: str) -> Any:
    """A parameter's sample; of an earlier step's result only the number of rows has a type that is known."""
    parameter = runbook.parameters.get(name)
    if parameter:
        return parameter.sample
    return 1 if _ROWS.fullmatch(name) else None


def _spelled(value: Any, role: str) -> str | None:
    """A value as the run would bind it; NULL has every type, and is no table."""
    if role == "table":
        parts = str(value or "").split(".")
        return str(value) if len(parts) <= 3 and all(part.isidentifier() for part in parts) else None
    if isinstance(value, list):
        items = ", ".join(literal(item) for item in value)
        return items if role == "item" else f"({items})"
    return literal(value)


def _roles(step: Step) -> dict[int, str] | None:
    """What the placeholders stand for, by their order: `table`, `item` of an IN in parentheses, or any value."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    numbers: Iterator[int] = iter(range(step.fence.body.count("{{")))
    bound = _PLACEHOLDER.sub(lambda _: f"{STAND_IN}('{next(numbers)}')", step.fence.body)
    try:
        tree = sqlglot.parse_one(bound, dialect=step.dialect)
    except SqlglotError:
        return None
    roles: dict[int, str] = {}
    for node in tree.find_all(exp.Anonymous):
        if str(node.this).lower() == STAND_IN:
            number = int(node.expressions[0].name)
            if isinstance(node.parent, exp.Table):
                roles[number] = "table"
            elif isinstance(node.parent, exp.In) and node.parent.expressions == [node]:
                roles[number] = "item"
    return roles
