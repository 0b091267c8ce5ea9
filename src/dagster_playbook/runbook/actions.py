"""What each kind of step does: one function a kind, each returning the step's result as plain data.

A result is what `expect=` and later steps read, e.g. `rows`, `value`, `hash`, `run_id`. A step that did not come out as
it should raises `StepFailedError`; what could not be asked at all raises `PlatformError`.
"""

from __future__ import annotations

import decimal
import math
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dagster_playbook.approval.envelope import REFUSED_TAG, TAG
from dagster_playbook.claims.runbook_model import Kind, Step
from dagster_playbook.errors import BusyError, PlatformError, RunbookError
from dagster_playbook.failure import busy
from dagster_playbook.runbook import commands, fill
from dagster_playbook.runbook.commands import Command
from dagster_playbook.runbook.models_done import telling_models
from dagster_playbook.runbook.output import Output
from dagster_playbook.runbook.platform_actions import dagster, nessie, run_result
from dagster_playbook.runbook.surroundings import StepFailedError, Surroundings
from dagster_playbook.services import living
from dagster_playbook.services.dagster_runs import ANCHOR_TAG, RUN_TAG, Launch, LaunchRefusedError, Progress

_NO_RETRIES = {"dagster/max_retries": "0"}


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
    here, key = around.dagster(), around.run_key(step)
    follow, causes = _remembering(around.progress)
    parent = str(scope[step.reexecutes]) if step.reexecutes else ""
    if again and (found := here.find(key)):
        if found.is_in_flight:
            around.progress("wait", "", f"run {found.run_id} is in flight")
        if not found.is_success:
            # one that has failed may be about to be retried by Dagster itself
            with telling_models(around.settings, around.progress):
                found = here.follow(found.run_id, around.progress, timeout_s=step.timeout_s)
        if found.is_success:
            return run_result(found)
        parent = found.run_id
    config = fill.yaml_of(step, scope)
    if parent and not config:
        failed = here.show(parent)
        if failed is None:
            raise PlatformError(f"Dagster has no run {parent}")
        config = failed.config
    tags = {RUN_TAG: around.run_id, ANCHOR_TAG: around.anchor()}
    if around.asks(step):
        tags |= {TAG: around.approval, **_NO_RETRIES}
    launch = Launch(step.subject, config, key, tags, parent)
    try:
        with telling_models(around.settings, around.progress):
            run = here.launch(launch, follow, timeout_s=step.timeout_s)
    except LaunchRefusedError as error:
        place, cure = step.location, "change the block to what the job takes, and start a new run"
        raise LaunchRefusedError(error.message, path=place.path, line=place.line, cure=cure) from error
    if not run.is_success:
        if (reason := run.tags.get(REFUSED_TAG)) and run.root_run_id in ("", run.run_id):
            around.not_admitted(step, reason)
        if causes and all(map(busy, causes)):
            # nothing was begun: the first thing that a run does is to open the file
            raise BusyError(f"the run {run.run_id} of {run.job} was not begun: {busy(causes[-1])}")
        why = f": {causes[-1]}" if causes else ""
        raise StepFailedError(f"the run {run.run_id} of {run.job} ended as {run.status}{why}", run_result(run))
    return run_result(run)


def _remembering(progress: Progress) -> tuple[Progress, list[str]]:
    """The same progress, and a list that fills with why Dagster's steps failed."""
    causes: list[str] = []

    def told(kind: str, step: str, message: str) -> None:
        if kind == "STEP_FAILURE":
            causes.append(message)
        progress(kind, step, message)

    return told, causes


def _command(step: Step, scope: Mapping[str, Any], around: Surroundings, again: bool) -> dict[str, Any]:
    if again and not step.changes_nothing:
        raise RunbookError(
            f"step {step.id!r} was cut while its command ran, and it is not known what it did",
            cure=f"look, then resume with --again {step.id} to run it once more, or with --done {step.id}",
        )
    arguments = fill.arguments_of(step, scope)
    output = Output(around.evidence(step), around.redactor)
    command = Command(arguments, around.settings.root, _environment(step, around), step.timeout_s)
    try:
        ended = commands.run(command, output, lambda started: around.written_down(step.id, started))
    except KeyboardInterrupt as error:
        around.interrupted.update({**output.as_result(), **_still_there(error)})
        raise
    result = {"exit_code": ended.exit_code, **output.as_result(), "arguments": arguments}
    if ended.left:
        result["left_running"] = ended.left
    if ended.is_late:
        rest = f"; it could not be stopped: {living.shown(ended.left)}" if ended.left else ""
        raise StepFailedError(f"{arguments[0]!r} took longer than {step.timeout_s:g} s and was stopped{rest}", result)
    if ended.exit_code != 0 and not step.expect:
        last = output.tail.strip().splitlines()[-1:] or [""]
        raise StepFailedError(f"{arguments[0]!r} ended with {ended.exit_code}: {last[0][:300]}", result)
    return result


def _environment(step: Step, around: Surroundings) -> dict[str, str]:
    # the tools of this environment are found also when it was not activated
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, **around.variables(), "PATH": path, living.MARK: around.run_key(step)}


def _still_there(error: BaseException) -> dict[str, Any]:
    """What could not be stopped, for the journal."""
    left = error.__cause__.left if isinstance(error.__cause__, commands.CommandStoppedError) else []
    return {"left_running": left} if left else {}


def _query(step: Step, scope: Mapping[str, Any], around: Surroundings, _: bool) -> dict[str, Any]:
    from dagster_playbook.services.query import QueryRefusedError, ask

    sql = fill.sql_of(step, scope)
    try:
        answer = ask(step.subject, sql, around.settings, timeout_s=step.timeout_s)
    except QueryRefusedError as error:
        # what cannot be read is an answer: the way back must be taken
        raise StepFailedError(error.message, {"sql": sql}) from error
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
    """A value of a query that JSON and a comparison can take: a decimal becomes a number, a date or NaN its text."""
    if isinstance(value, decimal.Decimal) and value.is_finite():
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


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
    Kind.NESSIE: nessie,
    Kind.DAGSTER: dagster,
    Kind.FACTS: _facts,
    Kind.ASK: _ask,
}
