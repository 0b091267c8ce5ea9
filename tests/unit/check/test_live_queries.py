"""Which statements of a SQL block a running Trino is asked about, and where each stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.check.live_queries import place_in, queries_of
from dagster_playbook.claims.extract import claims_of
from dagster_playbook.claims.model import Claim
from dagster_playbook.markdown.reader import read_page


def claim(folder: Path, body: str, language: str = "sql") -> Claim:
    """The claim of a page's only block, whose first line is line 3 of the page."""
    (folder / "page.md").write_text(f"# Page\n```{language}\n{body}\n```\n")
    return next(iter(claims_of(read_page(folder, "page.md"))))


@pytest.mark.parametrize(
    ("body", "statements"),
    [
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;", ["SELECT 1"]),
        ("SELECT ';'; SELECT 2 -- no; end\n;\n-- only a comment", ["SELECT ';'", "SELECT 2"]),
        ("EXPLAIN ANALYZE DELETE FROM t", []),
        ("/* asks */ EXPLAIN ANALYZE DELETE FROM t", []),
        ("-- asks\nexplain analyze DELETE FROM t", []),
        ("SELECT * FROM <table>", []),
        ("SELECT * FROM {{ table }}", []),
        ("SELECT ... FROM t", []),
        ("SELECT @start_ds", []),
        ("SELECT 'open", []),
    ],
)
def test_statements_end_at_semicolons_that_count(tmp_path: Path, body: str, statements: list[str]) -> None:
    """Statements end at semicolons outside of texts and comments; what has blanks or explains itself is not asked."""
    assert [query.text.strip() for query in queries_of(claim(tmp_path, body))] == statements


@pytest.mark.parametrize("language", ["duckdb", "bigquery"])
def test_other_dialects_are_not_trinos(tmp_path: Path, language: str) -> None:
    """A block that says another dialect is not put to Trino."""
    assert list(queries_of(claim(tmp_path, "SELECT 1", language))) == []


@pytest.mark.parametrize(
    ("number", "line", "column", "place"),
    [(0, 1, 8, (3, 8)), (1, 1, 8, (3, 18)), (1, 2, 3, (4, 3)), (0, 0, 0, (3, 1)), (1, 0, 0, (3, 11))],
)
def test_a_place_in_a_statement_is_one_on_the_page(
    tmp_path: Path, number: int, line: int, column: int, place: tuple[int, int]
) -> None:
    """Trino's line and column in a statement become those of the page; without any it is the first word."""
    block = claim(tmp_path, "SELECT a; SELECT b,\n  c")
    query = list(queries_of(block))[number]
    found = place_in(block, query, line, column)
    assert (found.line, found.column) == place


def test_tables_are_named_without_common_table_expressions(tmp_path: Path) -> None:
    """The tables of a statement are those that it reads from outside."""
    (query,) = queries_of(claim(tmp_path, "WITH x AS (SELECT 1 FROM a.b.c) SELECT * FROM x JOIN oso.d ON true"))
    assert query.tables == {"a.b.c", "oso.d"}
