"""Tables with one defect each, as a restatement might leave them: pairs of versions in two DuckDB files.

Each table has a key, a value of each kind, and a personal column. A defect changes the version after; what the diff has
to say of it stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_playbook.diff.model import Grain, TableDiff

#: rows of the tables that the defects are seeded in, from a few to some thousands
SIZES = tuple(11 + 157 * n for n in range(20))
ROWS = """
SELECT 'k' || lpad(i::varchar, 6, '0') AS id, i % 7 AS bucket, (i * 37) % 101 AS amount, i / 3.0 AS share,
       'name ' || (i * 13) % 29 AS label, DATE '2026-01-01' + (i % 300)::int AS day,
       'p' || i || '@mail.example.net' AS email
FROM range({rows}) AS t(i)
"""
SWAP = """
UPDATE {table} SET amount = CASE id WHEN 'k000001' THEN 74 ELSE 37 END WHERE id IN ('k000001', 'k000002')
"""
PLUS_ONE = "UPDATE {table} SET amount = amount + 1 WHERE substr(id, 2)::int % 1000 = 5"
EQUAL_MEAN = """
UPDATE {table} SET amount = amount + CASE id WHEN 'k000003' THEN 5 ELSE -5 END WHERE id IN ('k000003', 'k000004')
"""


@dataclass(frozen=True)
class Defect:
    """A change of the version after; `{table}` and `{rows}` stand for its name and its rows.

    Attributes:
        before: done to the version before as well, to prepare for it.
        grain: what the model says of it.
        says: words that have to be in what the diff says of the table.
    """

    name: str
    sql: str
    says: tuple[str, ...]
    before: str = ""
    grain: tuple[str, ...] = ("id",)


DEFECTS = (
    Defect("swapped", SWAP, ("changed=2", "amount=2", "k000001")),
    Defect("plus_one", PLUS_ONE, ("amount=", "k000005")),
    Defect("equal_mean", EQUAL_MEAN, ("changed=2", "amount=2", "k000003")),
    Defect("dropped_column", "ALTER TABLE {table} DROP label", ("gone=label", "k000000")),
    Defect("no_rows", "DELETE FROM {table}", ("removed={rows}", "k000000")),
    Defect("repeated_key", "INSERT INTO {table} SELECT * FROM {table} WHERE id = 'k000003'", ("not unique", "added=1")),
    Defect("unknown_grain", SWAP, ("removed=2", "added=2", "k000001"), grain=()),
    Defect("null_key", "UPDATE {table} SET share = 9 WHERE id IS NULL", ("changed=1", "share=1"),
           before="UPDATE {table} SET id = NULL WHERE id = 'k000002'"),
    Defect("lost_row", "DELETE FROM {table} WHERE id = 'k000004'", ("removed=1", "k000004")),
    Defect("retyped", "ALTER TABLE {table} ALTER amount TYPE varchar", ("retyped=amount",)),
)  # fmt: skip


def write(before: Path, after: Path, sizes: tuple[int, ...] = SIZES) -> dict[str, tuple[Defect, int]]:
    """Write both files; gives table name to its defect and its rows."""
    seeded = {f"oso.t{rows}_{defect.name}": (defect, rows) for rows in sizes for defect in DEFECTS}
    for path in (before, after):
        with duckdb.connect(str(path)) as connection:
            connection.execute("CREATE SCHEMA oso")
            for table, (defect, rows) in seeded.items():
                connection.execute(f"CREATE TABLE {table} AS {ROWS.format(rows=rows)}")
                for statement in (defect.before, defect.sql if path == after else ""):
                    if statement:
                        connection.execute(statement.format(table=table, rows=rows))
    return seeded


def grains(seeded: dict[str, tuple[Defect, int]]) -> dict[str, Grain]:
    """What the models say."""
    return {table: Grain(defect.grain, "grain") for table, (defect, _) in seeded.items() if defect.grain}


def said(table: TableDiff) -> str:
    """What a diff says of a table, in one text; only the values of keys and of whole rows count as an example."""
    columns = " ".join(f"{name}={count}" for name, count in table.columns.items())
    counts = f"added={table.added} removed={table.removed} changed={table.changed}"
    shape = f"gone={','.join(table.columns_removed)} retyped={','.join(table.retyped)}"
    rows = " ".join(str([*e.key.values(), *e.before.values(), *e.after.values()]) for e in table.examples)
    return f"{counts} {columns} {shape} {table.problem} {rows}"


def untold(table: TableDiff, defect: Defect, rows: int) -> list[str]:
    """What the diff should have said and did not; a type alone has no row to show."""
    missing = [word for text in defect.says if (word := text.format(rows=rows)) not in said(table)]
    if not table.examples and defect.name != "retyped":
        missing.append("an example")
    return missing
