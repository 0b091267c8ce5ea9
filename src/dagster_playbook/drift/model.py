"""What a mutation is, and what became of it."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dagster_playbook.drift.ground import Ground

#: lines of which one has to bear the finding, each a path and a 1-based line of the changed project
Place = frozenset[tuple[str, int]]


class Target(enum.StrEnum):
    """What is changed: a page, the platform, or something that is no mistake at all."""

    PAGE = "page"
    PLATFORM = "platform"
    CONTROL = "control"


class Reload(enum.StrEnum):
    """What has to be read anew after the change."""

    NOTHING = "nothing"
    PLATFORM = "platform"
    COMMANDS = "commands"


class Outcome(enum.StrEnum):
    """What became of a mutation.

    `equivalent`: no page says anything that the change made wrong. `stillborn`: the platform itself refuses the
    change, so no page was held to it. Neither counts. `quiet` and `false alarm` are the outcomes of a control.
    """

    KILLED = "killed"
    SURVIVED = "survived"
    EQUIVALENT = "equivalent"
    STILLBORN = "stillborn"
    QUIET = "quiet"
    FALSE_ALARM = "false alarm"


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text of a file from `start` to `end` (0-based, half-open, in code points)."""

    path: str
    start: int
    end: int
    new: str


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change.

    Attributes:
        path, line: where it is made; 1-based, in the text before the change.
        what: the change in a few words.
        edits: what is written; removed: files that are taken away; renamed: old path to new path.
        wrong: the places that the change makes wrong, in the changed text.
        pages: the pages that have to be looked at again; none when no page speaks of what is changed.
        command: the command tree that is read anew, for `Reload.COMMANDS`.
    """

    kind: str
    target: Target
    path: str
    line: int
    what: str
    edits: tuple[Edit, ...] = ()
    wrong: tuple[Place, ...] = ()
    pages: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    reload: Reload = Reload.NOTHING
    command: str = ""

    def sort_key(self) -> tuple[str, str, int, str, tuple[int, ...]]:
        """The same order in every process."""
        return (self.kind, self.path, self.line, self.what, tuple(edit.start for edit in self.edits))


class Operator(Protocol):
    """One way to be wrong: a kind of mutation, and everywhere it can be made."""

    @property
    def kind(self) -> str:
        """The name that `--kind` takes."""

    @property
    def target(self) -> Target:
        """What it changes."""

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """Each possible mutation of this kind; the same ones for the same ground and random state."""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one mutation.

    Attributes:
        page: the page that the score counts it for; of a platform mutation, the first that it makes wrong.
        places: how many places the change made wrong; told: how many of them bear a finding.
        missed: those that bear none, as `path:line`; elsewhere: new findings on other lines, as `path:line CODE`.
        duration_s: wall time of this mutation, reading the platform included.
    """

    kind: str
    target: Target
    page: str
    path: str
    line: int
    what: str
    outcome: Outcome
    rules: tuple[str, ...] = ()
    places: int = 0
    told: int = 0
    missed: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    note: str = ""
    duration_s: float = 0.0

    @property
    def is_exact(self) -> bool:
        """Whether every place that became wrong bears a finding."""
        return self.outcome is Outcome.KILLED and self.told == self.places

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "kind": self.kind,
            "target": str(self.target),
            "page": self.page,
            "path": self.path,
            "line": self.line,
            "what": self.what,
            "outcome": str(self.outcome),
            "exact": self.is_exact,
            "rules": list(self.rules),
            "places": self.places,
            "told": self.told,
            "missed": list(self.missed),
            "elsewhere": list(self.elsewhere),
            "note": self.note,
            "duration_s": round(self.duration_s, 3),
        }


@dataclass(frozen=True, slots=True)
class Score:
    """The counts over some rows; equivalent and stillborn mutations are no part of a rate."""

    killed: int = 0
    survived: int = 0
    equivalent: int = 0
    stillborn: int = 0
    exact: int = 0
    controls: int = 0
    false_alarms: int = 0
    duration_s: float = field(default=0.0, compare=False)

    @property
    def counted(self) -> int:
        """Mutations that a check could kill."""
        return self.killed + self.survived

    @property
    def kill_rate(self) -> float:
        """Share of the counted that were killed, 1.0 when none was made."""
        return self.killed / self.counted if self.counted else 1.0

    @property
    def line_rate(self) -> float:
        """Share of the killed that were told on every line that they made wrong."""
        return self.exact / self.killed if self.killed else 1.0

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON, the rates with four digits."""
        return {
            "counted": self.counted,
            "killed": self.killed,
            "survived": self.survived,
            "equivalent": self.equivalent,
            "stillborn": self.stillborn,
            "exact": self.exact,
            "kill_rate": round(self.kill_rate, 4),
            "line_rate": round(self.line_rate, 4),
            "controls": self.controls,
            "false_alarms": self.false_alarms,
            "duration_s": round(self.duration_s, 1),
        }


def score_of(rows: Iterable[Row]) -> Score:
    """Count rows."""
    rows = list(rows)
    count = {outcome: sum(row.outcome is outcome for row in rows) for outcome in Outcome}
    return Score(
        killed=count[Outcome.KILLED],
        survived=count[Outcome.SURVIVED],
        equivalent=count[Outcome.EQUIVALENT],
        stillborn=count[Outcome.STILLBORN],
        exact=sum(row.is_exact for row in rows),
        controls=count[Outcome.QUIET] + count[Outcome.FALSE_ALARM],
        false_alarms=count[Outcome.FALSE_ALARM],
        duration_s=sum(row.duration_s for row in rows),
    )
