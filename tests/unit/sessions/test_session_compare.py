"""What a page shows of an output is held to what is printed, but for what differs from run to run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_playbook.sessions.compare import compared, ids_of, same_line, with_ids

DIGEST, OTHER = "1c37c693c8d45da6777b4f7c", "9fe0aa93c8d45da6777b4f00"


@pytest.mark.parametrize(
    ("shown", "printed", "is_same"),
    [
        ("done in 0.05 s", "done in 12 s", True),
        ("run 851397ff-b5b5-4384-98db-8b29f697407f", "run 951397ff-b5b5-4384-98db-8b29f697407f", True),
        ("from 2026-01-01 to 2026-11-28", "from 2025-02-03 to 2027-01-01", True),
        (f"digest {DIGEST}", f"digest {OTHER}", True),
        ("run 20261128-002939-48fb90", "run 20261129-112939-18fb91", True),
        ("a   b", "a b", True),
        ("rows=... value=...", "rows=12 value=x y", True),
        ("rows=12", "rows=13", False),
        ("8 models", "9 models", False),
        ("rows=... of it", "rows=12 of them", False),
        ("digest deadbeef", "digest 2 models", False),
    ],
)
def test_only_dates_ids_and_durations_may_differ(shown: str, printed: str, is_same: bool) -> None:
    """A number, a word and a name have to be as printed; an ellipsis stands for any words."""
    assert same_line(shown, printed) is is_same


@pytest.mark.parametrize(
    ("shown", "printed", "line"),
    [
        ("a\nb\nc", "a\nb\nc", -1),
        ("a\nX\nc", "a\nb\nc", 1),
        ("a\nb", "a\nb\nc", 2),
        ("a\n...\nz", "a\nb\nc\nz", -1),
        ("a\n│   ...\nm\n...\nz", "a\nb\nm\nn\nz", -1),
        ("...\nz", "a\ny", 1),
        ("a\n...", "a", -1),
        ("...", "", -1),
        ("...\nm\n...", "a\nb", 1),
    ],
)
def test_the_first_line_that_differs_is_told(shown: str, printed: str, line: int) -> None:
    """Lines that an ellipsis leaves out are no difference, those around it are held."""
    assert compared(shown.split("\n"), printed.split("\n")).line == line


LINES = st.lists(st.sampled_from(["a", "b", "c 1 s", "d 2026-01-02", "..."]), max_size=6)


@given(LINES, LINES.map(lambda lines: [line for line in lines if line != "..."]))
def test_what_is_written_is_right(shown: list[str], printed: list[str]) -> None:
    """The output that an update writes is held to the same run without a difference, and what was right stays."""
    right = compared(shown, printed).right
    assert compared(right, printed).line == -1
    if compared(shown, printed).line == -1:
        assert list(right) == shown


def test_a_later_command_means_the_id_of_this_run() -> None:
    """The beginning of an id that the page shows is replaced by that of the id that was printed."""
    ids = ids_of([f"└── digest {DIGEST}"], ["other", f"└── digest {OTHER}"])
    assert (with_ids(DIGEST[:12], ids), with_ids("playbook", ids), with_ids(DIGEST[:4], ids)) == (
        OTHER[:12],
        "playbook",
        DIGEST[:4],
    )
