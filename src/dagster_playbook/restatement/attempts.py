"""Restatements as they were planned first, each in a file that is on disk before anything is evaluated."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dagster_playbook.durable import write_whole
from dagster_playbook.errors import PlatformError, on_disk

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """What one model has to go through: merged intervals in epoch milliseconds, of one version of it.

    Attributes:
        whole: it cannot be restated in parts, so that nothing of it counts before all of it is done.
        done: what was found to be evaluated when the restatement went on the last time.
    """

    fqn: str
    name: str
    version: str
    intervals: tuple[Interval, ...]
    whole: bool
    done: tuple[Interval, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A restatement as it was planned first.

    Attributes:
        key: names the restatement over all its attempts, e.g. Dagster's root run id.
        since_ms: SQLMesh's clock just before the first attempt, epoch milliseconds.
        asked: the selectors and the window as asked for.
    """

    key: str
    since_ms: int
    asked: dict[str, Any] = field(default_factory=dict)
    models: tuple[PlannedModel, ...] = ()


class Attempts:
    """A folder with one file for each restatement, written whole before anything is evaluated."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, key: str) -> Attempt | None:
        """The restatement of that key, None when there was no attempt.

        Raises:
            PlatformError: the file cannot be read, so it is not known what is left.
        """
        path = self._path(key)
        if not path.is_file():
            return None
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            models = tuple(
                PlannedModel(**{**entry, "intervals": _pairs(entry["intervals"]), "done": _pairs(entry["done"])})
                for entry in data.pop("models")
            )
            return Attempt(models=models, **data)
        except (ValueError, KeyError, TypeError) as error:
            raise PlatformError(f"the record of the restatement {key} cannot be read", path=str(path)) from error

    def write(self, attempt: Attempt) -> None:
        """Keep an attempt; it is on disk when this returns.

        Raises:
            PlatformError: the disk refuses; what was kept before still is.
        """
        path = self._path(attempt.key)
        with on_disk("the record of the restatement cannot be written", path, PlatformError):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(asdict(attempt)))

    def _path(self, key: str) -> Path:
        if not key or not all(c.isalnum() or c in "-_" for c in key):
            raise PlatformError(f"{key!r} cannot name a restatement")
        return self.folder / f"{key}.json"


def _pairs(intervals: list[list[int]]) -> tuple[Interval, ...]:
    return tuple((start, end) for start, end in intervals)
