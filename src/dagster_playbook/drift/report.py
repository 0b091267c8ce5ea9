"""What a run of drift says: the rows, the score over all, by kind and by page, as data and as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dagster_playbook.drift.model import Outcome, Row, Score, Target, score_of


@dataclass(frozen=True, slots=True)
class DriftReport:
    """A run, whole or up to an interrupt; `unmentioned` platform changes were not made, for no page speaks of them."""

    seed: int
    count: int
    rows: tuple[Row, ...]
    unmentioned: int
    interrupted: bool
    duration_s: float

    @property
    def score(self) -> Score:
        """Over all rows."""
        return score_of(self.rows)

    def by(self, group: Callable[[Row], str]) -> dict[str, Score]:
        """The score of each group, in the order of its name."""
        names = sorted({group(row) for row in self.rows})
        return {name: score_of(row for row in self.rows if group(row) == name) for name in names}

    @property
    def by_kind(self) -> dict[str, Score]:
        """The score of each kind of mutation."""
        return self.by(lambda row: row.kind)

    @property
    def by_page(self) -> dict[str, Score]:
        """The score of each page; a platform mutation counts for the first page that it makes wrong."""
        return self.by(lambda row: row.page)

    def passes(self, minimum: float, minimum_lines: float) -> bool:
        """Whether enough was killed, enough of it told on the exact line, and no control gave an alarm."""
        score = self.score
        return score.kill_rate >= minimum and score.line_rate >= minimum_lines and not score.false_alarms

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "seed": self.seed,
            "count": self.count,
            "interrupted": self.interrupted,
            "unmentioned": self.unmentioned,
            "duration_s": round(self.duration_s, 1),
            "score": self.score.as_dict(),
            "kinds": {name: score.as_dict() for name, score in self.by_kind.items()},
            "pages": {name: score.as_dict() for name, score in self.by_page.items()},
            "rows": [row.as_dict() for row in self.rows],
        }

    def as_record(self) -> dict[str, Any]:
        """What is kept beside the site: the same for the same seed, project and engine on any machine."""
        document = self.as_dict()
        return {key: _without_times(value) for key, value in document.items() if key not in ("rows", "duration_s")}

    def notable(self) -> Iterator[Row]:
        """Rows that somebody has to look at: survivors, false alarms, stillborn ones, and inexact kills."""
        order = (Outcome.SURVIVED, Outcome.FALSE_ALARM, Outcome.STILLBORN, Outcome.KILLED)
        for outcome in order:
            yield from (row for row in self.rows if row.outcome is outcome and not row.is_exact)


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(item) for key, item in value.items() if key != "duration_s"}
    return value


def summary_lines(report: DriftReport) -> list[str]:
    """The last lines of the text report."""
    score = report.score
    places = sum(row.places for row in report.rows if row.outcome is Outcome.KILLED)
    told = sum(row.told for row in report.rows if row.outcome is Outcome.KILLED)
    platform = sum(row.target is Target.PLATFORM for row in report.rows)
    lines = [
        f"{score.counted} mutations ({platform} of the platform): {score.killed} killed, {score.survived} survived"
        f" = {score.kill_rate:.1%}; {score.equivalent} equivalent, {score.stillborn} stillborn,"
        f" {report.unmentioned} unmentioned",
        f"exact line: {score.exact} of {score.killed} = {score.line_rate:.1%} ({told} of {places} places)",
        f"controls: {score.controls}, false alarms: {score.false_alarms}",
        f"seed {report.seed}, {report.duration_s:.0f} s",
    ]
    return ["interrupted: this is what was done so far", *lines] if report.interrupted else lines
