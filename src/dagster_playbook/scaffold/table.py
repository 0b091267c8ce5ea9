"""A source table as plain values: what every loader, engine and file is brought to before rows are chosen from it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal

from dagster_playbook.errors import ScaffoldError

Family = Literal["text", "number", "boolean", "date", "timestamp", "time", "bytes", "list", "record", "unknown"]

#: columns that loaders add for themselves: dlt, Airbyte, Singer (Meltano/Stitch), Fivetran, Estuary, Hevo
BOOKKEEPING = re.compile(
    r"^(_dlt_|_airbyte_|_ab_|_sdc_|_fivetran_|_estuary_|__hevo_|_stitch_|_meltano_)", re.IGNORECASE
)

#: SQL type names (BigQuery, Trino, DuckDB, SQLite, Postgres) without their arguments
_FAMILIES: dict[str, Family] = {
    **dict.fromkeys(("STRING", "VARCHAR", "CHAR", "TEXT", "CHARACTER", "JSON", "UUID", "ENUM", "GEOGRAPHY"), "text"),
    **dict.fromkeys(("INT64", "INTEGER", "INT", "BIGINT", "SMALLINT", "TINYINT", "HUGEINT", "BYTEINT"), "number"),
    **dict.fromkeys(("NUMERIC", "BIGNUMERIC", "DECIMAL", "FLOAT", "FLOAT64", "DOUBLE", "REAL"), "number"),
    **dict.fromkeys(("BOOL", "BOOLEAN"), "boolean"),
    "DATE": "date",
    **dict.fromkeys(("TIMESTAMP", "DATETIME", "TIMESTAMPTZ"), "timestamp"),
    "TIME": "time",
    **dict.fromkeys(("BYTES", "VARBINARY", "BLOB", "BYTEA", "BINARY"), "bytes"),
    **dict.fromkeys(("ARRAY", "LIST"), "list"),
    **dict.fromkeys(("RECORD", "STRUCT", "ROW", "MAP"), "record"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column as its source names it; `type` is the source's own spelling, `fields` those of a record.

    A repeated column holds lists: its `type` is that of one item.
    """

    name: str
    type: str
    repeated: bool = False
    required: bool = False
    fields: tuple[Column, ...] = ()

    @property
    def family(self) -> Family:
        """What kind of value a cell holds."""
        if self.repeated or self.type.rstrip().endswith("[]"):
            return "list"
        word = re.match(r"\s*([A-Za-z][A-Za-z0-9]*)", self.type)
        return _FAMILIES.get(word.group(1).upper(), "unknown") if word else "unknown"

    @property
    def is_bookkeeping(self) -> bool:
        """Whether a loader added it for itself."""
        return BOOKKEEPING.match(self.name) is not None


@dataclass(frozen=True, slots=True)
class SourceTable:
    """Columns and sampled rows; `rows` are tuples in the order of `columns`, `total_rows` -1 when nobody counted.

    Attributes:
        origin: where the rows come from, for people, e.g. `bigquery:project.dataset.table`.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    origin: str = ""
    total_rows: int = -1
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows, 1):
            if len(row) != len(self.columns):
                raise ScaffoldError(
                    f"row {number} has {len(row)} cells and the table {len(self.columns)} columns", path=self.origin
                )

    def without_bookkeeping(self) -> SourceTable:
        """The same table without the columns that a loader added for itself."""
        kept = [i for i, column in enumerate(self.columns) if not column.is_bookkeeping]
        if len(kept) == len(self.columns):
            return self
        return SourceTable(
            tuple(self.columns[i] for i in kept),
            tuple(tuple(row[i] for i in kept) for row in self.rows),
            self.origin,
            self.total_rows,
            self.notes,
        )


def table_of_records(records: list[dict[str, Any]], *, origin: str = "", total_rows: int = -1) -> SourceTable:
    """A table from JSON objects: columns in order of first appearance, types from all rows, absent keys as nulls."""
    names = list(dict.fromkeys(name for record in records for name in record))
    columns = tuple(infer_column(name, [record.get(name) for record in records]) for name in names)
    rows = tuple(tuple(record.get(name) for name in names) for record in records)
    return SourceTable(columns, rows, origin, total_rows)


def infer_column(name: str, values: list[Any]) -> Column:
    """The narrowest column that holds all the values; one without any value is a VARCHAR."""
    present = [value for value in values if value is not None]
    required = len(present) == len(values) and bool(values)
    if present and all(isinstance(value, list) for value in present):
        inner = infer_column(name, [item for value in present for item in value])
        nested = "ARRAY" if inner.repeated else inner.type
        return Column(name, nested, repeated=True, fields=(inner,) if inner.repeated else inner.fields)
    if present and all(isinstance(value, dict) for value in present):
        keys = list(dict.fromkeys(key for value in present for key in value))
        fields = tuple(infer_column(key, [value.get(key) for value in present]) for key in keys)
        return Column(name, "ROW", required=required, fields=fields)
    return Column(name, _scalar_type(present), required=required)


def _scalar_type(values: list[Any]) -> str:
    kinds = {_kind_of(value) for value in values}
    if not kinds or "VARCHAR" in kinds:
        return "VARCHAR"
    if len(kinds) == 1:
        return kinds.pop()
    if kinds <= {"BIGINT", "DOUBLE", "DECIMAL(38, 9)"}:
        return "DECIMAL(38, 9)" if "DECIMAL(38, 9)" in kinds and "DOUBLE" not in kinds else "DOUBLE"
    if kinds <= {"DATE", "TIMESTAMP"}:
        return "TIMESTAMP"
    return "VARCHAR"


def _kind_of(value: Any) -> str:  # noqa: PLR0911 - a table of types, read top down
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, int):
        return "BIGINT" if -(2**63) <= value < 2**63 else "DECIMAL(38, 9)"
    if isinstance(value, float):
        return "DOUBLE"
    if isinstance(value, Decimal):
        return "DECIMAL(38, 9)"
    if isinstance(value, datetime):
        return "TIMESTAMP"
    if isinstance(value, date):
        return "DATE"
    if isinstance(value, time):
        return "TIME"
    if isinstance(value, bytes | bytearray):
        return "VARBINARY"
    if isinstance(value, str):
        return _kind_of_text(value)
    return "VARCHAR"


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}$")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$")


def _kind_of_text(text: str) -> str:
    """JSON has no dates: a text that is wholly an ISO date or time counts as one."""
    if _DATE.match(text):
        return "DATE"
    return "TIMESTAMP" if _TIMESTAMP.match(text) else "VARCHAR"


def is_date_text(text: str) -> bool:
    """Whether a text is wholly an ISO date."""
    return _DATE.match(text) is not None


def is_timestamp_text(text: str) -> bool:
    """Whether a text is wholly an ISO date and time."""
    return _TIMESTAMP.match(text) is not None


def is_nan(value: Any) -> bool:
    """Whether a float or Decimal is not a number."""
    return isinstance(value, float | Decimal) and math.isnan(value)
