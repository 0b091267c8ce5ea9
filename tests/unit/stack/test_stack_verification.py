"""What counts as too much change between what consumers read and what would be promoted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_playbook.stack.verification import (
    ColumnMeasure,
    Crossing,
    TableMeasure,
    Thresholds,
    Verdict,
    judge,
)


def column(type_: str = "bigint", non_null: int = 100, distinct: int = 100, mean: float | None = 10.0) -> ColumnMeasure:
    """A column of a hundred numbers."""
    return ColumnMeasure(type_, non_null, distinct, "1", "100", mean)


def table(rows: int = 100, **columns: ColumnMeasure) -> TableMeasure:
    """A table `oso.t` with one column `n`, unless others are given."""
    return TableMeasure("oso.t", 1, rows, columns or {"n": column(non_null=rows)})


def crossed(before: TableMeasure | None, after: TableMeasure | None, *accept: str) -> list[Crossing]:
    """What is crossed between two versions of one table."""
    return judge({"oso.t": before} if before else {}, {"oso.t": after} if after else {}, Thresholds(), accept)


@pytest.mark.parametrize(
    ("before", "after", "checks"),
    [
        (table(), table(), []),
        (table(100), table(91), []),
        (table(100), table(89), ["rows"]),
        (table(100), table(200), []),
        (table(100), table(201), ["rows"]),
        (table(100), table(0), ["rows"]),
        (table(0), table(0), []),
        (table(0), table(5), []),
        (None, table(5), []),
        (None, table(0), ["rows"]),
        (table(), None, ["missing"]),
        (table(n=column()), table(n=column("varchar", mean=None)), ["n.type"]),
        (table(n=column(), m=column()), table(n=column()), ["m.missing"]),
        (table(n=column()), table(n=column(), m=column()), []),
        (table(n=column()), table(n=column(non_null=95)), []),
        (table(n=column()), table(n=column(non_null=94)), ["n.nulls"]),
        (table(n=column(non_null=50)), table(n=column(non_null=100)), []),
        (table(n=column()), table(n=column(distinct=75)), []),
        (table(n=column()), table(n=column(distinct=74)), ["n.distinct"]),
        (table(n=column(mean=10.0)), table(n=column(mean=15.0)), []),
        (table(n=column(mean=10.0)), table(n=column(mean=15.1)), ["n.mean"]),
        (table(n=column(mean=-10.0)), table(n=column(mean=10.0)), ["n.mean"]),
        (table(n=column(mean=0.0)), table(n=column(mean=10.0)), []),
    ],
)
def test_what_is_crossed(before: TableMeasure | None, after: TableMeasure | None, checks: list[str]) -> None:
    """Each threshold is crossed beyond its value and not at it; what is gained where nothing was harms nobody."""
    assert [c.check for c in crossed(before, after)] == checks


def test_an_accepted_crossing_is_still_told() -> None:
    """A crossing that is accepted by name stays in the report and no longer refuses."""
    (crossing,) = crossed(table(100), table(10), "oso.t:rows")
    assert crossing.accepted
    assert not Verdict("consumer", "a", "b", crossings=(crossing,)).is_refused


def test_accepting_one_does_not_accept_another() -> None:
    """What is accepted is one check of one table."""
    found = crossed(table(100, n=column(), m=column()), table(100, n=column(distinct=1)), "oso.t:n.distinct")
    assert {c.key: c.accepted for c in found} == {"oso.t:n.distinct": True, "oso.t:m.missing": False}


def test_an_unreadable_table_cannot_be_accepted() -> None:
    """A table whose files are gone refuses the move whatever else was accepted."""
    assert Verdict("consumer", "a", "b", unreadable={"oso.t": "file not found"}).is_refused


@given(st.integers(min_value=0, max_value=10**9), st.floats(allow_nan=False, allow_infinity=False))
def test_a_table_compared_with_itself_crosses_nothing(rows: int, mean: float) -> None:
    """No table, however odd, is refused for being what it was."""
    same = table(rows, n=column(non_null=rows, distinct=rows, mean=mean))
    assert crossed(same, same) == []
