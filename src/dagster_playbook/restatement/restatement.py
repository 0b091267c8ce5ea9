"""Restate exactly once: an attempt is written down before it starts, and a second one does only what is left.

SQLMesh restates whatever a plan names from the beginning, so a run that failed after 18 of 20 models and is retried
restates those 18 again. Here the plan of the first attempt is kept: which intervals of which version of each model it
would evaluate. SQLMesh records every evaluated and audited interval in its state; what is planned and not recorded
since the attempt began is left. A model is evaluated after everything it reads, so what is left is closed downstream.

A Dagster op uses it through a context factory:

    book = Book(Attempts(folder), root_run_id, evidence=folder / "evaluations.jsonl")
    resource.run(..., context_factory=reconciling(book, open_context))
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_playbook.restatement.attempts import Attempt, Attempts, Interval, PlannedModel

if TYPE_CHECKING:
    from sqlmesh.core.context import Context
    from sqlmesh.core.plan import Plan, PlanBuilder


@dataclass(frozen=True, slots=True)
class Book:
    """Where one restatement is kept.

    Attributes:
        key: names it over all its attempts, e.g. Dagster's root run id.
        evidence: JSON lines with `root_run_id`, `model`, `start`, `end` and `succeeded` that a run wrote for each
            evaluation; what SQLMesh's state says of them is lost once its janitor compacts it.
        asked: the selectors and the window as asked for.
    """

    attempts: Attempts
    key: str
    evidence: Path | None = None
    asked: dict[str, Any] = field(default_factory=dict)


def remaining(book: Book, attempt: Attempt, context: Context) -> dict[str, tuple[Interval, ...]]:
    """What is left of an attempt: fully-qualified name to intervals, the models that are done left out."""
    return left_over(with_what_is_done(book, attempt, context))


def with_what_is_done(book: Book, attempt: Attempt, context: Context) -> Attempt:
    """The attempt with everything that SQLMesh's state, the evidence and the attempt itself know to be done."""
    from dagster_playbook.restatement.sqlmesh_plan import merged

    recorded = evaluated_since(context, attempt.since_ms, {(m.fqn, m.version) for m in attempt.models})
    written = written_down(book.evidence, book.key)
    models = (
        replace(m, done=merged([*m.done, *recorded.get((m.fqn, m.version), ()), *written.get(m.name, ())]))
        for m in attempt.models
    )
    return replace(attempt, models=tuple(models))


def written_down(evidence: Path | None, key: str) -> dict[str, list[Interval]]:
    """The successful evaluations of a restatement that its runs wrote down, by model name as written."""
    found: dict[str, list[Interval]] = defaultdict(list)
    if evidence is None or not evidence.is_file():
        return found
    for line in evidence.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
            if entry["root_run_id"] == key and entry["succeeded"] and entry.get("environment", "prod") == "prod":
                found[entry["model"]].append((_epoch_ms(entry["start"]), _epoch_ms(entry["end"])))
        except (ValueError, KeyError, TypeError):
            continue  # a line that a crash cut short says nothing
    return found


def _epoch_ms(text: str) -> int:
    return round(dt.datetime.fromisoformat(text).timestamp() * 1000)


def left_over(attempt: Attempt) -> dict[str, tuple[Interval, ...]]:
    """What is planned and not done, by fully-qualified name."""
    from dagster_playbook.restatement.sqlmesh_plan import without

    left = {}
    for model in attempt.models:
        rest = without(model.intervals, model.done)
        if rest:
            left[model.fqn] = model.intervals if model.whole else rest
    return left


