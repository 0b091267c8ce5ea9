"""A query step with samples: what an engine is asked, and where its answer stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.claims.runbook import parse
from dagster_playbook.claims.runbook_queries import FilledQuery, sample_query
from dagster_playbook.markdown.reader import read_page

HEAD = """---
title: Look
runbook:
  owner: data
  risk: low
  parameters:
    day: {type: date, example: 2026-01-01, help: The day.}
    count: {type: integer, example: 3, help: How many.}
    models: {type: "list[model]", example: [oso.a, oso.b], help: Some models.}
    table: {type: string, example: oso.projects_v1, help: A table.}
    none: {type: string, default: null, help: Nothing.}
---

"""


def filled(folder: Path, body: str) -> FilledQuery | None:
    """The only step of a runbook with samples."""
    (folder / "page.md").write_text(f'{HEAD}```sql {{#look query="trino"}}\n{body}\n```\n')
    runbook = parse(read_page(folder, "page.md"))
    return sample_query(runbook, runbook.steps[0])


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT a FROM t\nWHERE day = {{ day }}", "SELECT a FROM t\nWHERE day = '2026-01-01'"),
        ("SELECT a FROM t LIMIT {{ count }}", "SELECT a FROM t LIMIT 3"),
        ("SELECT a FROM t WHERE m IN ({{ models }})", "SELECT a FROM t WHERE m IN ('oso.a', 'oso.b')"),
        ("SELECT a FROM t WHERE m IN {{ models }}", "SELECT a FROM t WHERE m IN ('oso.a', 'oso.b')"),
        ("SELECT a FROM {{ table }} AS t", "SELECT a FROM oso.projects_v1 AS t"),
        ("SELECT a FROM t WHERE b = {{ none }}", "SELECT a FROM t WHERE b = null"),
        ("SELECT a FROM t WHERE n > {{ steps.one.rows }}", "SELECT a FROM t WHERE n > 1"),
        ("SELECT a FROM t WHERE n > {{ steps.one.total }}", "SELECT a FROM t WHERE n > null"),
        ("SELECT a FROM {{ steps.one.value }}", None),
        ("SELECT FROM WHERE {{ day }}", None),
    ],
)
def test_each_placeholder_becomes_what_a_run_would_bind(tmp_path: Path, body: str, text: str | None) -> None:
    """Text in quotes, items of an IN, a table's name, NULL for what is not known; nothing for a table not known."""
    found = filled(tmp_path, body)
    assert (found.text if found else None) == text


@pytest.mark.parametrize(
    ("place", "own"),
    [((1, 1), (1, 1)), ((1, 8), (1, 8)), ((1, 10), (1, 8)), ((1, 22), (1, 19)), ((1, 28), (1, 35)), ((2, 1), (2, 1))],
)
def test_a_place_in_the_samples_is_one_in_the_block(
    tmp_path: Path, place: tuple[int, int], own: tuple[int, int]
) -> None:
    """Columns before, in and behind a sample are those of the text as written, each line for itself."""
    found = filled(tmp_path, "SELECT {{ day }}, x, {{ count }}, y\nFROM t")
    assert found
    assert found.text == "SELECT '2026-01-01', x, 3, y\nFROM t"
    assert found.place(*place) == own
