"""What SQLMesh recorded and wrote, read from its DuckDB files behind its back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

Interval = tuple[int, int]


def evaluations(state: Path, since: int = 0) -> dict[str, list[Interval]]:
    """Model to the intervals that were recorded after the first `since` records, one entry an evaluation.

    Epoch milliseconds, end exclusive; names as written, `oso.m0`.
    """
    sql = (
        "SELECT name, start_ts, end_ts FROM state.sqlmesh._intervals WHERE NOT is_removed "
        f"ORDER BY created_ts, id LIMIT 1000000 OFFSET {since}"
    )
    found: dict[str, list[Interval]] = {}
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{state}' AS state (READ_ONLY)")
        for name, start, end in connection.execute(sql).fetchall():
            found.setdefault(name.replace('"', "").removeprefix("iceberg."), []).append((start, end))
    return found


def rows(warehouse: Path, tables: Iterable[str]) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of some tables of the schema `oso`, sorted."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{warehouse}' AS iceberg (READ_ONLY)")
        return {t: connection.execute(f"SELECT day, n FROM iceberg.oso.{t} ORDER BY ALL").fetchall() for t in tables}
