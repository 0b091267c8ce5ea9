"""Plain values for a raw table: nested values as JSON text, times in UTC without zone, bytes as base64.

`playbook new asset` puts this file, word for word, beside the sources that it writes.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any


def plain(value: Any, type_: str) -> Any:
    """One value as a column of this Trino type takes it; None stays None.

    Raises:
        ValueError: a text that is no date or number stands in a column of that type.
    """
    if value is None:
        return None
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if type_.startswith("TIMESTAMP"):
        return naive_utc(value)
    if type_ == "DATE":
        return value.date() if isinstance(value, dt.datetime) else as_date(value)
    if type_.startswith("DECIMAL"):
        return Decimal(str(value))
    return str(value) if type_ == "VARCHAR" else value


def naive_utc(value: Any) -> dt.datetime:
    """A time in UTC without its zone: Iceberg's and DuckDB's TIMESTAMP carry none."""
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value.strip().removesuffix(" UTC"))
    elif not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    moment: dt.datetime = value
    return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment


def as_date(value: Any) -> Any:
    """A date, from a date or its ISO spelling."""
    return dt.date.fromisoformat(value) if isinstance(value, str) else value


def tuples(
    records: Iterable[Mapping[str, Any]],
    columns: Mapping[str, str],
    *,
    hashed: Callable[[str], str] | None = None,
    personal: Sequence[str] = (),
) -> Iterator[tuple[Any, ...]]:
    """One tuple a record, in the order of `columns` (source key to Trino type); keys that are absent are None.

    Args:
        hashed, personal: the columns named in `personal` hold `hashed(text)` in place of the text.
    """
    for record in records:
        values = (plain(record.get(key), type_) for key, type_ in columns.items())
        yield tuple(
            hashed(str(value)) if hashed and key in personal and value is not None else value
            for key, value in zip(columns, values, strict=True)
        )
