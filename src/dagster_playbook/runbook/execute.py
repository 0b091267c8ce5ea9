"""Run a plan step by step: every event is in the journal before the next thing happens, so a cut run can go on."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dagster_playbook.claims.expression import ExpressionError, parse
from dagster_playbook.claims.runbook_model import Kind, Runbook, Step
from dagster_playbook.durable import write_whole
from dagster_playbook.errors import BusyError, PlatformError, PlaybookError, RecordError, RunbookError, on_disk
from dagster_playbook.runbook import journal as journals
from dagster_playbook.runbook.actions import perform
from dagster_playbook.runbook.clock import went_back
from dagster_playbook.runbook.journal import Journal
from dagster_playbook.runbook.redaction import Redactor
from dagster_playbook.runbook.surroundings import StepFailedError, Surroundings, evidence_path
from dagster_playbook.services.living import shown
from dagster_playbook.stopping import held_back, reason

#: told of every event: its name and data, redacted
Listener = Callable[[str, dict[str, Any]], None]
#: makes sure, before a step changes anything, that the platform's lock is ours and an approval still holds
Permit = Callable[[Step], None]
_EVERY_S = 5.0
#: how often something busy is asked again, a pause of the step apart
_BUSY_TIMES = 60
_KEPT_CHARACTERS = 4_000
SUCCEEDED, FAILED, RECOVERED = "succeeded", "failed", "recovered"


@dataclass(slots=True)
class Progress:
    """Where a run stands.

    Attributes:
        step: the id of the step to run next, "" at the end.
        again: that step was begun before, and how it ended is not known or was not well.
        results: what each finished step gave, by step id.
        in_recovery: a step failed and its recovery has begun.
    """

    step: str
    again: bool = False
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    in_recovery: bool = False


def begin(runbook: Runbook) -> Progress:
    """The progress of a run that has not begun."""
    return Progress(next((s.id for s in runbook.steps if not s.recovery), ""))


def where_it_stopped(runbook: Runbook, folder: Path, *, again: str = "", done: str = "") -> Progress:
    """Read a journal up to the exact step at which the run goes on.

    Args:
        again: the step whose unknown end the operator has looked into, and that is to run once more.
        done: the same, but it has done its work.

    Raises:
        RunbookError: the run has ended or stands at another step, or the journal was changed.
    """
    problems = journals.verify(folder)
    if problems:
        raise RunbookError(f"the journal was changed: {problems[0]}", path=str(folder / journals.FILE_NAME))
    progress, state, failed = begin(runbook), "", ""
    for entry in journals.entries(folder):
        data = entry.data
        if entry.event == "step-started":
            progress.step, progress.again, state = data["step"], True, ""
        elif entry.event == "step-finished":
            failed = data["step"] if data["outcome"] == FAILED else failed
            _advance(runbook, progress, data)
        elif entry.event == "closed":
            state = data["state"]
    named = done or again
    if progress.in_recovery and again and again == failed:
        step = runbook.step(failed)
        return Progress(failed, again=step is not None and step.kind is not Kind.COMMAND, results=progress.results)
    if state in (SUCCEEDED, RECOVERED):
        raise RunbookError(
            f"the run {folder.name} has {state}: there is nothing to resume",
            cure=f"to try the failed step once more: resume with --again {failed}" if state == RECOVERED else "",
        )
    if named and progress.step != named:
        raise RunbookError(f"the run {folder.name} stands at step {progress.step!r}, not at {named!r}")
    if done:
        _advance(runbook, progress, {"step": done, "outcome": SUCCEEDED, "result": {}})
    elif again:
        progress.again = False
    return progress


def _advance(runbook: Runbook, progress: Progress, data: dict[str, Any]) -> None:
    step = runbook.step(data["step"])
    if step is None:
        raise RunbookError(f"the runbook has no step {data['step']!r} any more")
    progress.results[step.id] = data.get("result") or {}
    if data["outcome"] != FAILED:
        progress.step, progress.again = runbook.following(step), False
    elif step.on_failure:
        progress.step, progress.again, progress.in_recovery = step.on_failure, False, True
    else:
        # what is known to have failed is repeated; a job by re-executing its run, a command by running it
        progress.step, progress.again = step.id, step.kind is not Kind.COMMAND


@dataclass(frozen=True, slots=True)
class Executor:
    """Runs the steps of one run; `wait` is replaced in tests so that nothing sleeps."""

    runbook: Runbook
    values: dict[str, Any]
    journal: Journal
    around: Surroundings
    redactor: Redactor
    permit: Permit
    tell: Listener
    wait: Callable[[float], None] = time.sleep

    def run(self, progress: Progress) -> str:
        """Run to the end; returns `succeeded`, `failed` or `recovered`.

        Raises:
            KeyboardInterrupt: after it was written down; the run can be resumed at the step.
            PlaybookError: something could not be asked or is not allowed; the run can be resumed at the step.
        """
        try:
            while progress.step:
                step = self.runbook.step(progress.step)
                if step is None:
                    raise RunbookError(f"no step {progress.step!r}")
                outcome = self._one(step, progress)
                if outcome == FAILED and not step.on_failure:
                    return self._close(FAILED)
            return self._close(RECOVERED if progress.in_recovery else SUCCEEDED)
        except KeyboardInterrupt as error:
            self._note("interrupted", step=progress.step, reason=reason(error), **self._until_then())
            raise
        except RecordError:
            # its last line may be there and its head not, so that another line would deny it
            raise
        except PlaybookError as error:
            self._note("interrupted", step=progress.step, reason=str(error), **self._until_then())
            raise

    def _until_then(self) -> dict[str, Any]:
        """What the step that was stopped gave, and which of its processes could not be stopped."""
        given = dict(self.around.interrupted)
        self.around.interrupted.clear()
        return {"result": _shortened(given), **_printed(given)} if given else {}

    def _close(self, state: str) -> str:
        before = self.journal.seq
        try:
            self._note("closed", state=state)
        except KeyboardInterrupt:
            # asked to stop when the end was being written: there is nothing left to stop
            if self.journal.seq == before:
                raise
        return state

    def _one(self, step: Step, progress: Progress) -> str:
        if step.unless and self._holds(step, step.unless, progress, {}):
            return self._finish(step, progress, "skipped", {}, f"{step.unless} holds")
        if step.is_mutating or step.approve:
            self.permit(step)
        self._note("step-started", step=step.id, kind=str(step.kind), again=progress.again)
        try:
            result = self._until_it_succeeds(step, progress)
        except StepFailedError as error:
            return self._finish(step, progress, FAILED, error.result, error.message)
        return self._finish(step, progress, SUCCEEDED, result, _left_running(result))

    def _until_it_succeeds(self, step: Step, progress: Progress) -> dict[str, Any]:
        """Once, or until the step's `wait` is over: a waiting step only looks, so it may be repeated.

        What is busy with somebody else's work was not begun, so it is asked again, though not for ever.
        """
        deadline, patience = time.monotonic() + step.wait_s, _BUSY_TIMES
        while True:
            try:
                return self._attempt(step, progress)
            except (StepFailedError, PlatformError) as error:
                if isinstance(error, BusyError) and patience:
                    patience -= 1
                    progress.again = progress.again or step.kind is Kind.JOB
                elif time.monotonic() >= deadline:
                    raise
                self.tell("waiting", {"step": step.id, "message": self.redactor.text(error.message)})
            self.wait(step.every_s or _EVERY_S)

    def _attempt(self, step: Step, progress: Progress) -> dict[str, Any]:
        scope = {**self.values, "steps": progress.results}
        path = evidence_path(self.journal.folder, self.journal.seq, step, ".log")
        around = replace(self.around, evidence=lambda _: path, redactor=self.redactor)
        result = perform(step, scope, around, again=progress.again)
        if step.expect and not self._holds(step, step.expect, progress, result):
            shown = {k: v for k, v in result.items() if k in parse(step.expect).names()}
            raise StepFailedError(f"expected {step.expect}; found {shown}", result)
        return result

    def _holds(self, step: Step, text: str, progress: Progress, result: dict[str, Any]) -> bool:
        try:
            return parse(text).holds({**self.values, "steps": progress.results, **result})
        except ExpressionError as error:
            raise StepFailedError(f"{text}: {error}", result) from error

    def _finish(self, step: Step, progress: Progress, outcome: str, result: dict[str, Any], message: str) -> str:
        with held_back():
            evidence = self._evidence(step, outcome, result, message)
            kept = json.loads(json.dumps(result, default=str))
            data = {"step": step.id, "outcome": outcome, "message": message, "result": _shortened(kept), **evidence}
            self._note("step-finished", **data, **_printed(result))
            _advance(self.runbook, progress, {"step": step.id, "outcome": outcome, "result": kept})
        return outcome

    def _evidence(self, step: Step, outcome: str, result: dict[str, Any], message: str) -> dict[str, str]:
        """Keep everything that a step gave in a file of its own; the journal holds its name and digest."""
        if not result:
            return {}
        path = evidence_path(self.journal.folder, self.journal.seq + 1, step)
        whole = self.redactor.data({"step": step.id, "outcome": outcome, "message": message, "result": result})
        text = json.dumps(whole, indent=2, ensure_ascii=False, default=str) + "\n"
        cure = "make room or mend the disk, look whether the step has done its work, then resume"
        with on_disk(f"the evidence of step {step.id!r} cannot be written", path, RecordError, cure=cure):
            path.parent.mkdir(exist_ok=True, mode=0o700)
            write_whole(path, text)
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return {"evidence": path.relative_to(self.journal.folder).as_posix(), "evidence_sha256": digest}

    def _note(self, event: str, **data: Any) -> None:
        before = self.journal.at
        with held_back():
            entry = self.journal.append(event, **data)
        self.tell(event, entry.data)
        if step_back := went_back(before, entry.at):
            self.tell("clock", {"message": step_back})


def _left_running(result: dict[str, Any]) -> str:
    left = result.get("left_running")
    return f"it left running: {shown(left)}" if left else ""


def _printed(result: dict[str, Any]) -> dict[str, str]:
    """The file of what a command printed, beside that of its result."""
    if "output_file" not in result:
        return {}
    return {"output_file": result["output_file"], "output_sha256": result["output_sha256"]}


def _shortened(data: Any) -> Any:
    """A result as the journal keeps it: long texts and tables are in the evidence."""
    if isinstance(data, str):
        half = _KEPT_CHARACTERS // 2
        return data if len(data) <= _KEPT_CHARACTERS else f"{data[:half]}\n[shortened]\n{data[-half:]}"
    if isinstance(data, dict):
        return {key: _shortened(item) for key, item in data.items() if key != "table"}
    return data
