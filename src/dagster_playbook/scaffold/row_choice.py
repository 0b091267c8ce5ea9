"""Which 5 to 10 rows of a source stand in for all of it, what each is there for, and what none could show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dagster_playbook.errors import ScaffoldError
from dagster_playbook.scaffold.breadth import widest_first
from dagster_playbook.scaffold.cases import Case, Coverage, cases_of
from dagster_playbook.scaffold.cover import best_cover, coverage_of
from dagster_playbook.scaffold.table import SourceTable

MIN_ROWS, MAX_ROWS = 5, 10


@dataclass(frozen=True, slots=True)
class ChosenRow:
    """One chosen row: its place in the sample (0-based), its values, and the cases it was chosen for."""

    index: int
    values: tuple[Any, ...]
    reasons: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen rows, widest first.

    Attributes:
        table: the source without bookkeeping columns; `rows[i].values` are in the order of its columns.
        covered, missing: the cases of the sample that the rows show, and those that did not fit.
        is_optimal: whether no other rows of that number show more cases.
        notes: what a reader has to know, e.g. that the source has fewer rows than a seed should have.
    """

    table: SourceTable
    rows: tuple[ChosenRow, ...]
    covered: tuple[Case, ...]
    missing: tuple[Case, ...]
    is_optimal: bool
    notes: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Covered cases of all cases, 0 to 1."""
        total = len(self.covered) + len(self.missing)
        return len(self.covered) / total if total else 1.0


def choose_rows(table: SourceTable, *, min_rows: int = MIN_ROWS, max_rows: int = MAX_ROWS) -> Choice:
    """Choose the rows of a seed: as few as show every case, at least `min_rows`, at most `max_rows`.

    Raises:
        ScaffoldError: the table has no rows, no columns but a loader's own, or the bounds make no sense.
    """
    if not 1 <= min_rows <= max_rows:
        raise ScaffoldError(f"cannot choose between {min_rows} and {max_rows} rows", cure="give 1 <= min <= max")
    source = table.without_bookkeeping()
    if not source.columns:
        raise ScaffoldError("the table has no columns but a loader's own", path=table.origin)
    if not source.rows:
        raise ScaffoldError(
            "the table has no rows, so there is nothing to choose from",
            path=table.origin,
            cure="materialise the source first, then sample it again",
        )
    coverage = cases_of(source)
    rows, is_optimal = _rows(coverage, min_rows, max_rows)
    once, twice = coverage_of(rows, coverage.masks, coverage.doubles)
    shown = once | twice
    covered = tuple(case for bit, case in enumerate(coverage.cases) if shown >> bit & 1)
    missing = tuple(case for bit, case in enumerate(coverage.cases) if not shown >> bit & 1)
    reasons = _reasons(rows, coverage)
    ordered = widest_first([source.rows[i] for i in rows])
    chosen = tuple(ChosenRow(rows[i], source.rows[rows[i]], reasons[rows[i]]) for i in ordered)
    return Choice(source, chosen, covered, missing, is_optimal, _notes(source, chosen, min_rows))


def _rows(coverage: Coverage, min_rows: int, max_rows: int) -> tuple[tuple[int, ...], bool]:
    """As few rows as show everything, else the best `max_rows`; filled up to `min_rows`."""
    best = best_cover(coverage.masks, coverage.doubles, max_rows)
    if best.covered == len(coverage.cases):
        for limit in range(min(min_rows, len(best.rows)), len(best.rows)):
            fewer = best_cover(coverage.masks, coverage.doubles, limit)
            if fewer.covered == best.covered:
                best = fewer
                break
    rows = list(best.rows)
    others = sorted(set(range(len(coverage.masks))) - set(rows), key=lambda i: (-coverage.masks[i].bit_count(), i))
    rows.extend(others[: max(0, min_rows - len(rows))])
    return tuple(rows), best.is_optimal


def _reasons(rows: tuple[int, ...], coverage: Coverage) -> dict[int, tuple[Case, ...]]:
    """The cases that each row was first to show, in order of choice."""
    reasons: dict[int, tuple[Case, ...]] = {}
    once = touched = twice = 0
    for row in rows:
        new = coverage.masks[row] & ~once
        closed = coverage.doubles[row] & touched & ~twice
        reasons[row] = tuple(case for bit, case in enumerate(coverage.cases) if (new | closed) >> bit & 1)
        once |= new
        twice |= closed
        touched |= coverage.doubles[row]
    return reasons


def _notes(source: SourceTable, chosen: tuple[ChosenRow, ...], min_rows: int) -> tuple[str, ...]:
    if len(chosen) < min_rows:
        return (*source.notes, f"the source has {len(chosen)} rows only, a seed should have at least {min_rows}")
    return source.notes
