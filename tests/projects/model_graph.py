"""SQLMesh models as a graph: every kind that restatement treats in its own way, each made from the ones above it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SPAN = "start '2026-01-01', end '2026-10-31'"
KINDS = {
    "full": "kind FULL",
    "view": "kind VIEW",
    "range": "kind INCREMENTAL_BY_TIME_RANGE (time_column day)",
    "batched": "kind INCREMENTAL_BY_TIME_RANGE (time_column day, batch_size 120)",
    "monthly": "kind INCREMENTAL_BY_TIME_RANGE (time_column day), cron '@monthly'",
    "key": "kind INCREMENTAL_BY_UNIQUE_KEY (unique_key day)",
    "locked": "kind INCREMENTAL_BY_UNIQUE_KEY (unique_key day, disable_restatement true)",
}


@dataclass(frozen=True)
class Node:
    """A model: its kind and the numbers of the models that it reads."""

    kind: str
    parents: tuple[int, ...]


#: 20 models, every kind that restatement treats in its own way, in five layers
GRAPH = [
    Node("batched", ()), Node("range", ()), Node("full", ()),
    Node("full", (0,)), Node("view", (0,)), Node("key", (0,)), Node("range", (0, 1)), Node("monthly", (0,)),
    Node("full", (3, 4)), Node("range", (5,)), Node("view", (6,)), Node("key", (6, 7)), Node("full", (2, 0)),
    Node("full", (8, 9)), Node("batched", (10,)), Node("view", (11, 12)), Node("full", (12,)),
    Node("full", (13, 14)), Node("key", (15, 16)), Node("view", (17, 18)),
]  # fmt: skip


def write_models(folder: Path, nodes: list[Node]) -> None:
    """Models m0, m1, ... in DuckDB's SQL with a row a day; a model without parents makes its own days.

    All end on a day that has passed: what is evaluated is the same on every day, also for a test that runs at midnight.
    """
    folder.mkdir(parents=True)
    for number, node in enumerate(nodes):
        window = "WHERE day BETWEEN @start_date AND @end_date" if node.kind in ("range", "batched", "monthly") else ""
        if node.parents:
            unions = " UNION ALL ".join(f"SELECT day, n FROM oso.m{parent}" for parent in node.parents)
            query = f"SELECT day::DATE AS day, (SUM(n) + {number})::INT AS n FROM ({unions}) AS t {window} GROUP BY day"
        else:
            days = "generate_series(TIMESTAMP '2026-01-01', TIMESTAMP '2026-10-31', INTERVAL 1 DAY)"
            query = f"SELECT day::DATE AS day, {number}::INT AS n FROM {days} AS t(day) {window}"
        head = f"MODEL (name oso.m{number}, dialect duckdb, {SPAN}, {KINDS[node.kind]});"
        (folder / f"m{number}.sql").write_text(f"{head}\n{query};\n")
