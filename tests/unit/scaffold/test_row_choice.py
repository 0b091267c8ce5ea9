"""The chosen rows show the most cases that 5 to 10 rows can show."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_playbook.errors import ScaffoldError
from dagster_playbook.scaffold.cases import cases_of
from dagster_playbook.scaffold.cover import best_cover, coverage_of
from dagster_playbook.scaffold.row_choice import choose_rows
from dagster_playbook.scaffold.table import Column, SourceTable, table_of_records


def _kinds(records: list[dict[str, object]]) -> set[str]:
    choice = choose_rows(table_of_records(records), min_rows=1)
    return {str(case) for case in choice.covered}


@st.composite
def _masks(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    rows = draw(st.integers(1, 9))
    single = st.integers(0, 2**14 - 1)
    double = st.integers(0, 2**4 - 1).map(lambda bits: bits << 14)
    masks = draw(st.lists(single, min_size=rows, max_size=rows))
    doubles = draw(st.lists(double, min_size=rows, max_size=rows))
    return tuple(masks), tuple(doubles), draw(st.integers(1, 5))


@settings(max_examples=300, deadline=None)
@given(_masks())
def test_equals_brute_force_on_small_tables(problem: tuple[tuple[int, ...], tuple[int, ...], int]) -> None:
    """On small tables no other choice of as many rows shows more cases."""
    masks, doubles, limit = problem

    def score(rows: tuple[int, ...]) -> int:
        once, twice = coverage_of(rows, masks, doubles)
        return once.bit_count() + twice.bit_count()

    cover = best_cover(masks, doubles, limit)
    best = max(score(rows) for rows in itertools.combinations(range(len(masks)), min(limit, len(masks))))
    assert (score(cover.rows), cover.covered, cover.is_optimal) == (best, best, True)


_cell = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from(["", "a", "é", "a,b", "😀"]), st.booleans())


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(_cell, _cell, _cell), min_size=1, max_size=9), st.integers(1, 4))
def test_choice_equals_brute_force_on_small_tables(rows: list[tuple[object, ...]], limit: int) -> None:
    """The rows chosen from a small table show as many of its cases as any rows can."""
    table = SourceTable(tuple(Column(name, "VARCHAR") for name in "abc"), tuple(rows))
    coverage = cases_of(table)
    choice = choose_rows(table, min_rows=1, max_rows=limit)
    best = max(
        sum(mask.bit_count() for mask in coverage_of(some, coverage.masks, coverage.doubles))
        for some in itertools.combinations(range(len(rows)), min(limit, len(rows)))
    )
    assert len(choice.covered) == best


def test_search_without_work_still_covers() -> None:
    """When the exact search may do no work, the greedy rows are returned and not called optimal."""
    cover = best_cover((0b0011, 0b1100, 0b0110), (0, 0, 0), 1, work=0)
    assert (cover.covered, cover.is_optimal) == (2, False)


@pytest.mark.parametrize(
    ("values", "case"),
    [
        ([None, 1], "c: null"),
        (["", "x"], "c: empty"),
        ([-1, 1], "c: negative"),
        ([0, 1], "c: zero"),
        ([1.5, 1], "c: fraction"),
        ([2**40, 1], "c: beyond 32 bits"),
        ([Decimal("99999999999999999999999999999.999999999"), 1], "c: beyond 64 bits"),
        ([math.nan, 1.0], "c: not a number"),
        ([math.inf, 1.0], "c: infinite"),
        ([1, 5, 9], "c: largest"),
        ([1, 5, 9], "c: smallest"),
        (["a", "bbb"], "c: longest"),
        (["é", "e"], "c: unicode"),
        (["😀", "e"], "c: beyond the basic plane"),
        (["a\nb", "c"], "c: line break"),
        ([" a", "c"], "c: outer blanks"),
        (['a"b', "c"], "c: quote or comma"),
        ([True, False], "c: value false"),
        (["MIT", "MIT", "BSD", "BSD"], "c: value 'BSD'"),
        ([[], [1]], "c: empty list"),
        ([[1], [1, 2]], "c: many items"),
        ([{"a": 1}, {"a": 1, "b": [{"c": None}]}], "c: shape {a: int, b: [{c: null}]}"),
        ([date(2020, 1, 1), date(2021, 1, 1)], "c: latest"),
        ([datetime(2020, 1, 1, 0, 0, 0, 5, tzinfo=UTC), None], "c: fraction of a second"),
        (["x", "x"], "the same row twice"),
    ],
)
def test_case_is_found(values: list[object], case: str) -> None:
    """Each kind of case is found in a column that has it."""
    assert case in _kinds([{"c": value} for value in values])


def test_doubled_key_takes_both_rows() -> None:
    """A value that stands twice in a key-like column is shown by two rows that share it."""
    records = [{"id": f"k{n}"} for n in range(40)] + [{"id": "k7"}]
    choice = choose_rows(table_of_records(records))
    assert [row.values for row in choice.rows].count(("k7",)) == 2


def test_no_loader_columns() -> None:
    """Columns that a loader added for itself are neither chosen for nor shown."""
    records = [{"id": n, "_dlt_id": str(n), "_airbyte_raw_id": "x", "_sdc_batched_at": "y"} for n in range(6)]
    assert [column.name for column in choose_rows(table_of_records(records)).table.columns] == ["id"]


def test_at_least_five_rows() -> None:
    """Five rows are chosen even when fewer show every case."""
    assert len(choose_rows(table_of_records([{"a": 1} for _ in range(30)])).rows) == 5


def test_says_what_no_row_covers() -> None:
    """Cases beyond the ten rows are named as missing."""
    records = [{f"c{n}": "x" if n == row else None for n in range(30)} for row in range(30)]
    choice = choose_rows(table_of_records(records))
    assert (len(choice.rows), len(choice.missing)) == (10, 20)


def test_every_row_has_its_reason() -> None:
    """The reasons of the chosen rows together are exactly the covered cases."""
    records = [{"a": None if n % 7 == 0 else n - 3, "b": "é" * n, "c": [n] * (n % 3)} for n in range(50)]
    choice = choose_rows(table_of_records(records))
    assert sorted(str(c) for row in choice.rows for c in row.reasons) == sorted(str(c) for c in choice.covered)


def test_widest_row_first() -> None:
    """The first row holds the widest values, from which engines infer types."""
    records = [{"n": 1, "s": "a"}, {"n": None, "s": "b"}, {"n": 2**50 + 0.5, "s": "longest of all"}]
    assert choose_rows(table_of_records(records), min_rows=3).rows[0].values == (2**50 + 0.5, "longest of all")


def test_zero_rows_is_an_error() -> None:
    """A table without rows is refused with the cure."""
    with pytest.raises(ScaffoldError, match="no rows"):
        choose_rows(SourceTable((Column("a", "VARCHAR"),), ()))


def test_fewer_rows_than_asked_is_told() -> None:
    """A source with three rows gives three and says so."""
    choice = choose_rows(table_of_records([{"a": n} for n in range(3)]))
    assert "3 rows only" in choice.notes[0]


def test_ten_thousand_columns() -> None:
    """A table of 10,000 columns is chosen from, within the row bound."""
    columns = tuple(Column(f"c{n}", "BIGINT") for n in range(10_000))
    rows = tuple(tuple((n * r) % 11 - 5 if (n + r) % 5 else None for n in range(10_000)) for r in range(12))
    choice = choose_rows(SourceTable(columns, rows))
    assert len(choice.rows) == 10 and choice.share > 0.9
