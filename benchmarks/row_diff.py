"""What the row-level diff tells of 200 seeded defects, beside what thresholds on rows, nulls and means tell.

Beside it the cost: a table of so many rows compared, as a share of the time that it takes DuckDB to write it.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from dagster_playbook.diff.compare import Options, compare
from dagster_playbook.diff.duckdb_engine import duckdb_engine
from dagster_playbook.diff.model import Grain
from dagster_playbook.stack.measuring import measured_in_file
from dagster_playbook.stack.verification import TableMeasure, Thresholds, judge

PROJECT = Path(__file__).resolve().parents[1]
RESULT = PROJECT / "benchmarks" / "results" / "row_diff.json"
ROWS = 2_000_000


def main(say: Callable[[str], None]) -> bool:
    """Seed, compare, print and keep the numbers; whether every defect was told."""
    sys.path.insert(0, str(PROJECT / "tests" / "projects"))
    import seeded_defects

    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder) / "before.duckdb", Path(folder) / "after.duckdb"
        say("seeding 200 defects")
        seeded = seeded_defects.write(*paths)
        say("comparing")
        with duckdb_engine(*paths, "after") as engine:
            found = compare(engine, ("before", "after"), seeded_defects.grains(seeded), Options(), str)
        told = sum(not seeded_defects.untold(t, *seeded[t.name]) for t in found.tables)
        by_measure = len({c.table for c in judge(*(measures(path) for path in paths), Thresholds(), ())})
        cost = measured_cost(Path(folder), say)
    result = {"defects": len(seeded), "told": told, "told_by_measures": by_measure, **cost, "machine": machine()}
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(
        f"seeded defects told by the diff, with a row: {told} of {len(seeded)}; by thresholds on measures: {by_measure}"
    )
    print(f"{ROWS} rows: written in {cost['write_s']} s, compared in {cost['diff_s']} s, ratio {cost['ratio']}")
    return told == len(seeded)


def measures(path: Path) -> dict[str, TableMeasure]:
    """What `playbook verify` measures of each table."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        names = connection.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()
        return {name: measured_in_file(connection, name, name) for (name,) in names}


def measured_cost(folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds to write a table and to compare two versions of it, one value changed."""
    import duckdb

    spent = []
    for name, changed in (("old", -1), ("new", 77)):
        say(f"writing {ROWS} rows")
        start = time.perf_counter()
        with duckdb.connect(str(folder / f"{name}.duckdb")) as connection:
            connection.execute("CREATE SCHEMA oso")
            connection.execute(
                "CREATE TABLE oso.t AS SELECT i AS id, 'name ' || i % 1000 AS name, i % 977 + (i = ?)::int AS n, "
                "hash(i) AS h, TIMESTAMP '2026-01-01' + to_seconds(i) AS at FROM range(?) r(i)",
                [changed, ROWS],
            )
        spent.append(time.perf_counter() - start)
    say("comparing them")
    start = time.perf_counter()
    with duckdb_engine(folder / "old.duckdb", folder / "new.duckdb", "w") as engine:
        (table,) = compare(engine, ("old", "new"), {"oso.t": Grain(("id",), "grain")}, Options(), str).tables
    assert table.changed == 1
    took = time.perf_counter() - start
    ratio = round(took / min(spent), 2)
    return {"rows": ROWS, "write_s": round(min(spent), 2), "diff_s": round(took, 2), "ratio": ratio}
