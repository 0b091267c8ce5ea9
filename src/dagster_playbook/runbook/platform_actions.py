"""Steps that ask or change Nessie and Dagster directly."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from dagster_playbook.claims.runbook_model import Step
from dagster_playbook.errors import PlatformError
from dagster_playbook.runbook import fill
from dagster_playbook.runbook.surroundings import StepFailedError, Surroundings
from dagster_playbook.services.dagster_runs import IN_FLIGHT, DagsterRun


def run_result(run: DagsterRun) -> dict[str, Any]:
    """What a step keeps of a Dagster run; the tags are the platform's own."""
    told = {k: v for k, v in run.tags.items() if not k.startswith(("dagster/", "playbook/", "."))}
    return {"run_id": run.run_id, "status": run.status, "root_run_id": run.root_run_id, "tags": told}


def nessie(step: Step, scope: Mapping[str, Any], _: Surroundings, again: bool) -> dict[str, Any]:
    """Read a reference, its history, or whether a commit is on it; or move a reference."""
    from dagster_playbook.services.nessie import NessieClient

    uri = os.environ.get("NESSIE_URI", "")
    if not uri:
        raise PlatformError("NESSIE_URI is not set", cure="start the stack: `playbook stack up`, then its variables")
    asked = fill.yaml_of(step, scope)
    with NessieClient(uri) as client:
        if step.subject == "assign":
            return _assign(client, asked, again)
        name = str(asked.get("name", ""))
        found = client.get_reference(name)
        result = {"name": found.name, "hash": found.hash, "type": found.kind.value, "rows": 1, "value": found.hash}
        if step.subject == "reference":
            return result
        if step.subject == "commits":
            wanted = str(asked.get("hash", ""))
            return {**result, "rows": int(client.is_on(name, wanted)), "value": wanted}
        commits = [c.hash for c in client.history(name, limit=int(asked.get("limit", 20)))]
        return {**result, "rows": len(commits), "commits": commits}


def _assign(client: Any, asked: Mapping[str, Any], again: bool) -> dict[str, Any]:
    """Move a reference by compare-and-set; begun before, it is enough that it is where it should be."""
    from dagster_playbook.services.nessie_model import Reference, ReferenceConflictError

    now = client.get_reference(str(asked["name"]))
    target = str(asked["hash"])
    result = {"name": now.name, "hash": target, "type": now.kind.value, "previous": now.hash, "rows": 1}
    if again and now.hash == target:
        return result
    expected = str(asked.get("expected") or now.hash)
    if expected != now.hash:
        raise StepFailedError(f"{now.name} is at {now.hash}, not at {expected}: somebody moved it", result)
    try:
        client.assign_reference(now, Reference(str(asked.get("branch", "main")), now.kind.__class__("BRANCH"), target))
    except ReferenceConflictError as error:
        raise StepFailedError(str(error), result) from error
    return result


def dagster(step: Step, scope: Mapping[str, Any], around: Surroundings, _: bool) -> dict[str, Any]:
    """List the runs of others, cancel a run, or tell what a broken restatement left."""
    asked = fill.yaml_of(step, scope)
    here = around.dagster()
    if step.subject == "runs":
        statuses = asked.get("statuses") or IN_FLIGHT
        found = here.runs(jobs=asked.get("jobs") or (), statuses=statuses)
        mine = [run for run in found if not run.tags.get("playbook/run_key", "").startswith(f"{around.run_id}/")]
        table = [{"run_id": run.run_id, "job": run.job, "status": run.status} for run in mine]
        return {"rows": len(table), "table": table, "run_id": table[0]["run_id"] if table else ""}
    run_id = str(asked.get("run", ""))
    run = here.show(run_id)
    if run is None:
        raise StepFailedError(f"Dagster has no run {run_id}")
    if step.subject == "cancel":
        run = here.cancel(run_id) if run.is_in_flight else run
        return run_result(run)
    return _remaining(run, around)


def _remaining(run: DagsterRun, around: Surroundings) -> dict[str, Any]:
    """What a failed restatement left to do, by SQLMesh's own records."""
    from dagster_playbook.restatement.recovery import left_of

    found = left_of(around.settings, run.root_run_id or run.run_id)
    return {
        "run_id": run.run_id,
        "status": run.status,
        "begun": found.begun,
        "rows": len(found.left),
        "models": list(found.left),
        "done": list(found.done),
    }
