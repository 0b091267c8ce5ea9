"""Each page of tests/data/checks gives exactly the findings that stand in the file beside it.

A new case is a new page with its `.expected` file: a line `LINE:COLUMN CODE` for each finding, in reading order.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.check import Checker

PAGES = sorted((Path(__file__).parents[1] / "data" / "checks").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_its_findings_and_no_others(page: Path, checker: Checker, project: Path) -> None:
    """Rule and place of every finding are those that a person wrote down."""
    verdict = checker.check_page(page.relative_to(project).as_posix())
    told = [f"{f.location.line}:{f.location.column} {f.rule}" for f in verdict.findings]
    assert told == page.with_suffix(".expected").read_text(encoding="utf-8").split("\n")[:-1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_and_name_is_checked_or_exempt(page: Path, checker: Checker, project: Path) -> None:
    """What is neither checked nor exempt has a finding that says so."""
    verdict = checker.check_page(page.relative_to(project).as_posix())
    not_understood = [f for f in verdict.findings if f.rule in ("PB001", "PB006")]
    assert verdict.checked + verdict.exempt + len(not_understood) == verdict.fences + verdict.spans


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_finding_says_what_it_is_about(page: Path, checker: Checker, project: Path) -> None:
    """Message, subject and place of each finding are there, and the place is inside the file."""
    lines = page.read_text(encoding="utf-8").split("\n")
    for finding in checker.check_page(page.relative_to(project).as_posix()).findings:
        place = finding.location
        assert finding.message
        assert "\n" not in finding.message
        assert 1 <= place.line <= place.end_line <= len(lines)
        assert 1 <= place.column <= len(lines[place.line - 1]) + 1
