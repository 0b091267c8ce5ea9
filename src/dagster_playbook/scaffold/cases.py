"""The cases that rows of a table stand for: what a staging model can get wrong, column by column.

A case is covered when a chosen row shows it; a doubled value is covered when two chosen rows share it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from dagster_playbook.scaffold.table import Column, SourceTable, is_nan

#: a column with at most this many distinct values, each seen more than once on average, is an enumeration
MAX_ENUMERATION = 8
#: a column whose values are this distinct is key-like: a value that stands twice is worth a case
KEY_LIKE = 0.5
INT32, INT64 = 2**31, 2**63


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to be covered; `column` is "" for a case of the whole row.

    `is_relative` tells cases that only the whole table can judge (longest, largest) from those that a row shows
    by itself (null, empty, negative).
    """

    column: str
    kind: str
    detail: str = ""
    is_relative: bool = False
    rows_needed: int = 1

    def __str__(self) -> str:
        what = f"{self.kind} {self.detail}".strip()
        return f"{self.column}: {what}" if self.column else what


@dataclass(frozen=True, slots=True)
class Coverage:
    """All the cases of a table and, for each row, a bit mask over them.

    Attributes:
        cases: bit i of a mask is `cases[i]`.
        masks: for each row, the cases that it shows by itself.
        doubles: for each row, the cases that it shows together with another row that has the same bit.
    """

    cases: tuple[Case, ...]
    masks: tuple[int, ...]
    doubles: tuple[int, ...]


def cases_of(table: SourceTable) -> Coverage:
    """Find the cases of a table (bookkeeping columns have none) and the rows that show them."""
    found: dict[Case, set[int]] = {}
    for index, column in enumerate(table.columns):
        if not column.is_bookkeeping:
            for case, row in column_cases(column, [values[index] for values in table.rows]):
                found.setdefault(case, set()).add(row)
    found.update(_doubled_rows(table))
    cases = tuple(found)
    masks, doubles = [0] * len(table.rows), [0] * len(table.rows)
    for bit, (case, rows) in enumerate(found.items()):
        target = doubles if case.rows_needed > 1 else masks
        for row in rows:
            target[row] |= 1 << bit
    return Coverage(cases, tuple(masks), tuple(doubles))


def column_cases(column: Column, values: list[Any]) -> Iterator[tuple[Case, int]]:
    """Each case of one column with each row (0-based) that shows it."""
    for row, value in enumerate(values):
        for kind, detail in value_cases(value):
            yield Case(column.name, kind, detail), row
    keys = [freeze(value) for value in values]
    yield from _enumerated(column, values, keys)
    yield from _doubled(column, values, keys)
    yield from _extremes(column, values)


def value_cases(value: Any) -> Iterator[tuple[str, str]]:
    """The cases that a value shows by itself, as (kind, detail)."""
    if value is None:
        yield "null", ""
        return
    yield "a value", ""
    if isinstance(value, bool):
        yield "value", str(value).lower()
    elif isinstance(value, int | float | Decimal):
        yield from _number_cases(value)
    elif isinstance(value, str):
        yield from _text_cases(value)
    elif isinstance(value, bytes | bytearray) and not value:
        yield "empty", ""
    elif isinstance(value, datetime) and value.microsecond:
        yield "fraction of a second", ""
    elif isinstance(value, list | tuple):
        yield ("empty", "list") if not value else ("one item", "") if len(value) == 1 else ("many items", "")
        if value:
            yield "shape", shape_of(value)
    elif isinstance(value, dict):
        yield "shape", shape_of(value)


def _number_cases(value: Any) -> Iterator[tuple[str, str]]:
    if is_nan(value):
        yield "not a number", ""
        return
    if value in (float("inf"), float("-inf")):
        yield "infinite", ""
        return
    if value == 0:
        yield "zero", ""
    elif value < 0:
        yield "negative", ""
    if not isinstance(value, int) and value != int(value):
        yield "fraction", ""
    if abs(value) >= INT64:
        yield "beyond 64 bits", ""
    elif abs(value) >= INT32:
        yield "beyond 32 bits", ""


