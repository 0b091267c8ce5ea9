"""Measure tables at a commit: through Trino where a catalog shows that very version, else from the table's files."""

from __future__ import annotations

from typing import Any

from dagster_playbook.lake.iceberg_files import FilesGoneError, Lake, open_table
from dagster_playbook.services.nessie_model import Content, Reference
from dagster_playbook.services.trino_query import TrinoQuery
from dagster_playbook.stack.verification import ColumnMeasure, TableMeasure

_NUMBERS = ("tinyint", "smallint", "integer", "bigint", "real", "double", "decimal")
_ORDERED = (*_NUMBERS, "varchar", "char", "date", "time", "boolean", "uuid")


def measure(trino: TrinoQuery, catalog: str, content: Content) -> TableMeasure:
    """Rows, schema and aggregates of a table as a catalog shows it; every column of every file is read.

    Raises:
        TrinoError: a file cannot be read any more, or Trino cannot be reached.
    """
    source = ".".join(_quoted(part) for part in (catalog, *content.key))
    head = trino.query(f"SELECT * FROM {source} LIMIT 0")  # noqa: S608 - names are quoted
    types = dict(zip(head.columns, head.types, strict=True))
    terms = [term for name, type_ in types.items() for term in _terms(_quoted(name), type_)]
    (row,) = trino.query(f"SELECT count(*), {', '.join(terms)} FROM {source}").rows  # noqa: S608 - names are quoted
    return _table(content.name, content.snapshot_id or -1, types, row)


def measure_files(lake: Lake, at: Reference, content: Content) -> TableMeasure:
    """The same of a table at any commit, read from its files through DuckDB.

    Raises:
        FilesGoneError: the table or one of its files cannot be read there.
    """
    import duckdb

    files = open_table(lake, at.name, at.hash, content.key)
    try:
        with duckdb.connect() as connection:
            connection.register("files", files.batches)
            row = measured_by_duckdb(connection, "files", files.columns)
    except Exception as error:
        raise FilesGoneError(f"{content.name} cannot be read at {at.hash[:12]}: {error}") from error
    return _table(content.name, content.snapshot_id or -1, files.columns, row)


def measured_in_file(connection: Any, name: str, source: str) -> TableMeasure:
    """The same of a table of a DuckDB file that is open; `source` is what stands behind FROM."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608 - names are quoted
    types = {row[0]: str(row[1]).lower() for row in described}
    return _table(name, -1, types, measured_by_duckdb(connection, source, types))


def measured_by_duckdb(connection: Any, source: str, types: dict[str, str]) -> tuple[Any, ...]:
    """A row of count and five aggregates for each column."""
    terms = [
        term.replace("approx_distinct", "approx_count_distinct")
        for name, type_ in types.items()
        for term in _terms(_quoted(name), type_)
    ]
    row = connection.execute(f"SELECT count(*), {', '.join(terms)} FROM {source}").fetchone()  # noqa: S608 - quoted
    return tuple(row or (0,))


def _table(table: str, snapshot_id: int, types: dict[str, str], row: tuple[Any, ...]) -> TableMeasure:
    """A measurement from a row of count and five aggregates for each column."""
    rows, *values = row
    fives = [values[i : i + 5] for i in range(0, len(values), 5)]
    columns = {name: _column(type_, five) for (name, type_), five in zip(types.items(), fives, strict=True)}
    return TableMeasure(table, snapshot_id, int(rows), columns)


def _terms(name: str, type_: str) -> list[str]:
    """Five aggregates of a column; NULL where its type has none."""
    base = type_.partition("(")[0]
    ordered = base in _ORDERED or base.startswith("timestamp")
    distinct = f"approx_distinct({name})" if ordered else "0"
    low, high = (f"CAST({f}({name}) AS varchar)" if ordered else "NULL" for f in ("min", "max"))
    mean = f"avg(CAST({name} AS double))" if base in _NUMBERS else "NULL"
    return [f"count({name})", distinct, low, high, mean]


def _column(type_: str, values: list[Any]) -> ColumnMeasure:
    non_null, distinct, low, high, mean = values
    outside = type_.partition("(")[0]
    if outside in ("array", "map", "row"):
        type_ = outside
    return ColumnMeasure(type_, int(non_null), int(distinct), low, high, None if mean is None else float(mean))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
