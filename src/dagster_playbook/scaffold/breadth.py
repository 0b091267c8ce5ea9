"""Largest values first: engines that infer types look at the first row, so it has to be the widest one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from dagster_playbook.scaffold.table import is_nan

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$")


def breadth(value: Any) -> tuple[int, Decimal]:
    """How wide a type a value asks for: (class, measure); 0 for null and empty, then numbers by size, then texts.

    A text cell of a seed file counts as the number that it spells.
    """
    if value is None or value in ("", [], {}, ()):
        return (0, Decimal(0))
    if isinstance(value, bool) or value in ("true", "false"):
        return (1, Decimal(0))
    if isinstance(value, int | float | Decimal):
        return _number_breadth(Decimal(str(value)))
    if isinstance(value, date):
        return (4, Decimal(len(value.isoformat())))
    if isinstance(value, str) and _NUMBER.match(value):
        try:
            return _number_breadth(Decimal(value))
        except InvalidOperation:  # pragma: no cover - the pattern admits only numbers
            return (5, Decimal(len(value)))
    return (5, Decimal(len(value if isinstance(value, str | bytes | list | dict | tuple) else str(value))))


def _number_breadth(number: Decimal) -> tuple[int, Decimal]:
    if is_nan(number) or number.is_infinite():
        return (3, Decimal(0))
    if number != number.to_integral_value():
        return (3, number.copy_abs())
    return (2, number.copy_abs())


def widest_first(rows: Sequence[Sequence[Any]]) -> list[int]:
    """Indices of the rows, the one with the widest values first.

    Rows are compared by in how many columns they hold a value of the column's widest type class, then in how
    many they hold its widest value; the order of equal rows is kept.
    """
    measured = [[breadth(value) for value in row] for row in rows]
    widest = [max(column) for column in zip(*measured, strict=True)]
    scores = [
        (
            sum(m[0] == w[0] for m, w in zip(row, widest, strict=True)),
            sum(m == w for m, w in zip(row, widest, strict=True)),
        )
        for row in measured
    ]
    return sorted(range(len(rows)), key=lambda i: (-scores[i][0], -scores[i][1], i))
