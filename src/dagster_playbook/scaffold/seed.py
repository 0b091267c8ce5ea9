"""A seed of chosen rows, its staging model with audits, and the unit test that holds the model to them."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from dagster_playbook.errors import ScaffoldError
from dagster_playbook.scaffold.cells import plain
from dagster_playbook.scaffold.files import Change, change
from dagster_playbook.scaffold.layout import Layout, TableName, columns_of, quoted
from dagster_playbook.scaffold.row_choice import Choice
from dagster_playbook.scaffold.table import is_date_text, is_timestamp_text
from dagster_playbook.scaffold.yaml_text import yaml_text

#: how a null stands in a seed file: an empty cell is an empty text, and pandas would take "NA" or "null" for none
NULL = r"\N"
#: dates further ahead than this are sentinels ("9999-12-31") and stay as they are
SENTINEL_AHEAD = timedelta(days=366)
TEST_ROWS = 5


def new_seed(
    layout: Layout, name: TableName, choice: Choice, *, now: datetime, key: str = "", category: str = ""
) -> list[Change]:
    """The files of a new seed and staging model, none of them written.

    Args:
        now: aware; the newest date of the seed becomes this day, the others keep their distance.
        key: the column (or columns, comma-separated) that tells rows apart; found in the rows when "".
        category: of the tag `entity_category=...`, none when "".

    Raises:
        ScaffoldError: names clash, or a value does not fit its column.
    """
    columns = columns_of(choice.table)
    rows = seed_rows(choice, columns, now)
    sqlmesh = layout.sqlmesh
    stem = f"seed_{name.joined}"
    changes = [
        change(layout.root, f"{sqlmesh}/seeds/{stem}.csv", seed_csv(columns, rows)),
        change(layout.root, f"{sqlmesh}/models/seeds/{stem}.sql", seed_model(layout, name, columns, len(rows))),
        change(
            layout.root,
            f"{sqlmesh}/models/staging/stg_{name.joined}.sql",
            staging_model(layout, name, columns, audits(columns, rows, key), category),
        ),
        change(layout.root, f"{sqlmesh}/tests/test_stg_{name.joined}.yaml", unit_test(layout, name, columns, rows)),
        _external(layout, name, columns),
    ]
    required = _required(layout, name)
    return [*changes, required] if required else changes


def seed_rows(choice: Choice, columns: dict[str, str], now: datetime) -> list[tuple[Any, ...]]:
    """The chosen rows as plain values, dates moved to now.

    Raises:
        ScaffoldError: a value does not fit the type of its column.
    """
    rows: list[tuple[Any, ...]] = []
    for chosen in choice.rows:
        try:
            rows.append(tuple(plain(v, t) for v, t in zip(chosen.values, columns.values(), strict=True)))
        except (ValueError, ArithmeticError) as error:
            raise ScaffoldError(f"row {chosen.index + 1} of the sample: {error}", path=choice.table.origin) from error
    return moved_to_now(rows, now)


def moved_to_now(rows: list[tuple[Any, ...]], now: datetime) -> list[tuple[Any, ...]]:
    """All dates and times moved by one number of whole days, so that the newest is of today or yesterday."""
    moment = now.replace(tzinfo=None)
    found = [_moment(v) for row in rows for v in row if isinstance(v, date) and _moment(v) <= moment + SENTINEL_AHEAD]
    if not found:
        return rows
    days = timedelta(days=(moment - max(found)).days)
    return [tuple(_moved(value, days, moment) for value in row) for row in rows]


def _moment(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)


def _moved(value: Any, days: timedelta, now: datetime) -> Any:
    if not isinstance(value, date) or _moment(value) > now + SENTINEL_AHEAD:
        return value
    try:
        return value + days
    except OverflowError:
        return value


def cell_text(value: Any) -> str:
    """A value as a cell of a seed file."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)


