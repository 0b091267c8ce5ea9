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
from pathlib import Path
from typing import Any

from dagster_playbook.approval.envelope import REFUSED_TAG, TAG
from dagster_playbook.claims.runbook_model import Kind, Step
from dagster_playbook.errors import PlatformError, RunbookError
from dagster_playbook.platform.dagster_runs import ANCHOR_TAG, RUN_TAG, Launch, LaunchRefusedError, Progress
from dagster_playbook.runbook import fill
from dagster_playbook.runbook.platform_actions import dagster, nessie, run_result
from dagster_playbook.runbook.surroundings import StepFailedError, Surroundings

_OUTPUT_CHARACTERS = 200_000
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
        run = here.launch(launch, follow, timeout_s=step.timeout_s)
    except LaunchRefusedError as error:
        place, cure = step.location, "change the block to what the job takes, and start a new run"
        raise LaunchRefusedError(error.message, path=place.path, line=place.line, cure=cure) from error
    if not run.is_success:
        if (reason := run.tags.get(REFUSED_TAG)) and run.root_run_id in ("", run.run_id):
            around.not_admitted(step, reason)
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
    # the tools of this environment are found also when it was not activated
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, **around.variables(), "PATH": path, "PLAYBOOK_RUN_KEY": around.run_key(step)}
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
    from dagster_playbook.platform.query import QueryRefusedError, ask

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
    """A value of a query that JSON and a comparison can take: a decimal becomes a number, a date its text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return float(value) if isinstance(value, decimal.Decimal) else str(value)


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
