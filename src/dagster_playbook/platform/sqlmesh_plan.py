"""What a SQLMesh plan will evaluate, asked from SQLMesh's own plan builder and stages: nothing is guessed, or applied.

Intervals are pairs of epoch milliseconds in UTC, start inclusive and end exclusive, as SQLMesh keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlmesh.core.analytics import disable_analytics
from sqlmesh.core.config import DuckDBConnectionConfig
from sqlmesh.core.config.loader import load_configs
from sqlmesh.core.console import NoopConsole, set_console
from sqlmesh.core.plan import Plan
from sqlmesh.core.plan.stages import BackfillStage, build_plan_stages
from sqlmesh.core.state_sync import StateReader

from dagster_playbook.errors import PlatformError
from dagster_playbook.platform.failure import platform_error
from dagster_playbook.platform.sqlmesh_reader import ReadOnlyContext
from dagster_playbook.settings import SqlmeshProject

Interval = tuple[int, int]


def open_planning_context(root: Path, project: SqlmeshProject) -> ReadOnlyContext:
    """Load a project together with its state, which has to be there: planning makes none.

    Raises:
        PlatformError: SQLMesh refuses the project, it was never deployed, or its state is locked or unreachable.
    """
    disable_analytics()
    set_console(NoopConsole())
    cure = f"make `sqlmesh -p {project.path} info` succeed; a DuckDB file has one writer, so wait for a run in flight"
    try:
        _refuse_missing_state(root, project)
        context = ReadOnlyContext(
            paths=str(root / project.path),
            gateway=project.gateway or None,
            config_loader_kwargs={"sqlmesh_path": root / project.path / ".no-personal-settings"},
            load=False,
        )
        if context._new_state_sync().get_versions(validate=False).schema_version == 0:
            raise _never_deployed(project)
        context.load()
        if context.state_reader.get_environment("prod") is None:
            raise _never_deployed(project)
    except Exception as error:
        raise platform_error(error, "SQLMesh cannot plan", cure, root / project.path, within=project.path) from error
    return context


def close_context(context: ReadOnlyContext) -> None:
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
