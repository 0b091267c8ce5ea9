"""What a SQLMesh plan will evaluate, asked from SQLMesh's own plan builder and stages: nothing is guessed, or applied.

Intervals are pairs of epoch milliseconds in UTC, start inclusive and end exclusive, as SQLMesh keeps them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlmesh.core.analytics import disable_analytics
from sqlmesh.core.config import DuckDBConnectionConfig
from sqlmesh.core.config.loader import load_configs
from sqlmesh.core.console import NoopConsole, set_console
from sqlmesh.core.plan import Plan
from sqlmesh.core.plan.stages import BackfillStage, build_plan_stages
from sqlmesh.core.snapshot import Snapshot
from sqlmesh.core.state_sync import StateReader

from dagster_playbook.errors import PlatformError
from dagster_playbook.failure import platform_error
from dagster_playbook.settings import SqlmeshProject
from dagster_playbook.workers.sqlmesh_reader import ReadOnlyContext

Interval = tuple[int, int]


class PlanningContext(ReadOnlyContext):
    """SQLMesh's Context for the plan of a restatement of production.

    SQLMesh makes such a plan from what production holds and leaves local changes out; the local models are there for
    their names, tags and edges. So their columns are not inferred, and they are not turned into SQLMesh snapshots
    only to be replaced by the stored ones: on a large project these two are most of the time of a plan.
    """

    def _snapshots(self, models_override: Any = None) -> dict[str, Snapshot]:
        """The stored SQLMesh snapshots of the local models; models that production does not hold are made."""
        production = self.state_reader.get_environment("prod")
        held = self.state_reader.get_snapshots(production.snapshots).values() if production else ()
        stored = {snapshot.name: snapshot for snapshot in held}
        local = self._models.keys() | self._standalone_audits.keys()
        if local <= stored.keys():
            return {name: stored[name] for name in local}
        return {**super()._snapshots(models_override), **{name: stored[name] for name in local & stored.keys()}}


@contextmanager
def collector_paused() -> Iterator[None]:
    """Leave garbage alone: a loaded project is millions of objects that live on, and the collector walks them all."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def open_planning_context(root: Path, project: SqlmeshProject) -> PlanningContext:
    """Load a project together with its state, which has to be there: planning makes none.

    Raises:
        PlatformError: SQLMesh refuses the project, it was never deployed, or its state is locked or unreachable.
    """
    disable_analytics()
    set_console(NoopConsole())
    cure = f"make `sqlmesh -p {project.path} info` succeed; a DuckDB file has one writer, so wait for a run in flight"
    try:
        _refuse_missing_state(root, project)
        context = PlanningContext(
            paths=str(root / project.path),
            gateway=project.gateway or None,
            config_loader_kwargs={"sqlmesh_path": root / project.path / ".no-personal-settings"},
            load=False,
        )
        state: Any = context._new_state_sync()
        # whoever asks for a table of a state that is busy or away is told that there is none; a query says why
        state.engine_adapter.fetchone("SELECT 1")
        if state.get_versions(validate=False).schema_version == 0:
            raise _never_deployed(project)
        context.load(update_schemas=False)
        if context.state_reader.get_environment("prod") is None:
            raise _never_deployed(project)
    except Exception as error:
        raise platform_error(error, "SQLMesh cannot plan", cure, root / project.path, within=project.path) from error
    return context


def close_context(context: PlanningContext) -> None:
    """Let go of every connection: SQLMesh's own close leaves an engine open that was only asked.

    DuckDB's file has one writer, and the run that is planned comes next.
    """
    context.close()
    for adapter in context.engine_adapters.values():
        adapter.close()


def _refuse_missing_state(root: Path, project: SqlmeshProject) -> None:
    """Opening a DuckDB file that is not there would make one."""
    folder = root / project.path
    config = load_configs(None, _config_class(), [folder], sqlmesh_path=folder / ".no-personal-settings")[folder]
    gateway = project.gateway or config.default_gateway_name
    connection = config.get_state_connection(gateway) or config.get_connection(gateway)
    if isinstance(connection, DuckDBConnectionConfig) and connection.database not in (None, ":memory:"):
        path = Path(str(connection.database))
        if not (path if path.is_absolute() else Path.cwd() / path).is_file():
            raise _never_deployed(project)


def _config_class() -> Any:
    from sqlmesh.core.config import Config

    return Config


def _never_deployed(project: SqlmeshProject) -> PlatformError:
    return PlatformError(
        "nothing was deployed yet: SQLMesh has no state to plan against",
        cure="run every model once first: playbook run runbooks/run-all-assets.md",
        path=project.path,
    )


def planned_intervals(plan: Plan, state: StateReader, default_catalog: str | None) -> dict[str, tuple[Interval, ...]]:
    """What the plan's backfill stages will evaluate: fully-qualified name to merged intervals.

    This is the same call that SQLMesh makes when it applies the plan.
    """
    stages = build_plan_stages(plan.to_evaluatable(), state, default_catalog)
    planned: dict[str, tuple[Interval, ...]] = {}
    for stage in stages:
        if isinstance(stage, BackfillStage):
            for snapshot, intervals in stage.snapshot_to_intervals.items():
                planned[snapshot.name] = merged(intervals)
    # building the stages cuts the restated intervals out of the plan's own snapshots
    state.refresh_snapshot_intervals(plan.snapshots.values())
    return planned


def merged(intervals: Iterable[Iterable[int]]) -> tuple[Interval, ...]:
    """Intervals in order, the ones that touch or overlap joined."""
    result: list[Interval] = []
    for start, end in sorted((int(s), int(e)) for s, e in intervals):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        elif start < end:
            result.append((start, end))
    return tuple(result)


def without(intervals: Iterable[Interval], removed: Iterable[Interval]) -> tuple[Interval, ...]:
    """What is left of some intervals when others are cut out."""
    left = list(merged(intervals))
    for cut_start, cut_end in merged(removed):
        left = [
            piece
            for start, end in left
            for piece in ((start, min(end, cut_start)), (max(start, cut_end), end))
            if piece[0] < piece[1]
        ]
    return tuple(left)
