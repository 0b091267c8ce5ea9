"""What a restatement touches, as plain data: models with their windows, environments, marts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

#: epoch milliseconds in UTC, start inclusive and end exclusive
Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class AffectedModel:
    """A model that will be evaluated.

    Attributes:
        role: `selected`, `downstream`, or `missing` when only intervals that are due anyway are filled.
        start, end: the window that SQLMesh restates, ISO 8601 in UTC, end exclusive; "" for a missing one.
        full_history: the whole history is restated, whatever window was asked for.
        why: why it is affected, and why its window is as wide.
        intervals: what will be evaluated, epoch milliseconds.
        rows: estimated rows of its table, runtime_s: seconds of its last evaluation; None when not known.
    """

    name: str
    fqn: str
    kind: str
    role: str
    start: str
    end: str
    full_history: bool
    why: str
    parents: tuple[str, ...]
    intervals: tuple[Interval, ...]
    rows: int | None = None
    runtime_s: float | None = None


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """Everything that a restatement touches.

    Attributes:
        entries: the selectors as asked for; window: as asked for, "" where left to SQLMesh.
        models: in the order of evaluation.
        restated: names of all models that SQLMesh restates, sorted.
        untouched: selected or downstream models that are never restated, with the reason.
        environments: development environments whose intervals are cleared, with the models concerned.
        marts: affected models that consumers see: with a version in the name, or read by no other one if none has one.
    """

    entries: tuple[str, ...]
    environment: str
    start: str
    end: str
    models: tuple[AffectedModel, ...]
    restated: tuple[str, ...] = ()
    untouched: dict[str, str] = field(default_factory=dict)
    environments: dict[str, tuple[str, ...]] = field(default_factory=dict)
    marts: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    def identity(self) -> dict[str, Any]:
        """The part that an approval is given for: what is touched, from when on, and what was asked for.

        Where a window ends is left out where the clock decides it, and so are rows and runtimes: with them an approval
        would lapse by the passing of time.
        """
        models = [
            {"name": m.name, "kind": m.kind, "start": m.start, "why": m.why} for m in self.models if m.role != "missing"
        ]
        return {
            "entries": sorted(self.entries),
            "environment": self.environment,
            "start": self.start,
            "end": self.end,
            "models": sorted(models, key=lambda m: m["name"]),
            "untouched": self.untouched,
            "environments": {name: sorted(models) for name, models in self.environments.items()},
        }
