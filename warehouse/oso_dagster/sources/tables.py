"""The shape of the raw tables, and how rows get into them on either gateway."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlmesh import EngineAdapter

# Without Pandas of their own, engines get rows as VALUES, and Trino takes statements of up to a million characters.
ROWS_PER_STATEMENT = 2000
Value = str | int | dt.datetime | dt.date | None
Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table that a source asset replaces as a whole.

    Attributes:
        schema, name: its place in the catalog, e.g. `pypi` and `releases`; also the key of its asset.
        columns: column name to Trino type, in order; the same as in `external_models.yaml`.
        rows: reads the source and yields one tuple a row.
        description: what one row is.
    """

    schema: str
    name: str
    columns: Mapping[str, str]
    rows: Callable[[], Iterator[Row]]
    description: str

    @property
    def qualified_name(self) -> str:
        """`schema.name`."""
        return f"{self.schema}.{self.name}"


def load(adapter: EngineAdapter, table: RawTable) -> int:
    """Replace a raw table's content with what its source says now, and return the number of rows.

    Raises:
        SourceError: the source could not be read; the table is as it was.
    """
    import pandas as pd  # type: ignore[import-untyped]
    from sqlglot import exp

    types = {name: exp.DataType.build(type_, dialect="trino") for name, type_ in table.columns.items()}
    frame = pd.DataFrame(list(table.rows()), columns=list(types), dtype=object)
    adapter.DEFAULT_BATCH_SIZE = ROWS_PER_STATEMENT
    adapter.create_schema(table.schema)
    if frame.empty:
        # SQLMesh makes no query of no rows
        adapter.create_table(table.qualified_name, types, exists=True)
        adapter.delete_from(table.qualified_name, exp.true())
        return 0
    adapter.replace_query(table.qualified_name, frame, target_columns_to_types=types)
    return len(frame)


class SourceError(Exception):
    """A source could not be read; the message says which, why and what to do."""
