"""What a score counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dagster_playbook.drift.model import Outcome, Row, Target, score_of
from dagster_playbook.drift.report import DriftReport

ROW = Row("typo-job", Target.PAGE, "docs/a.md", "docs/a.md", 3, "a change", Outcome.KILLED, ("DG101",), 2, 2)


def _report(*rows: Row) -> DriftReport:
    return DriftReport(1, len(rows), rows, 0, interrupted=False, duration_s=1.0)


@pytest.mark.parametrize("outcome", [Outcome.EQUIVALENT, Outcome.STILLBORN])
def test_what_cannot_be_killed_is_no_part_of_the_rate(outcome: Outcome) -> None:
    """Equivalent and stillborn mutations leave the kill rate as it is."""
    score = score_of([ROW, replace(ROW, outcome=outcome)])
    assert (score.counted, score.kill_rate) == (1, 1.0)


def test_a_kill_is_exact_when_every_wrong_place_is_told() -> None:
    """One place of two without a finding makes a kill inexact."""
    assert score_of([ROW, replace(ROW, told=1)]).line_rate == 0.5


def test_a_survivor_lowers_the_kill_rate() -> None:
    """One of two survived is a half."""
    assert score_of([ROW, replace(ROW, outcome=Outcome.SURVIVED)]).kill_rate == 0.5


def test_a_false_alarm_fails_whatever_was_killed() -> None:
    """A control that gives a finding fails the floors."""
    control = replace(ROW, target=Target.CONTROL, outcome=Outcome.FALSE_ALARM)
    assert _report(ROW).passes(0.99, 0.95)
    assert not _report(ROW, control).passes(0.99, 0.95)


def test_the_record_holds_no_times() -> None:
    """Two runs of the same seed write the same record, however long they took."""
    quick, slow = _report(ROW), replace(_report(replace(ROW, duration_s=9.0)), duration_s=99.0)
    assert quick.as_record() == slow.as_record()
