"""What a restatement would touch: models, windows and why they are as wide, environments; nothing changes."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_playbook.errors import PlatformError
from dagster_playbook.nearness import nearest
from dagster_playbook.restatement.affected_models import AffectedModel, BlastRadius, Interval
from dagster_playbook.settings import SqlmeshProject

if TYPE_CHECKING:
    from sqlmesh.core.context import Context
    from sqlmesh.core.plan import Plan
    from sqlmesh.core.snapshot import Snapshot

#: the version that this platform puts into the name of what consumers read, e.g. `oso.projects_v1`
_PUBLIC = re.compile(r"_v\d+$")


def blast_radius(
    root: Path,
    project: SqlmeshProject,
    entries: Sequence[str],
    *,
    start: str = "",
    end: str = "",
    evidence: Path | None = None,
) -> BlastRadius:
    """Ask SQLMesh what a restatement of these selectors in production would evaluate.

    Raises:
        PlatformError: an entry matches nothing, or SQLMesh cannot plan.
    """
    from dagster_playbook.failure import platform_error
    from dagster_playbook.restatement.sqlmesh_plan import close_context, collector_paused, open_planning_context

    with collector_paused():
        context = open_planning_context(root, project)
        try:
            return of_context(context, entries, start=start, end=end, evidence=evidence)
        except Exception as error:
            what, folder = "SQLMesh cannot plan the restatement", root / project.path
            raise platform_error(error, what, "", folder, within=project.path) from error
        finally:
            close_context(context)


def of_context(
    context: Context, entries: Sequence[str], *, start: str = "", end: str = "", evidence: Path | None = None
) -> BlastRadius:
    """The same on a context that is loaded with its state."""
    from dagster_playbook.restatement.sqlmesh_plan import planned_intervals

    selected = _selected(context, entries)
    plan = context.plan_builder(
        "prod",
        restate_models=list(entries),
        start=start or None,
        end=end or None,
        skip_tests=True,
        skip_linter=True,
    ).build()
    planned = planned_intervals(plan, context.state_reader, context.default_catalog)
    known_rows, runtimes = _rows(context, planned), _runtimes(evidence)
    models = [
        _affected(plan, plan.snapshots[s_id], selected, planned, known_rows, runtimes)
        for s_id in _in_order(plan)
        if s_id.name in planned
    ]
    return BlastRadius(
        entries=tuple(entries),
        environment="prod",
        start=start,
        end=end,
        models=tuple(models),
        restated=tuple(sorted(plan.snapshots[s_id].model.name for s_id in plan.restatements)),
        untouched=_untouched(context, plan, selected),
        environments=_environments(context, plan),
        marts=consumed(models, (model.name for model in context.models.values())),
    )


def consumed(affected: Sequence[AffectedModel], names: Iterable[str]) -> tuple[str, ...]:
    """The affected models that consumers see.

    Those with a version in the name, if the project, whose models `names` are, has such; else those that no other
    affected model reads.
    """
    read = {parent for model in affected for parent in model.parents}
    is_versioned = any(_PUBLIC.search(name) for name in names)
    return tuple(
        model.name
        for model in affected
        if model.role != "missing" and (_PUBLIC.search(model.name) if is_versioned else model.fqn not in read)
    )


def _selected(context: Context, entries: Sequence[str]) -> set[str]:
    selected: set[str] = set()
    for entry in entries:
        # the door that `plan --restate-model` itself goes through; there is no public one
        found = context._new_selector().expand_model_selections([entry])
        if not found:
            raise PlatformError(f"{entry!r} matches no model", cure=_cure(context, entry))
        selected |= found
    return selected


def _cure(context: Context, entry: str) -> str:
    """The tags that there are, or the model that was probably meant."""
    models = list(context.models.values())
    if "tag:" in entry:
        return "tags in use: " + ", ".join(sorted({tag for model in models for tag in model.tags}))
    names = [str(model.name) for model in models]
    if near := nearest(entry.strip("+"), frozenset(names)):
        return f"did you mean {near!r}?"
    return f"a name has its schema in front, as in {names[0]}" if names else "the project has no model"


def _in_order(plan: Plan) -> list[Any]:
    from sqlmesh.utils.dag import DAG

    dag: DAG[Any] = DAG()
    for s_id, snapshot in plan.snapshots.items():
        dag.add(s_id, [parent for parent in snapshot.parents if parent in plan.snapshots])
    return list(dag.sorted)


def _affected(
    plan: Plan,
    snapshot: Snapshot,
    selected: set[str],
    planned: dict[str, tuple[Interval, ...]],
    rows: dict[str, int],
    runtimes: dict[str, float],
) -> AffectedModel:
    window = plan.restatements.get(snapshot.snapshot_id)
    parents = sorted(p.name for p in snapshot.parents if p in plan.restatements)
    role = "missing" if window is None else "selected" if snapshot.name in selected else "downstream"
    name = snapshot.model.name
    return AffectedModel(
        name=name,
        fqn=snapshot.name,
        kind=str(snapshot.model_kind_name.value) if snapshot.model_kind_name else "",
        role=role,
        start=_iso(window[0]) if window else "",
        end=_iso(window[1]) if window else "",
        full_history=bool(window) and bool(snapshot.full_history_restatement_only),
        why=_why(plan, snapshot, role, parents),
        parents=tuple(parents),
        intervals=planned[snapshot.name],
        rows=rows.get(snapshot.name),
        runtime_s=runtimes.get(name),
    )


def _why(plan: Plan, snapshot: Snapshot, role: str, parents: list[str]) -> str:
    if role == "missing":
        return "intervals are due that no restatement asks for"
    short = [plan.context_diff.snapshots_by_name[p].model.name for p in parents]
    cause = "selected" if role == "selected" else "reads " + ", ".join(short)
    if snapshot.full_history_restatement_only:
        return (
            f"{cause}; {snapshot.model_kind_name.value if snapshot.model_kind_name else ''} restates its whole history"
        )
    if snapshot.depends_on_past:
        return f"{cause}; each interval needs the one before, so it restates to now"
    own = snapshot.get_removal_interval(plan.start, plan.end, plan.execution_time, strict=False)
    window = plan.restatements[snapshot.snapshot_id]
    if window[0] < own[0] or window[1] > own[1]:
        return f"{cause}; as wide as what it reads"
    unit = snapshot.node.interval_unit
    return f"{cause}; the window as asked for, in whole {unit.value if unit else 'interval'}s"


def _untouched(context: Context, plan: Plan, selected: set[str]) -> dict[str, str]:
    restated = {s_id.name for s_id in plan.restatements}
    reached = selected | {name for fqn in selected for name in context.dag.downstream(fqn)}
    found = {}
    for fqn in sorted(reached - restated):
        model = context.models.get(fqn)
        if model is None:
            continue
        if model.kind.is_seed:
            found[model.name] = "a seed is never restated: it is loaded anew when its file changes"
        elif model.disable_restatement:
            found[model.name] = "its `disable_restatement` is true"
        elif not model.kind.is_external:
            found[model.name] = "SQLMesh leaves it out of the plan"
    return found


def _environments(context: Context, plan: Plan) -> dict[str, tuple[str, ...]]:
    """Development environments that have intervals cleared; none with `virtual_environment_mode: dev_only`."""
    from sqlmesh.core.plan.common import identify_restatement_intervals_across_snapshot_versions

    if not plan.restate_all_snapshots or not plan.restatements:
        return {}
    evaluatable = plan.to_evaluatable()
    requests = identify_restatement_intervals_across_snapshot_versions(
        state_reader=context.state_reader,
        prod_restatements=evaluatable.restatements,
        disable_restatement_models=evaluatable.disabled_restatement_models,
        loaded_snapshots=dict(plan.snapshots),
    )
    found: dict[str, set[str]] = defaultdict(set)
    for request in requests.values():
        for environment in request.environment_names:
            found[environment].add(request.snapshot_id.name)
    return {name: tuple(sorted(models)) for name, models in sorted(found.items())}


def _rows(context: Context, planned: dict[str, Any]) -> dict[str, int]:
    """Estimated rows by model from DuckDB's own catalog; other engines are not asked, a count would cost a scan."""
    if context.engine_adapter.dialect != "duckdb":
        return {}
    found = context.engine_adapter.fetchall(
        "SELECT database_name, schema_name, table_name, estimated_size FROM duckdb_tables()", quote_identifiers=False
    )
    sizes = {f'"{catalog}"."{schema}"."{table}"': int(size) for catalog, schema, table, size in found}
    return {fqn: sizes[fqn] for fqn in planned if fqn in sizes}


def _runtimes(evidence: Path | None) -> dict[str, float]:
    """Seconds of each model's last evaluation, from the evidence that the platform's op keeps."""
    if evidence is None or not evidence.is_file():
        return {}
    found: dict[str, float] = {}
    for line in evidence.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
            started, finished = (dt.datetime.fromisoformat(entry[key]) for key in ("started", "finished"))
            found[str(entry["model"])] = round((finished - started).total_seconds(), 3)
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _iso(epoch_ms: int) -> str:
    return dt.datetime.fromtimestamp(epoch_ms / 1000, tz=dt.UTC).isoformat()
