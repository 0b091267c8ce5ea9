# ruff: noqa: S608 - every name in a statement is quoted
"""Two DuckDB files with the same tables.

A view names its catalog, so each file is opened once by itself under that name: there its views read their own tables.
A third connection sees the tables of both; a view comes to it as a copy of its rows.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dagster_playbook.diff.compare import Version
from dagster_playbook.diff.statements import quoted
from dagster_playbook.errors import BusyError, PlatformError
from dagster_playbook.failure import busy
from dagster_playbook.settings import Settings

_SIDES = ("before", "after")
_TABLES = (
    "SELECT schema_name || '.' || table_name, FALSE FROM duckdb_tables() WHERE database_name = ? UNION ALL "
    "SELECT schema_name || '.' || view_name, TRUE FROM duckdb_views() WHERE database_name = ? AND NOT internal"
)


@contextlib.contextmanager
def duckdb_engine(before: Path, after: Path, catalog: str) -> Iterator[DuckdbEngine]:
    """Both files opened for reading, under the catalog's name that their views use.

    Raises:
        BusyError: another process has one open for writing.
        PlatformError: a file is not there, or is no DuckDB file.
    """
    with contextlib.ExitStack() as stack:
        sides = [File(stack.enter_context(attached({catalog: path})), catalog) for path in (before, after)]
        both = stack.enter_context(attached(dict(zip(_SIDES, (before, after), strict=True))))
        yield DuckdbEngine(sides[0], sides[1], both)


def table_checksums(path: Path, catalog: str) -> dict[str, str]:
    """A checksum of every table of a file by its dotted name; views are left out: they follow from the tables.

    Raises:
        PlatformError: as for `duckdb_engine`.
    """
    with attached({catalog: path}) as connection:
        file = File(connection, catalog)
        read = {name: file.version(name) for name, is_view in file.tables.items() if not is_view}
        return {name: f"{version.rows}:{version.checksum}" for name, version in read.items()}


def catalog_of(settings: Settings) -> str:
    """The catalog that views of the project's DuckDB warehouse name, `warehouse` when it is on none."""
    from dagster_playbook.services.query import duckdb_catalogs

    named = duckdb_catalogs(settings.root, settings.sqlmesh[0]) if settings.sqlmesh else {}
    return next(iter(named), "warehouse")


@contextlib.contextmanager
def attached(files: Mapping[str, Path]) -> Iterator[Any]:
    """A connection that reads files under the names of catalogs, and puts what does not fit into memory aside.

    Raises:
        BusyError: another process has one open for writing.
        PlatformError: a file is not there, or is no DuckDB file.
    """
    import duckdb

    with (
        tempfile.TemporaryDirectory(prefix="playbook-diff-") as spill,
        contextlib.closing(duckdb.connect(":memory:")) as connection,
    ):
        connection.execute(f"SET temp_directory = '{spill}'")
        for name, path in files.items():
            if not path.is_file():
                raise PlatformError("there is no such DuckDB file", path=str(path), cure="run the models once first")
            literal = str(path).replace("'", "''")
            try:
                connection.execute(f"ATTACH '{literal}' AS {quoted(name)} (READ_ONLY)")
            except duckdb.Error as error:
                if told := busy(str(error)):
                    raise BusyError(told, cure="wait until that process has ended", path=str(path)) from error
                told = str(error).splitlines()[0]
                raise PlatformError(f"DuckDB cannot open it: {told}", path=str(path)) from error
        yield connection


class File:
    """One file under the name of its catalog; `tables` says of each dotted name whether it is a view."""

    def __init__(self, connection: Any, catalog: str) -> None:
        self.connection, self._catalog = connection, catalog
        self.tables: dict[str, bool] = dict(_asked(connection, _TABLES, [catalog, catalog]))

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement.

        Raises:
            PlatformError: DuckDB refuses it.
        """
        return _asked(self.connection, sql)

    def path(self, name: str) -> str:
        """A table as SQL names it."""
        schema, table = name.split(".", 1)
        return f"{quoted(self._catalog)}.{quoted(schema)}.{quoted(table)}"

    def rows(self, name: str) -> int:
        """How many rows a table has."""
        return int(_asked(self.connection, f"SELECT count(*) FROM {self.path(name)}")[0][0])

    def version(self, name: str) -> Version:
        """Columns, rows and a checksum, which adds up hashes of rows so that repeated rows count."""
        path = self.path(name)
        columns = {row[0]: row[1] for row in _asked(self.connection, f"DESCRIBE SELECT * FROM {path}")}
        # by name, so that the order of the columns does not count
        checksum_of_all = _checksum([quoted(column) for column in sorted(columns)])
        counted = f"SELECT count(*), {checksum_of_all} FROM {path}"
        rows, checksum = _asked(self.connection, counted)[0]
        return Version(columns, int(rows), str(checksum))


class DuckdbEngine:
    """Both versions; made by `duckdb_engine`."""

    def __init__(self, before: File, after: File, both: Any) -> None:
        self._files, self._both = (before, after), both

    def tables(self) -> tuple[Collection[str], Collection[str]]:
        """Tables and views of every schema."""
        return self._files[0].tables, self._files[1].tables

    def is_same(self, name: str) -> bool:
        """Nothing is known of a table before it is read."""
        return False

    def versions(self, name: str) -> tuple[Version, Version]:
        """Each version as its own file shows it."""
        return self._files[0].version(name), self._files[1].version(name)

    def rows(self, name: str, is_after: bool) -> int:
        """How many rows one version has."""
        return self._files[is_after].rows(name)

    def sources(self, name: str) -> tuple[str, str]:
        """The tables themselves, or copies of the rows of views."""
        return self._source(name, 0), self._source(name, 1)

    def ask(self, sql: str) -> Sequence[Sequence[Any]]:
        """The rows of a query over both."""
        return _asked(self._both, sql)

    def hash_of(self, columns: Sequence[str]) -> str:
        """DuckDB's own hash."""
        return f"hash({', '.join(columns)})"

    def checksum_of(self, columns: Sequence[str]) -> str:
        """The sum of the hashes of rows."""
        return _checksum(columns)

    def _source(self, name: str, side: int) -> str:
        file = self._files[side]
        if not file.tables[name]:
            schema, table = name.split(".", 1)
            return f"{_SIDES[side]}.{quoted(schema)}.{quoted(table)}"
        copy = quoted(f"{_SIDES[side]} {name}")
        self._both.register("arriving", file.connection.execute(f"SELECT * FROM {file.path(name)}").to_arrow_reader())
        self._both.execute(f"CREATE OR REPLACE TEMP TABLE {copy} AS SELECT * FROM arriving")
        self._both.unregister("arriving")
        return copy


def _checksum(columns: Sequence[str]) -> str:
    return f"coalesce(sum(hash({', '.join(columns)})), 0)::varchar"


def _asked(connection: Any, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    import duckdb

    try:
        rows: list[tuple[Any, ...]] = connection.execute(sql, parameters or None).fetchall()
    except duckdb.Error as error:
        raise PlatformError(f"DuckDB refuses: {str(error).splitlines()[0]}") from error
    return rows