def _text_cases(text: str) -> Iterator[tuple[str, str]]:
    if not text:
        yield "empty", ""
        return
    if text != text.strip():
        yield "outer blanks", ""
    if "\n" in text or "\r" in text:
        yield "line break", ""
    if '"' in text or "'" in text or "," in text:
        yield "quote or comma", ""
    if not text.isascii():
        yield ("beyond the basic plane", "") if any(ord(c) > 0xFFFF for c in text) else ("unicode", "")


def shape_of(value: Any) -> str:
    """The shape of a nested value: keys and kinds, not the values; a list is the union of its items' shapes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {shape_of(value[key])}" for key in sorted(value, key=str)) + "}"
    if isinstance(value, list | tuple):
        return "[" + " | ".join(sorted({shape_of(item) for item in value})) + "]"
    return "null" if value is None else type(value).__name__


def freeze(value: Any) -> Any:
    """A hashable stand-in that is equal when the values are; True and 1 stay apart."""
    if isinstance(value, dict):
        return tuple(sorted((str(key), freeze(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    if isinstance(value, bytearray):
        return bytes(value)
    return ("nan", "nan") if is_nan(value) else (type(value).__name__, str(value))


def _enumerated(column: Column, values: list[Any], keys: list[Any]) -> Iterator[tuple[Case, int]]:
    present = [row for row, value in enumerate(values) if isinstance(value, str | int) and not isinstance(value, bool)]
    distinct = {keys[row] for row in present}
    if not 1 < len(distinct) <= MAX_ENUMERATION or len(present) < 2 * len(distinct):
        return
    for row in present:
        yield Case(column.name, "value", shorten(values[row]), is_relative=True), row


def _doubled(column: Column, values: list[Any], keys: list[Any]) -> Iterator[tuple[Case, int]]:
    rows_of: dict[Any, list[int]] = defaultdict(list)
    for row, value in enumerate(values):
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            rows_of[keys[row]].append(row)
    total = sum(map(len, rows_of.values()))
    repeated = [rows for rows in rows_of.values() if len(rows) > 1]
    if not repeated or len(rows_of) <= max(MAX_ENUMERATION, KEY_LIKE * total):
        return
    rows = max(repeated, key=len)
    for row in rows:
        yield Case(column.name, "doubled", shorten(values[row]), is_relative=True, rows_needed=2), row


def _extremes(column: Column, values: list[Any]) -> Iterator[tuple[Case, int]]:
    for low, high, measure in (
        ("smallest", "largest", _magnitude),
        ("shortest", "longest", _length),
        ("earliest", "latest", _moment),
    ):
        measured = [(m, row) for row, value in enumerate(values) if (m := measure(value)) is not None]
        if len({m for m, _ in measured}) < 2:
            continue
        for kind, pick in ((low, min(measured)[0]), (high, max(measured)[0])):
            for m, row in measured:
                if m == pick:
                    yield Case(column.name, kind, is_relative=True), row


def _magnitude(value: Any) -> Any:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and not is_nan(value):
        return value
    return None


def _length(value: Any) -> int | None:
    return len(value) if isinstance(value, str | bytes | list | tuple) and len(value) else None


def _moment(value: Any) -> str | None:
    return value.isoformat() if isinstance(value, date) else None


def _doubled_rows(table: SourceTable) -> Iterator[tuple[Case, set[int]]]:
    """Whole rows that stand more than once: a staging model may have to tell them apart or fold them."""
    kept: Callable[[tuple[Any, ...]], Any] = freeze
    counts = Counter(map(kept, table.without_bookkeeping().rows))
    repeated = [key for key, count in counts.items() if count > 1]
    if not repeated or not table.columns:
        return
    wanted = repeated[0]
    rows = {i for i, row in enumerate(table.without_bookkeeping().rows) if freeze(row) == wanted}
    yield Case("", "the same row twice", is_relative=True, rows_needed=2), rows


def shorten(value: Any, width: int = 40) -> str:
    """A value as people are shown it."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= width else text[: width - 1] + "…"
