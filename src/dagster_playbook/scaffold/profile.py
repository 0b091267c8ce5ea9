"""What a sampled table looks like: types, nulls, distinct values, extremes, lengths and nested shapes by column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from dagster_playbook.scaffold.cases import freeze, shape_of, shorten
from dagster_playbook.scaffold.table import Column, SourceTable, is_nan

MAX_SHAPES = 5


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column of a sample; counts are rows, `shortest` and `longest` characters or items, -1 when there are none.

    Attributes:
        distinct: different values, nulls aside.
        smallest, largest: as text, "" when the values have no order.
        shapes: the shapes of nested values with their counts, most frequent first.
    """

    name: str
    type: str
    nulls: int
    empties: int
    distinct: int
    smallest: str = ""
    largest: str = ""
    shortest: int = -1
    longest: int = -1
    shapes: tuple[tuple[str, int], ...] = ()
    most_frequent: str = ""
    is_bookkeeping: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def profile_of(table: SourceTable) -> tuple[ColumnProfile, ...]:
    """Profile each column over all the rows of the sample."""
    return tuple(_profile(column, [row[i] for row in table.rows]) for i, column in enumerate(table.columns))


def _profile(column: Column, values: list[Any]) -> ColumnProfile:
    present = [value for value in values if value is not None]
    counts = Counter(freeze(value) for value in present)
    first_of = {freeze(value): value for value in reversed(present)}
    smallest, largest = _range(present)
    lengths = [len(value) for value in present if isinstance(value, str | bytes | list | tuple)]
    shapes = Counter(shape_of(value) for value in present if isinstance(value, dict | list | tuple))
    top = counts.most_common(1)
    return ColumnProfile(
        name=column.name,
        type=f"{column.type} REPEATED" if column.repeated else column.type,
        nulls=len(values) - len(present),
        empties=sum(1 for value in present if value in ("", b"", [], {}, ())),
        distinct=len(counts),
        smallest=smallest,
        largest=largest,
        shortest=min(lengths, default=-1),
        longest=max(lengths, default=-1),
        shapes=tuple(shapes.most_common(MAX_SHAPES)),
        most_frequent=f"{shorten(first_of[top[0][0]])} x {top[0][1]}" if top and top[0][1] > 1 else "",
        is_bookkeeping=column.is_bookkeeping,
    )


def _range(present: list[Any]) -> tuple[str, str]:
    numbers = [v for v in present if isinstance(v, int | float | Decimal) and not isinstance(v, bool) and not is_nan(v)]
    dates = [v for v in present if isinstance(v, date)]
    texts = [v for v in present if isinstance(v, str) and v]
    by_text: Callable[[Any], str] = str
    if numbers:
        return str(min(numbers)), str(max(numbers))
    if dates:
        return str(min(dates, key=by_text)), str(max(dates, key=by_text))
    if texts:
        return shorten(min(texts), 24), shorten(max(texts), 24)
    return "", ""
