from __future__ import annotations

import pytest

from dagster_playbook.findings import Finding, Fix, Severity
from dagster_playbook.location import Location
from dagster_playbook.report import Report
from dagster_playbook.report.plain_text import Style, render

COUNTS = {"files": 2, "fences": 3, "spans": 4, "checked": 6, "exempt": 1, "findings": 1}
PLACE = Location("docs/a.md", 2, 5, 2, 9)


def finding(message: str = "no job is called 'x'", *, place: Location = PLACE, **others: object) -> Finding:
    return Finding(place, "DG104", "unknown-job", message, **others)  # type: ignore[arg-type]


def test_counts() -> None:
    """The last line gives every count in the documented words."""
    told = render(Report(COUNTS, (finding(),))).splitlines()[-1]
    assert told == "2 files, 3 fences, 4 spans: 6 checked, 1 exempt, 1 findings"


def test_place_first() -> None:
    """A finding begins with a place that editors jump to, its code and its name."""
    assert render(Report(COUNTS, (finding(),))).startswith("docs/a.md:2:5: DG104 unknown-job: no job is called 'x'")


def test_warning_says_so() -> None:
    """A warning is told from an error by a word, not by colour alone."""
    assert "DG104 unknown-job: warning: " in render(Report(COUNTS, (finding(severity=Severity.WARNING),)))


def test_caret_below_the_words() -> None:
    """With the source shown, the caret stands below exactly the words that are meant."""
    report = Report(COUNTS, (finding(),), sources={"docs/a.md": ["", "run jobx now"]})
    source, caret = render(report, Style(source=True)).splitlines()[1:3]
    assert [source[i] for i, mark in enumerate(caret) if mark == "^"] == list("jobx")


def test_long_line_is_cut_around_the_caret() -> None:
    """On a line of 100,000 characters the caret still stands below the words, in less than 400 columns."""
    place = Location("docs/a.md", 1, 50_001, 1, 50_005)
    report = Report(COUNTS, (finding(place=place),), sources={"docs/a.md": ["a" * 50_000 + "jobx" + "b" * 50_000]})
    source, caret = render(report, Style(source=True)).splitlines()[1:3]
    assert len(source) < 400 and [source[i] for i, mark in enumerate(caret) if mark == "^"] == list("jobx")


@pytest.mark.parametrize("hostile", ["\x1b[2J", "a\nb", "\x9b31m", "a\rb", "\u202eb"])
def test_page_cannot_steer_the_terminal(hostile: str) -> None:
    """Control characters of a page never reach the terminal, neither from a message nor from the quoted line."""
    report = Report(COUNTS, (finding(f"bad {hostile}"),), sources={"docs/a.md": ["", f"run {hostile}"]})
    told = render(report, Style(source=True)).replace("\n", "")
    assert all(character.isprintable() for character in told)


def test_no_colour_by_default() -> None:
    """Without being told to, a report has no colour codes; told to, it has."""
    report = Report(COUNTS, (finding(evidence="Dagster"),))
    assert "\x1b" not in render(report) and "\x1b[" in render(report, Style(colour=True))


def test_fix_is_told() -> None:
    """A fix is told with the command that writes it."""
    told = render(Report(COUNTS, (finding(fix=Fix(PLACE, "jobx", "job_a")),)))
    assert "'job_a' in its place; `playbook check --fix` writes it" in told


def test_pages_are_set_apart() -> None:
    """Findings of another page follow after one empty line."""
    other = finding(place=Location("docs/b.md", 1, 1))
    lines = render(Report(COUNTS, (finding(), finding(), other)), Style(counts=False)).splitlines()
    assert lines.index("") == 2 and lines.count("") == 1
