"""What each kind of step does: one function a kind, each returning the step's result as plain data.

A result is what `expect=` and later steps read, e.g. `rows`, `value`, `hash`, `run_id`. A step that did not come out as
it should raises `StepFailedError`; what could not be asked at all raises `PlatformError`.
"""

from __future__ import annotations

import decimal
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_playbook.approval.envelope import TAG
from dagster_playbook.claims.runbook_model import Kind, Step
from dagster_playbook.errors import PlatformError, RunbookError
from dagster_playbook.platform.dagster_runs import IN_FLIGHT, Dagster, DagsterRun, Launch, Progress
from dagster_playbook.runbook import fill
from dagster_playbook.settings import Settings

#: asks a person: (step id, question) -> answer
Asker = Callable[[str, str], str]
_OUTPUT_CHARACTERS = 200_000
_NO_RETRIES = {"dagster/max_retries": "0"}


class StepFailedError(RunbookError):
    """A step was carried out and did not come out as it should; `result` is what it gave."""

    def __init__(self, message: str, result: dict[str, Any] | None = None, *, cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.result = result or {}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What actions work with.

    Attributes:
        run_id: of the runbook's run; with the step's id it is the run key of everything that is started.
        approval: the encoded approval for the tag of approved runs, "" when there is none.
        head: gives the journal's newest hash, which goes into the tags of started runs as an anchor outside.
        values_of_facts: gives the platform's facts by dotted key.
    """

    settings: Settings
    run_id: str
    dagster: Callable[[], Dagster]
    ask: Asker
    progress: Progress
    values_of_facts: Callable[[], Mapping[str, Any]]
    head: Callable[[], str]
    approval: str = ""

    def run_key(self, step: Step) -> str:
        """The name under which a step's effect is found again."""
        return f"{self.run_id}/{step.id}"


def perform(step: Step, scope: Mapping[str, Any], around: Surroundings, *, again: bool = False) -> dict[str, Any]:
    """Carry a step out.

    Args:
        scope: parameters by name, and `steps` with earlier results.
        again: the step was begun before and it is not known how that ended.

    Raises:
        StepFailedError: it came out wrong. PlatformError: it could not be asked. RunbookError: it must not be repeated.
    """
    return _ACTIONS[step.kind](step, scope, around, again)


def _job(step: Step, scope: Mapping[str, Any], around: Surroundings, again: bool) -> dict[str, Any]:
    dagster, key = around.dagster(), around.run_key(step)
    parent = str(scope[step.reexecutes]) if step.reexecutes else ""
    if again and (found := dagster.find(key)):
        if found.is_in_flight:
            around.progress("wait", "", f"run {found.run_id} is in flight")
            found = _waited(dagster, found, step)
        if found.is_success:
            return _job_result(found)
        parent = found.run_id
    config = fill.yaml_of(step, scope)
    if parent and not config:
        failed = dagster.show(parent)
        if failed is None:
            raise PlatformError(f"Dagster has no run {parent}")
        config = failed.config
    tags = {"playbook/journal_head": around.head()}
    if step.approve:
        tags |= {TAG: around.approval, **_NO_RETRIES}
    launch = Launch(step.subject, config, key, tags, parent)
    run = dagster.launch(launch, around.progress, timeout_s=step.timeout_s)
    if not run.is_success:
        raise StepFailedError(f"the run {run.run_id} of {run.job} ended as {run.status}", _job_result(run))
    return _job_result(run)


def _waited(dagster: Dagster, run: DagsterRun, step: Step) -> DagsterRun:
    import time

    deadline = time.monotonic() + (step.timeout_s or 24 * 3600)
    while run.is_in_flight:
        if time.monotonic() > deadline:
            raise PlatformError(f"the run {run.run_id} is still in flight")
        time.sleep(1.0)
        run = dagster.show(run.run_id) or run
    return run


def _job_result(run: DagsterRun) -> dict[str, Any]:
    told = {k: v for k, v in run.tags.items() if not k.startswith(("dagster/", "playbook/", "."))}
    return {"run_id": run.run_id, "status": run.status, "root_run_id": run.root_run_id, "tags": told}


def _command(step: Step, scope: Mapping[str, Any], around: Surroundings, again: bool) -> dict[str, Any]:
    if again and not step.changes_nothing:
        raise RunbookError(
            f"step {step.id!r} was cut while its command ran, and it is not known what it did",
            cure=f"look, then resume with --again {step.id} to run it once more, or with --done {step.id}",
        )
    arguments = fill.arguments_of(step, scope)
    # the tools of this environment are found also when it was not activated
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path, "PLAYBOOK_RUN_KEY": around.run_key(step)}
    try:
        done = subprocess.run(
            arguments,
            cwd=around.settings.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=step.timeout_s or None,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise PlatformError(f"{arguments[0]!r} cannot be run: {error.strerror or error}") from error
    except subprocess.TimeoutExpired as error:
        raise StepFailedError(f"{arguments[0]!r} took longer than {step.timeout_s:g} s and was stopped") from error
    output = done.stdout[-_OUTPUT_CHARACTERS:].rstrip("\n")
    result = {"exit_code": done.returncode, "output": output, "arguments": arguments}
    if done.returncode != 0 and not step.expect:
        last = done.stdout.strip().splitlines()[-1:] or [""]
        raise StepFailedError(f"{arguments[0]!r} ended with {done.returncode}: {last[0][:300]}", result)
    return result


def _query(step: Step, scope: Mapping[str, Any], around: Surroundings, _: bool) -> dict[str, Any]:
    from dagster_playbook.platform.query import ask

    sql = fill.sql_of(step, scope)
    answer = ask(step.subject, sql, around.settings, timeout_s=step.timeout_s)
    first = dict(zip(answer.columns, answer.rows[0], strict=True)) if answer.rows else {}
    plain = {name: _plain(value) for name, value in first.items()}
    return {
        **plain,
        "sql": sql,
        "rows": answer.count,
        "value": next(iter(plain.values()), None),
        "columns": list(answer.columns),
        "table": [[_plain(value) for value in row] for row in answer.rows[:50]],
    }


def _plain(value: Any) -> Any:
    """A value of a query that JSON and a comparison can take: a decimal becomes a number, a date its text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return float(value) if isinstance(value, decimal.Decimal) else str(value)


def _nessie(step: Step, scope: Mapping[str, Any], _: Surroundings, again: bool) -> dict[str, Any]:
    from dagster_playbook.platform.nessie import NessieClient

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
    from dagster_playbook.platform.nessie import Reference, ReferenceConflictError

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


def _dagster(step: Step, scope: Mapping[str, Any], around: Surroundings, _: bool) -> dict[str, Any]:
    asked = fill.yaml_of(step, scope)
    dagster = around.dagster()
    if step.subject == "runs":
        statuses = asked.get("statuses") or IN_FLIGHT
        found = dagster.runs(jobs=asked.get("jobs") or (), statuses=statuses)
        mine = [run for run in found if not run.tags.get("playbook/run_key", "").startswith(f"{around.run_id}/")]
        table = [{"run_id": run.run_id, "job": run.job, "status": run.status} for run in mine]
        return {"rows": len(table), "table": table, "run_id": table[0]["run_id"] if table else ""}
    run_id = str(asked.get("run", ""))
    run = dagster.show(run_id)
    if run is None:
        raise StepFailedError(f"Dagster has no run {run_id}")
    if step.subject == "cancel":
        run = dagster.cancel(run_id) if run.is_in_flight else run
        return _job_result(run)
    return _remaining(run, around)


def _remaining(run: DagsterRun, around: Surroundings) -> dict[str, Any]:
    """What a failed restatement left to do, by SQLMesh's own records."""
    from dagster_playbook.platform.recovery import left_of

    found = left_of(around.settings, run.root_run_id or run.run_id)
    return {
        "run_id": run.run_id,
        "status": run.status,
        "begun": found.begun,
        "rows": len(found.left),
        "models": list(found.left),
        "done": list(found.done),
    }


def _facts(step: Step, scope: Mapping[str, Any], around: Surroundings, _: bool) -> dict[str, Any]:
    wanted = fill.yaml_of(step, scope)
    values = around.values_of_facts()
    wrong = {k: values.get(k) for k, v in wanted.items() if k not in values or values[k] != v}
    if wrong:
        told = "; ".join(f"{key} is {values.get(key)!r}, not {wanted[key]!r}" for key in wrong)
        raise StepFailedError(told, {"facts": wrong})
    return {"facts": wanted}


def _ask(step: Step, scope: Mapping[str, Any], around: Surroundings, _: bool) -> dict[str, Any]:
    from dagster_playbook.claims import placeholder
    from dagster_playbook.claims.expression import lookup

    question = step.fence.body
    for name in placeholder.names(question):
        value = lookup(name, scope)
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        question = question.replace(f"{{{{ {name} }}}}", shown)
    answer = around.ask(step.id, question).strip()
    if step.subject and answer.lower() != step.subject.lower():
        raise StepFailedError(f"the answer was {answer!r}, not {step.subject!r}", {"answer": answer})
    return {"answer": answer}


_ACTIONS: dict[Kind, Callable[[Step, Mapping[str, Any], Surroundings, bool], dict[str, Any]]] = {
    Kind.JOB: _job,
    Kind.COMMAND: _command,
    Kind.QUERY: _query,
    Kind.NESSIE: _nessie,
    Kind.DAGSTER: _dagster,
    Kind.FACTS: _facts,
    Kind.ASK: _ask,
}


def evidence_path(folder: Path, seq: int, step: Step) -> Path:
    """Where a step's result is kept in the run's folder."""
    return folder / "evidence" / f"{seq:04d}-{step.id}.json"