def seed_csv(columns: dict[str, str], rows: list[tuple[Any, ...]]) -> str:
    """The seed file: a header and the rows, quoted where needed, lines ended by a line feed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell_text(value) for value in row] for row in rows)
    return out.getvalue()


def seed_model(layout: Layout, name: TableName, columns: dict[str, str], rows: int) -> str:
    """The SEED model over the file, with every column typed."""
    return f"""MODEL (
  name {layout.schema}.seed_{name.joined},
  kind SEED (
    path '../../seeds/seed_{name.joined}.csv',
    csv_settings (
      keep_default_na = false,
      na_values = ['{NULL}']
    )
  ),
  description 'Sample of {name.raw}, to work on models without loading the source.',
  columns (
{_typed(columns, "    ")}
  ),
  audits (
    number_of_rows(threshold := {rows - 1})
  )
);
"""


def _typed(columns: dict[str, str], indent: str) -> str:
    return ",\n".join(f"{indent}{quoted(column)} {type_}" for column, type_ in columns.items())


def audits(columns: dict[str, str], rows: list[tuple[Any, ...]], key: str = "") -> list[str]:
    """The audits that the rows bear out: keys unique and not null; a table without a key has rows at all.

    Raises:
        ScaffoldError: the key that was asked for names no column, or is null or not unique in the rows.
    """
    keys = [part.strip().lower() for part in key.split(",")] if key else _key(columns, rows)
    if not keys:
        return ["number_of_rows(threshold := 0)"]
    places = {column: i for i, column in enumerate(columns)}
    unknown = [part for part in keys if part not in places]
    if unknown:
        raise ScaffoldError(f"there is no column {unknown[0]!r} to be a key", cure="columns: " + ", ".join(columns))
    values = [tuple(row[places[part]] for part in keys) for row in rows]
    if any(None in value for value in values) or len(set(values)) < len(values):
        raise ScaffoldError(f"{', '.join(keys)} is null or stands twice in the chosen rows, so it is no key")
    names = ", ".join(quoted(part) for part in keys)
    unique = "unique_values" if len(keys) == 1 else "unique_combination_of_columns"
    return [f"not_null(columns := ({names}))", f"{unique}(columns := ({names}))"]


def _key(columns: dict[str, str], rows: list[tuple[Any, ...]]) -> list[str]:
    """The first column that is called like a key and is one in the rows."""
    for i, (column, type_) in enumerate(columns.items()):
        values = [row[i] for row in rows]
        called = column in ("id", "key", "sha", "uuid", "slug") or column.endswith(("_id", "_key", "_uuid"))
        if called and type_ in ("BIGINT", "VARCHAR") and None not in values and len(set(values)) == len(values):
            return [column]
    return []


def staging_model(
    layout: Layout, name: TableName, columns: dict[str, str], audit_list: list[str], category: str = ""
) -> str:
    """The staging model: every column of the source under its own name with its type, nothing else."""
    tags = f'\n  tags ("entity_category={category}"),' if category else ""
    listed = ",\n".join(f"    {audit}" for audit in audit_list)
    projections = ",\n".join(f"  {quoted(column)}::{type_} AS {quoted(column)}" for column, type_ in columns.items())
    head = f"""MODEL (
  name {layout.schema}.stg_{name.joined},
  description 'The records of {name.raw}, typed and under the names of the source.',
  dialect trino,
  kind FULL,{tags}
  audits (
{listed}
  )
);

"""
    return f"{head}SELECT\n{projections}\nFROM {_from(layout, name)}\n"


def _from(layout: Layout, name: TableName) -> str:
    """The project's own switch between raw tables and seeds, where it has one."""
    macros = layout.root / layout.sqlmesh / "macros"
    switch = any("def oso_source" in file.read_text(encoding="utf-8") for file in macros.glob("*.py"))
    return f"@oso_source('{name.raw}')" if switch else f"{layout.schema}.seed_{name.joined}"


def unit_test(layout: Layout, name: TableName, columns: dict[str, str], rows: list[tuple[Any, ...]]) -> str:
    """A SQLMesh unit test: the first rows go in as raw rows and come out typed, column for column."""
    shown = [dict(zip(columns, (_yaml_cell(value) for value in row), strict=True)) for row in rows[:TEST_ROWS]]
    source = name.raw if "@oso_source" in _from(layout, name) else f"{layout.schema}.seed_{name.joined}"
    test = {
        "description": "Every record is kept, typed and under the names of the source.",
        "model": f"{layout.schema}.stg_{name.joined}",
        "inputs": {source: {"columns": dict(columns), "rows": shown}},
        "outputs": {"query": {"rows": [dict(row) for row in shown]}},
    }
    return yaml_text({f"test_stg_{name.joined}": test})


def _yaml_cell(value: Any) -> Any:
    if isinstance(value, datetime | Decimal):
        return cell_text(value)
    return value.isoformat() if isinstance(value, date) else value


def _external(layout: Layout, name: TableName, columns: dict[str, str]) -> Change:
    """`external_models.yaml` with the raw table appended, unless it is there."""
    path = f"{layout.sqlmesh}/external_models.yaml"
    before = change(layout.root, path, "").before or ""
    if f"name: {name.raw}\n" in before:
        return change(layout.root, path, before, is_edit=True)
    entry = {"name": name.raw, "description": f"Loaded by the source asset {name.raw}.", "columns": dict(columns)}
    text = yaml_text([entry])
    joint = "" if not before or before.endswith("\n") else "\n"
    return change(layout.root, path, before + joint + text, is_edit=True)


def _required(layout: Layout, name: TableName) -> Change | None:
    """`macros/sources.py` with the raw table among RAW_TABLES, where the project keeps that list."""
    path = f"{layout.sqlmesh}/macros/sources.py"
    before = change(layout.root, path, "").before
    opening = "RAW_TABLES = (\n"
    if before is None or opening not in before or f'"{name.raw}"' in before:
        return None
    end = before.index(")", before.index(opening) + len(opening))
    return change(layout.root, path, f'{before[:end]}    "{name.raw}",\n{before[end:]}', is_edit=True)


def refreshed(header: tuple[str, ...], rows: tuple[tuple[str, ...], ...], now: datetime) -> str:
    """The text of a seed file with its dates moved to now; everything else stays as it is."""
    typed = [tuple(_dated(cell) for cell in row) for row in rows]
    return seed_csv(dict.fromkeys(header, ""), moved_to_now(typed, now))


def _dated(cell: str) -> Any:
    """A cell as a date or time when it is wholly one."""
    try:
        return (
            plain(cell, "DATE") if is_date_text(cell) else plain(cell, "TIMESTAMP") if is_timestamp_text(cell) else cell
        )
    except ValueError:
        return cell
