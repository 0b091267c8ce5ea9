"""Runs of drift on a small project."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dagster_playbook.drift.model import Outcome, Row, Target
from dagster_playbook.drift.report import DriftReport
from dagster_playbook.drift.run import DriftPlan, Progress, run_drift
from dagster_playbook.settings import Settings


def _timeless(report: DriftReport) -> list[Row]:
    return [replace(row, duration_s=0.0) for row in report.rows]


def _run(project: Settings, *kinds: str, seed: int = 1, count: int = 40) -> DriftReport:
    return run_drift(project, DriftPlan(seed, count, (), kinds))


def test_the_same_seed_makes_the_same_rows(small_project: Settings) -> None:
    """Two runs with one seed agree in every row but its time."""
    assert _timeless(_run(small_project)) == _timeless(_run(small_project))


def test_another_seed_makes_other_rows(small_project: Settings) -> None:
    """A seed decides what is changed."""
    assert _timeless(_run(small_project)) != _timeless(_run(small_project, seed=2))


@pytest.mark.parametrize(
    "kind", ["rename-catalog", "remove-catalog", "change-property", "rename-ref", "rename-make-target"]
)
def test_a_changed_platform_is_told_on_every_line_that_speaks_of_it(small_project: Settings, kind: str) -> None:
    """Each change of what plain files say is killed, at each place that it made wrong."""
    rows = [row for row in _run(small_project, kind).rows if row.outcome is not Outcome.EQUIVALENT]
    assert rows
    assert [row for row in rows if not row.is_exact] == []


@pytest.mark.parametrize("kind", ["typo-catalog", "typo-ref", "anchor", "link", "heading", "fact-value", "fact-key"])
def test_a_typo_on_a_page_is_told_on_its_line(small_project: Settings, kind: str) -> None:
    """Each mistake on a page is killed on its own line."""
    rows = _run(small_project, kind).rows
    assert [row for row in rows if row.target is Target.PAGE]
    assert [row for row in rows if not row.is_exact] == []


def test_controls_stay_quiet(small_project: Settings) -> None:
    """New paragraphs, comments and sections in another order give no finding."""
    kinds = ("control-paragraph", "control-comment", "control-sections")
    rows = _run(small_project, *kinds, count=200).rows
    assert {row.kind for row in rows} == set(kinds)
    assert [row for row in rows if row.outcome is not Outcome.QUIET] == []


def test_a_line_that_is_wrong_already_is_left_alone(small_project: Settings) -> None:
    """No mutation is made where the check has something to say before."""
    page = small_project.root / "docs/other.md"
    page.write_text("# Other\n\nThe catalogs `lake` and `lakke`.\n", encoding="utf-8")
    rows = _run(small_project, "typo-catalog").rows
    assert rows
    assert [row for row in rows if row.path == "docs/other.md"] == []


def test_what_is_exempt_with_a_reason_is_left_alone(small_project: Settings) -> None:
    """No mutation is made where the page says why it is not checked."""
    page = small_project.root / "docs/other.md"
    page.write_text(
        '# Other\n\n<!-- playbook: ignore SV502 reason="gone since" -->\nThe catalogs `lake` and `lakke`.\n',
        encoding="utf-8",
    )
    assert [row for row in _run(small_project, "typo-catalog").rows if row.path == "docs/other.md"] == []


def test_an_interrupt_keeps_what_was_done(small_project: Settings) -> None:
    """Ctrl-C ends the run with the rows so far."""
    seen: list[Row] = []

    def interrupt(row: Row) -> None:
        seen.append(row)
        if len(seen) == 3:
            raise KeyboardInterrupt

    report = run_drift(small_project, DriftPlan(1, 40), Progress(on_row=interrupt))
    assert report.interrupted
    assert list(report.rows) == seen


def test_the_project_itself_is_not_written(small_project: Settings) -> None:
    """Mutations are made in the copy only."""

    def texts() -> dict[Path, bytes]:
        return {p: p.read_bytes() for p in small_project.root.rglob("*") if p.is_file() and ".playbook" not in p.parts}

    before = texts()
    _run(small_project)
    assert texts() == before
