"""Whether SQLMesh is writing to the branch while another job wants it at rest."""

import datetime as dt

import dagster as dg

from .sqlmesh_asset import OP_NAME

IN_FLIGHT = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]

NOT_BEGUN = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.QUEUED]


class WritingError(Exception):
    """SQLMesh writes, or wrote meanwhile; nothing was changed."""


def refuse_in_flight(instance: dg.DagsterInstance, since: dt.datetime) -> None:
    """Refuse while SQLMesh writes, or when it wrote since `since`.

    Raises:
        WritingError: a run of the op `sqlmesh_project` is in flight, or ended after `since`.
    """
    running = [record.dagster_run for record in instance.get_run_records(dg.RunsFilter(statuses=IN_FLIGHT))]
    ended = [record.dagster_run for record in instance.get_run_records(dg.RunsFilter(updated_after=since))]
    writing = {
        run.run_id: run for run in (*running, *ended) if run.status not in NOT_BEGUN and runs_sqlmesh(instance, run)
    }
    if writing:
        shown = ", ".join(f"{run.job_name} {run.run_id}" for run in writing.values())
        raise WritingError(f"SQLMesh is writing to the branch ({shown}); run this again when that run has ended")


def runs_sqlmesh(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the run's job holds the op `sqlmesh_project`."""
    if not run.job_snapshot_id or not instance.has_job_snapshot(run.job_snapshot_id):
        return False
    return OP_NAME in instance.get_job_snapshot(run.job_snapshot_id).node_names