def evaluated_since(
    context: Context, since_ms: int, versions: set[tuple[str, str]] | None = None
) -> dict[tuple[str, str], list[Interval]]:
    """The intervals that SQLMesh has recorded as evaluated from a moment on, by fully-qualified name and version.

    One entry for each evaluation, so a model that was evaluated twice has two. Intervals that SQLMesh compacted since
    are no evidence of when they were evaluated and are left out.
    """
    from sqlglot import exp

    # the records themselves have no public reader: StateReader merges them into what is there, whenever it came
    state: Any = context.state_sync
    intervals = getattr(state, "state_sync", state).interval_state
    query = (
        exp.select("name", "version", "start_ts", "end_ts")
        .from_(intervals.intervals_table)
        .where(exp.column("created_ts") >= since_ms)
        .where("NOT is_dev AND NOT is_removed AND NOT is_compacted AND NOT is_pending_restatement")
        .order_by("created_ts")
    )
    found: dict[tuple[str, str], list[Interval]] = defaultdict(list)
    for name, version, start, end in intervals.engine_adapter.fetchall(query, quote_identifiers=True):
        if versions is None or (name, version) in versions:
            found[name, version].append((int(start), int(end)))
    return dict(found)


def reconciling(book: Book, open_context: Callable[..., Context]) -> Callable[..., Context]:
    """A context factory whose context restates exactly once under the book's key.

    The first plan that restates anything is written down; every later one is cut down to what is left of it. A plan
    without a restatement is not touched.
    """

    def factory(**options: Any) -> Context:
        context = open_context(**options)
        context.PLAN_BUILDER_TYPE = _narrowing_builder(context, book)
        return context

    return factory


def _narrowing_builder(context: Context, book: Book) -> type[PlanBuilder]:
    from sqlmesh.core.plan import PlanBuilder

    class NarrowingPlanBuilder(PlanBuilder):
        """Builds SQLMesh's plan and leaves in it what no earlier attempt has finished."""

        narrowed: Plan | None = None

        def build(self) -> Plan:
            if self.narrowed is None:
                plan = super().build()
                self.narrowed = narrow(plan, context, book) if plan.restatements else plan
            return self.narrowed

    return NarrowingPlanBuilder


def narrow(plan: Plan, context: Context, book: Book) -> Plan:
    """The plan without what an earlier attempt finished; the first attempt's plan is kept, and returned whole."""
    attempt = book.attempts.read(book.key)
    if attempt is None:
        book.attempts.write(planned_attempt(plan, context, book.key, book.asked))
        return plan
    # what only the state knows is kept here before anything runs: the end of a run makes the state forget it
    attempt = with_what_is_done(book, attempt, context)
    book.attempts.write(attempt)
    current = {snapshot.name: snapshot for snapshot in plan.snapshots.values()}
    left = left_over(attempt)
    known = {model.fqn: model.version for model in attempt.models}
    restatements = {}
    for s_id, window in plan.restatements.items():
        if known.get(s_id.name) != current[s_id.name].version:
            restatements[s_id] = window  # a version that the first attempt did not know is restated as planned now
        elif s_id.name in left:
            restatements[s_id] = (left[s_id.name][0][0], left[s_id.name][-1][1])
    narrowed = plan.model_copy(update={"restatements": restatements})
    for cached in set(narrowed.__dict__) - set(type(plan).model_fields):
        del narrowed.__dict__[cached]
    return narrowed


def planned_attempt(plan: Plan, context: Context, key: str, asked: dict[str, Any]) -> Attempt:
    """A plan as it is to be written down; the intervals are those of SQLMesh's own backfill stages."""
    from sqlmesh.utils.date import now_timestamp

    from dagster_playbook.restatement.sqlmesh_plan import planned_intervals

    planned = planned_intervals(plan, context.state_reader, context.default_catalog)
    restated = {s_id.name: plan.snapshots[s_id] for s_id in plan.restatements}
    models = tuple(
        PlannedModel(
            fqn=fqn,
            name=snapshot.model.name,
            version=str(snapshot.version),
            intervals=planned[fqn],
            whole=bool(snapshot.full_history_restatement_only or snapshot.depends_on_past),
        )
        for fqn, snapshot in restated.items()
        if fqn in planned
    )
    return Attempt(key, now_timestamp(), asked, models)
