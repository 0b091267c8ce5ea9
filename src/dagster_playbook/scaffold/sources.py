"""Where a new source's rows come from: each kind of source brought to one `SourceTable`, personal values masked."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dagster_playbook.errors import ScaffoldError
from dagster_playbook.location import lines_of
from dagster_playbook.scaffold.table import Column, SourceTable, table_of_records
from dagster_playbook.services.bigquery import BigQueryReader, FieldFact, TableReference, TableSample
from dagster_playbook.services.personal import Mask

Kind = Literal["rest", "sql", "files", "bigquery"]
MAX_SAMPLE_ROWS = 1000
#: cells that are looked at for one choice: a table of 10,000 columns is sampled by fewer rows
MAX_SAMPLE_CELLS = 400_000
FETCH_TIMEOUT_S = 30.0
MAX_BODY_BYTES = 64 << 20
_SUFFIXES = (".csv", ".jsonl", ".ndjson", ".json", ".parquet")
_SURPLUS = "\0surplus"


@dataclass(frozen=True, slots=True)
class Source:
    """A source as a person names it.

    Attributes:
        kind: rest, sql, files or bigquery.
        address: the endpoint's URL, the database's SQLAlchemy URL, a file or glob, or PROJECT.DATASET.TABLE.
        table: of a database; selector: JSON path of the records in a REST answer, "" when it is the list itself.
    """

    kind: Kind
    address: str
    table: str = ""
    selector: str = ""


def row_limit(columns: int, rows: int = MAX_SAMPLE_ROWS) -> int:
    """How many rows of so many columns are looked at: at least 20."""
    return max(20, min(rows, MAX_SAMPLE_CELLS // max(columns, 1)))


def table_of_sample(sample: TableSample) -> SourceTable:
    """A BigQuery sample as a source table; cells beyond the limit are left out and that is noted."""
    limit = row_limit(len(sample.fields))
    notes = (f"{limit} of {len(sample.rows)} sampled rows looked at",) if len(sample.rows) > limit else ()
    columns = tuple(_column(f) for f in sample.fields)
    return SourceTable(columns, sample.rows[:limit], f"bigquery:{sample.reference}", sample.total_rows, notes)


def _column(fact: FieldFact) -> Column:
    inner = tuple(_column(f) for f in fact.fields)
    return Column(fact.name, fact.type, fact.mode == "REPEATED", fact.mode == "REQUIRED", inner)


def read_source(
    source: Source, *, sample: Path | None = None, rows: int = MAX_SAMPLE_ROWS
) -> tuple[Source, SourceTable]:
    """Read up to `rows` rows of a source; the source comes back with what was found out about it (its selector).

    Args:
        sample: a recorded JSON answer, read in place of the REST endpoint.

    Raises:
        ScaffoldError: the source cannot be read or holds no table.
        PlatformError: BigQuery cannot be asked.
    """
    if source.kind == "bigquery":
        found = BigQueryReader().sample(TableReference.parse(source.address), rows=rows)
        return source, table_of_sample(found)
    if source.kind == "rest":
        text = _read_text(sample) if sample else _fetch(source.address)
        selector, records = records_in(_parsed(text, str(sample or source.address)), source.selector, source.address)
        return Source("rest", source.address, selector=selector), _table(records, source.address, rows)
    if source.kind == "sql":
        return source, _table(*_sql_records(source, rows), rows)
    selector, found_records = _file_records(source)
    return Source("files", source.address, selector=selector), _table(found_records, source.address, rows)


def read_materialised(root: Path, schema: str, table: str, *, rows: int = MAX_SAMPLE_ROWS) -> SourceTable:
    """Rows of a raw table that Dagster has loaded into the embedded warehouse (`OSO_WAREHOUSE_DATA`).

    Raises:
        ScaffoldError: there is no warehouse or no such table yet, or another process writes to it.
    """
    import duckdb

    folder = Path(os.environ.get("OSO_WAREHOUSE_DATA") or root / ".playbook" / "warehouse")
    origin, file = f"{schema}.{table}", folder / "iceberg.duckdb"
    cure = f"materialise it first: dagster asset materialize --select key:{schema}/{table} ..."
    if not file.is_file():
        raise ScaffoldError("was never materialised: there is no embedded warehouse yet", path=origin, cure=cure)
    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            relation = connection.table(f"{schema}.{table}")
            names, types = relation.columns, [str(type_) for type_ in relation.types]
            limit = row_limit(len(names), rows)
            found = connection.execute(f'SELECT * FROM "{schema}"."{table}" LIMIT {limit}').fetchall()  # noqa: S608
            count = connection.execute(f'SELECT COUNT(*) FROM "{schema}"."{table}"').fetchone()  # noqa: S608
    except duckdb.CatalogException as error:
        raise ScaffoldError("was never materialised", path=origin, cure=cure) from error
    except duckdb.Error as error:
        raise ScaffoldError(f"cannot be read: {str(error).splitlines()[0]}", path=origin) from error
    mask = Mask()
    shown = tuple(tuple(mask.cell(n, v) for n, v in zip(names, row, strict=True)) for row in found)
    columns = tuple(Column(n, t) for n, t in zip(names, types, strict=True))
    return SourceTable(columns, shown, origin, count[0] if count else -1)


def _table(records: Iterable[dict[str, Any]], origin: str, rows: int) -> SourceTable:
    mask, kept = Mask(), list(records)
    if not all(isinstance(record, dict) for record in kept):
        raise ScaffoldError(
            "not every record is an object", path=origin, cure="name the list of records with --selector"
        )
    width = max((len(record) for record in kept[:rows]), default=0)
    shown = [{key: mask.cell(key, value) for key, value in r.items()} for r in kept[: row_limit(width, rows)]]
    table = table_of_records(shown, origin=safe_address(origin), total_rows=len(kept))
    names = [column.name.lower() for column in table.columns]
    for name in names:
        if names.count(name) > 1 and len(names) < 2000:
            raise ScaffoldError(
                f"two columns are called {name!r} but for letter case, and SQL cannot tell them apart",
                path=table.origin,
                cure="rename one at the source, or leave one out of the sample",
            )
    return table


def safe_address(address: str) -> str:
    """An address without user, password and query, for people and files."""
    return re.sub(r"//[^/@]*@", "//", address).split("?")[0] if "://" in address else address


def records_in(document: Any, selector: str, origin: str) -> tuple[str, list[dict[str, Any]]]:
    """The records of a JSON answer: under `selector`, or the only list of objects that is found.

    Raises:
        ScaffoldError: there is no list of objects, or there are several.
    """
    if selector:
        for part in selector.split("."):
            document = document.get(part) if isinstance(document, dict) else None
        if not isinstance(document, list):
            raise ScaffoldError(f"there is no list at {selector!r}", path=safe_address(origin))
        return selector, document
    if isinstance(document, list):
        return "", document
    lists = dict(_lists(document, ""))
    if len(lists) != 1:
        found = ", ".join(lists) or "none"
        raise ScaffoldError(
            f"the answer has to hold one list of records, found: {found}",
            path=safe_address(origin),
            cure="name the list with --selector, e.g. --selector data.items",
        )
    return next(iter(lists.items()))


def _lists(document: Any, path: str) -> Iterable[tuple[str, list[dict[str, Any]]]]:
    if isinstance(document, dict):
        for key, value in document.items():
            place = f"{path}.{key}" if path else str(key)
            if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
                yield place, value
            elif isinstance(value, dict):
                yield from _lists(value, place)


def _fetch(url: str) -> str:
    """The text behind a URL; bounded in time and size."""
    import httpx

    if not url.startswith(("http://", "https://")):
        raise ScaffoldError(f"{url!r} is no http address", cure="write http://... or https://...")
    try:
        answer = httpx.get(url, timeout=FETCH_TIMEOUT_S, follow_redirects=True)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ScaffoldError(
            f"cannot be fetched: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
            path=safe_address(url),
            cure="give a recorded answer with --sample FILE",
        ) from error
    if len(answer.content) > MAX_BODY_BYTES:
        raise ScaffoldError(f"the answer is larger than {MAX_BODY_BYTES:,} bytes", path=safe_address(url))
    return answer.text


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ScaffoldError(f"cannot be read: {error}", path=str(path)) from error


def _parsed(text: str, origin: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ScaffoldError(f"is no JSON: {error}", path=safe_address(origin)) from error


def _sql_records(source: Source, rows: int) -> tuple[list[dict[str, Any]], str]:
    """Rows of a database table by SQLAlchemy, which dlt reads databases with as well."""
    import sqlalchemy as sa

    origin = f"{safe_address(source.address)}:{source.table}"
    try:
        engine = sa.create_engine(source.address)
        with engine.connect() as connection:
            table = sa.Table(source.table, sa.MetaData(), autoload_with=connection)
            found = connection.execute(sa.select(table).limit(rows)).mappings().all()
            return [dict(row) for row in found], origin
    except sa.exc.NoSuchTableError as error:
        raise ScaffoldError(f"the database has no table {source.table!r}", path=origin) from error
    except (sa.exc.SQLAlchemyError, ImportError, ValueError) as error:
        raise ScaffoldError(f"cannot be read: {str(error).splitlines()[0]}", path=origin) from error


def _file_records(source: Source) -> tuple[str, list[dict[str, Any]]]:
    """Rows of the files that a glob matches, in order of name; with where they stand in each JSON file."""
    address = source.address
    path = Path(address)
    files = sorted(path.parent.glob(path.name)) if "*" in path.name else [path]
    if not files or not all(file.is_file() for file in files):
        raise ScaffoldError("there is no such file", path=address)
    if len({file.suffix for file in files}) > 1 or files[0].suffix not in _SUFFIXES:
        raise ScaffoldError("files have to be of one kind", path=address, cure="known kinds: " + ", ".join(_SUFFIXES))
    if files[0].suffix != ".json":
        return "", [record for file in files for record in _records_of(file)]
    selector, records = source.selector, list[dict[str, Any]]()
    for file in files:
        selector, found = records_in(_parsed(_read_text(file), str(file)), selector, str(file))
        records.extend(found)
    return selector, records


def _records_of(file: Path) -> list[dict[str, Any]]:
    if file.suffix == ".parquet":
        from pyarrow import parquet  # type: ignore[import-untyped]

        rows: list[dict[str, Any]] = parquet.read_table(file).to_pylist()
        return rows
    text = _read_text(file)
    if file.suffix == ".csv":
        return [_typed(row, str(file)) for row in csv.DictReader(io.StringIO(text), restkey=_SURPLUS)]
    return [_parsed(line, str(file)) for line in lines_of(text) if line.strip()]


def _typed(row: dict[str, Any], origin: str) -> dict[str, Any]:
    """CSV has no types: whole numbers and decimals are told by their spelling, leading zeros stay text."""
    if _SURPLUS in row:
        raise ScaffoldError(f"a line has more cells than the header: {row[_SURPLUS]}", path=origin)
    return {key: _number(value) for key, value in row.items()}


def _number(text: str | None) -> Any:
    if not text:
        return None
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?(0|[1-9]\d*)\.\d+", text) else text
