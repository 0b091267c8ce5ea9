"""One read-only question to DuckDB, Trino or BigQuery, and its rows as plain data."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_playbook.errors import BusyError, PlatformError
from dagster_playbook.failure import busy
from dagster_playbook.settings import Settings, SqlmeshProject

#: rows that are kept of an answer; a runbook's expectation looks at counts and first rows
MAX_ROWS = 1000


class QueryRefusedError(PlatformError):
    """The engine was asked, and its answer is that it cannot: no such table, files that are gone, a timeout."""


@dataclass(frozen=True, slots=True)
class Rows:
    """An answer; `count` is of all rows, `rows` holds the first `MAX_ROWS`."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    count: int


def ask(engine: str, sql: str, settings: Settings, *, timeout_s: float = 0.0) -> Rows:
    """Run one SELECT that was checked to be one.

    Raises:
        QueryRefusedError: Trino or DuckDB refuses the query.
        BusyError: another process has the DuckDB file open for writing.
        PlatformError: the engine cannot be reached, BigQuery refuses the query, or the warehouse is none of these.
    """
    if engine == "warehouse":
        engine = warehouse_engine(settings)
    if engine == "trino":
        return _trino(sql, timeout_s)
    if engine == "bigquery":
        return _bigquery(sql, timeout_s)
    return _duckdb(sql, settings)


def warehouse_engine(settings: Settings) -> str:
    """The engine of the gateway that SQLMesh uses now: `duckdb` or `trino`.

    Raises:
        PlatformError: there is no SQLMesh project, or its gateway is on another engine.
    """
    if not settings.sqlmesh:
        raise PlatformError("no SQLMesh project, so no warehouse to ask", cure="set [[tool.playbook.sqlmesh]]")
    engine = str(_connection(settings.root, settings.sqlmesh[0]).type_)
    if engine not in ("duckdb", "trino"):
        cure = 'let the step name the engine that it asks, for example query="bigquery"'
        raise PlatformError(f"the SQLMesh gateway is on {engine}, which no query step can ask", cure=cure)
    return engine


def _trino(sql: str, timeout_s: float) -> Rows:
    from dagster_playbook.services.trino_query import QUERY_TIMEOUT_S, TrinoError, TrinoQuery

    host, port = os.environ.get("TRINO_HOST", ""), os.environ.get("TRINO_PORT", "8080")
    if not host:
        raise PlatformError("TRINO_HOST is not set", cure="start the stack: `playbook stack up`, then its variables")
    user = os.environ.get("TRINO_USER", "playbook")
    trino = TrinoQuery(host, int(port), user, query_timeout_s=timeout_s or QUERY_TIMEOUT_S)
    try:
        answer = trino.query(sql)
    except TrinoError as error:
        if error.name:
            raise QueryRefusedError(error.message) from error
        raise
    return Rows(answer.columns, answer.rows[:MAX_ROWS], len(answer.rows))


def _bigquery(sql: str, timeout_s: float) -> Rows:
    from dagster_playbook.services.bigquery import DEFAULT_TIMEOUT_S, BigQueryReader

    reader = BigQueryReader(timeout_s=timeout_s or DEFAULT_TIMEOUT_S)
    reader.dry_run(sql)
    with reader._asking("the query"):
        result = reader._query(sql).result(timeout=reader.timeout_s)
        columns = tuple(field.name for field in result.schema)
        rows = [tuple(row.values()) for row in result]
    return Rows(columns, tuple(rows[:MAX_ROWS]), len(rows))


def _duckdb(sql: str, settings: Settings) -> Rows:
    """The files of the SQLMesh project's DuckDB gateway, attached read-only under their catalogs' names."""
    import duckdb

    if not settings.sqlmesh:
        raise PlatformError("no SQLMesh project, so no DuckDB to ask", cure="set [[tool.playbook.sqlmesh]]")
    catalogs = duckdb_catalogs(settings.root, settings.sqlmesh[0])
    if not catalogs:
        raise PlatformError("the SQLMesh project's gateway is not on DuckDB files", path=settings.sqlmesh[0].path)
    try:
        with duckdb.connect(":memory:") as connection:
            for name, path in catalogs.items():
                connection.execute(f"ATTACH {_literal(str(path))} AS {_identifier(name)} (READ_ONLY)")
            connection.execute(f"USE {_identifier(next(iter(catalogs)))}")
            cursor = connection.execute(sql)
            rows = cursor.fetchall()
            columns = tuple(entry[0] for entry in cursor.description or ())
    except duckdb.IOException as error:
        if told := busy(str(error)):
            raise BusyError(told, cure="wait until that process has ended") from error
        missing = [path.name for path in catalogs.values() if not path.exists()]
        told = f"there is no {missing[0]}" if missing else str(error).splitlines()[0]
        cure = "run the models once first" if missing else "wait until the process that has the file open has ended"
        raise PlatformError(f"DuckDB cannot be asked: {told}", cure=cure) from error
    except duckdb.Error as error:
        raise QueryRefusedError(f"DuckDB refuses: {str(error).splitlines()[0]}") from error
    return Rows(columns, tuple(rows[:MAX_ROWS]), len(rows))


def duckdb_catalogs(root: Path, project: SqlmeshProject) -> dict[str, Path]:
    """Catalog name to file for the gateway that is used; empty when it is not on DuckDB files."""
    from sqlmesh.core.config import DuckDBConnectionConfig

    connection = _connection(root, project)
    if not isinstance(connection, DuckDBConnectionConfig):
        return {}
    named = dict(connection.catalogs or {})
    if connection.database and connection.database != ":memory:":
        named.setdefault(Path(str(connection.database)).stem, str(connection.database))
    paths = {name: Path(str(getattr(value, "path", value))) for name, value in named.items()}
    return {name: path for name, path in paths.items() if str(path) != ":memory:"}


def _connection(root: Path, project: SqlmeshProject) -> Any:
    """The connection of the gateway that is used."""
    from sqlmesh.core.config import Config
    from sqlmesh.core.config.loader import load_configs

    folder = root / project.path
    config = load_configs(None, Config, [folder], sqlmesh_path=folder / ".no-personal-settings")[folder]
    return config.get_connection(project.gateway or config.default_gateway_name)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _identifier(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
