"""What SQLMesh itself evaluated, written down as it happens.

Dagster's materialisation events cannot tell: dagster-sqlmesh emits one for every asset after every run, whatever was
evaluated. SQLMesh's scheduler reports each interval after it was evaluated, audited and recorded in the state; these
reports are the evidence.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_sqlmesh.console import EventConsole, UpdateSnapshotEvaluationProgress

if TYPE_CHECKING:
    from sqlmesh.core.snapshot import Snapshot

FILE_NAME = "evaluations.jsonl"


@dataclass(kw_only=True)
class IntervalEvaluated(UpdateSnapshotEvaluationProgress):
    """dagster-sqlmesh's event with what it leaves out.

    Attributes:
        interval: start inclusive and end exclusive, in epoch milliseconds.
        audits_failed: how many audits did not hold.
    """

    interval: tuple[int, int]
    audits_failed: int


class IntervalConsole(EventConsole):  # type: ignore[no-untyped-call]
    """A console that passes the interval of each evaluation on."""

    def update_snapshot_evaluation_progress(
        self,
        snapshot: Snapshot,
        interval: tuple[int, int],
        batch_idx: int,
        duration_ms: int | None,
        num_audits_passed: int,
        num_audits_failed: int,
        *_: Any,
        **__: Any,
    ) -> None:
        """Called by SQLMesh's scheduler after each interval; `duration_ms` is None when the evaluation failed."""
        self.publish(
            IntervalEvaluated(
                snapshot=snapshot,
                batch_idx=batch_idx,
                duration_ms=duration_ms,
                interval=interval,
                audits_failed=num_audits_failed,
            )
        )


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One interval of one model, evaluated once; times are ISO 8601 in UTC.

    Attributes:
        run_id, root_run_id: Dagster's run, and the first run of the same chain of retries.
        environment: SQLMesh's environment, `prod` or `dev`.
        model: the name as written in the project; kind: SQLMesh's kind name.
        start, end: the evaluated interval, end exclusive.
        restated: the run was a restatement and the model one of those that it affects.
        succeeded: evaluated, audited and recorded in SQLMesh's state.
    """

    run_id: str
    root_run_id: str
    environment: str
    model: str
    kind: str
    start: str
    end: str
    started: str
    finished: str
    restated: bool
    succeeded: bool


@dataclass
class Recorder:
    """Appends each evaluation to the evidence file and keeps those of its own run.

    Give it to a console as a handler. Each line is flushed to disk before SQLMesh goes on, so that a killed run leaves
    everything that it finished.
    """

    path: Path
    run_id: str
    root_run_id: str
    affected: frozenset[str] = frozenset()
    environment: str = "prod"
    evaluations: list[Evaluation] = field(default_factory=list)

    def __call__(self, event: object) -> None:
        """Take note of an evaluated interval; every other event passes by."""
        if not isinstance(event, IntervalEvaluated):
            return
        finished = dt.datetime.now(dt.UTC)
        model = event.snapshot.model
        evaluation = Evaluation(
            run_id=self.run_id,
            root_run_id=self.root_run_id,
            environment=self.environment,
            model=model.name,
            kind=str(model.kind.name.value),
            start=utc(event.interval[0]),
            end=utc(event.interval[1]),
            started=(finished - dt.timedelta(milliseconds=event.duration_ms or 0)).isoformat(),
            finished=finished.isoformat(),
            restated=model.name in self.affected,
            succeeded=event.duration_ms is not None,
        )
        self.evaluations.append(evaluation)
        append_line(self.path, json.dumps(asdict(evaluation)))

    def by_model(self) -> dict[str, list[Evaluation]]:
        """The successful evaluations of production, by model."""
        grouped: dict[str, list[Evaluation]] = defaultdict(list)
        for evaluation in self.evaluations:
            if evaluation.succeeded and evaluation.environment == "prod":
                grouped[evaluation.model].append(evaluation)
        return dict(grouped)


def read(path: Path) -> Iterator[Evaluation]:
    """The evaluations in an evidence file, oldest first; a last line that a crash cut short is left out."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            yield Evaluation(**json.loads(line))


def append_line(path: Path, line: str) -> None:
    """Append one line and wait until it is on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())


def utc(epoch_ms: int) -> str:
    """Epoch milliseconds as ISO 8601."""
    return dt.datetime.fromtimestamp(epoch_ms / 1000, tz=dt.UTC).isoformat()
