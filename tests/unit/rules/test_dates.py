"""Dates by the calendar, windows by their order."""

from __future__ import annotations

import pytest

from dagster_playbook.rules.dates import date_problem, window_problem


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-02-30", "February 2026 has 28 days"),
        ("2025-02-29", "February 2025 has 28 days"),
        ("2100-02-29", "February 2100 has 28 days"),
        ("2026-04-31", "April 2026 has 30 days"),
        ("2026-13-01", "no month 13"),
        ("2026-00-10", "no month 0"),
        ("2026-01-00", "January 2026 has 31 days"),
        ("2026/02/30", "February 2026 has 28 days"),
        ("20260230", "February 2026 has 28 days"),
        ("2026-01-01T25:00:00", "no time 25:00:00"),
        ("2026-01-01 10:60", "no time 10:60:00"),
        ("2026-02-30T10:00:00+02:00", "February 2026 has 28 days"),
    ],
)
def test_day_that_does_not_exist_is_told(text: str, told: str) -> None:
    """A date that no calendar has is named with what the calendar has."""
    assert told in date_problem(text)


@pytest.mark.parametrize(
    "text",
    ["2024-02-29", "2000-02-29", "2026-12-31", "2026-01-01T24:00:00", "2026-01-01T10:00:00Z", "9999-12-31", "yesterday",
     "1 week ago", "Feb 30", "20261301", "12345678", "1700000000000", "2026-1-1", "v2026-13-01", "", "2026-02"],
)  # fmt: skip
def test_day_that_exists_or_no_date_is_none(text: str) -> None:
    """Real days, leap days, numbers and words are not judged."""
    assert date_problem(text) == ""


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-10", "2026-03-01"),
        ("2026-03-10", "2026-03-09"),
        ("2026-03-10T12:00:00", "2026-03-10T11:59:59"),
        ("2026-03-10T12:00:00Z", "2026-03-10T13:00:00+02:00"),
        ("2026-03-11", "2026-03-10T23:00:00"),
        ("yesterday", "1 week ago"),
        ("2 days ago", "3 days ago"),
        ("today", "yesterday"),
        ("1 month ago", "1 year ago"),
    ],
)
def test_window_that_ends_first_is_told(start: str, end: str) -> None:
    """Both ends are compared as SQLMesh would read them."""
    assert window_problem(start, end) == f"the window ends before it begins: {start} to {end}"


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-10", "2026-03-10"),
        ("2026-03-10T12:00:00", "2026-03-10"),
        ("2026-03-01", "2026-03-10"),
        ("1 week ago", "yesterday"),
        ("30 days ago", "1 month ago"),
        ("yesterday", "now"),
        ("2026-03-10", "1 week ago"),
        ("2026-02-30", "2026-01-01"),
        ("first", "last"),
    ],
)
def test_window_that_may_hold_something_is_none(start: str, end: str) -> None:
    """A single day, a month of any length, a mixture of dates and words, and what is no date are not judged."""
    assert window_problem(start, end) == ""
