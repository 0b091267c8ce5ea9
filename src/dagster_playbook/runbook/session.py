"""One run of a runbook from its plan to its last line: lock, approval, journal, steps."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagster_playbook.approval.grant import Grant
from dagster_playbook.claims.runbook_model import Runbook, Step
from dagster_playbook.errors import RunbookError
from dagster_playbook.runbook import journal as journals
from dagster_playbook.runbook.consent import Consent, find_approval
from dagster_playbook.runbook.execute import Executor, Listener, begin, where_it_stopped
from dagster_playbook.runbook.journal import Journal
from dagster_playbook.runbook.left_behind import STARTED, unfinished, wait_for
from dagster_playbook.runbook.lock import Held, place_of, platform_lock
from dagster_playbook.runbook.owner import operator, shown
from dagster_playbook.runbook.plan import Plan, load_runbook
from dagster_playbook.runbook.reach import Watch, check_needs, instance_variables, open_dagster
from dagster_playbook.runbook.record import keep_page
from dagster_playbook.runbook.redaction import MARK, Redactor
from dagster_playbook.runbook.store import Store
from dagster_playbook.runbook.surroundings import Asker, Surroundings
from dagster_playbook.services.dagster_runs import Dagster
from dagster_playbook.services.dagster_runs import Progress as DagsterProgress
from dagster_playbook.services.living import Started
from dagster_playbook.services.living import shown as shown_processes
from dagster_playbook.settings import Settings
from dagster_playbook.stopping import held_back


@dataclass(frozen=True, slots=True)
class Options:
    """How a run talks to the person and reaches the platform; `key` signs the run's record."""

    ask: Asker
    tell: Listener
    progress: DagsterProgress
    dagster_url: str = ""
    again: str = ""
    done: str = ""
    key: Path | None = None
    #: why a lock that was left on another host is taken
    take_over: str = ""


def start(settings: Settings, plan: Plan, options: Options) -> tuple[str, str]:
    """Run a plan from its first step; returns the run's id and how it ended.

    Raises:
        RefusedError: it needs an approval that is not there or does not hold; nothing was started.
        RunbookError: somebody else changes the platform, or something that the runbook needs is not there.
    """
    store = Store(settings.root)
    check_needs(plan.runbook)
    plan, approval = find_approval(store, plan)
    run_id = store.new_run_id()
    with platform_lock(place_of(settings, plan.target), run_id, take_over=options.take_over) as held:
        redactor = Redactor(secret_values(plan.runbook, plan.values))
        folder = store.folder / "runs" / run_id
        journal = Journal(folder, redactor, store.record(options.key))
        with held_back():
            keep_page(settings.root / plan.runbook.path, plan.text_sha256, folder)
            opened = journal.append(
                "opened",
                runbook=plan.runbook.path,
                title=plan.runbook.title,
                text_sha256=plan.text_sha256,
                parameters=plan.shown_values,
                digest=plan.digest,
                target=plan.target,
                platform=plan.fingerprint,
                operator=operator(),
            )
        options.tell("opened", {"run": run_id, **opened.data})
        _tell_of_stale_lock(held, journal, options)
        consent = Consent(settings, store, plan.runbook, plan.values, plan.target, plan.digest, run_id)
        session = _Session(settings, plan.runbook, plan.values, run_id, approval, consent)
        return run_id, session.executor(journal, redactor, options, held).run(begin(plan.runbook))


def resume(settings: Settings, run: str, options: Options, *, secrets: Mapping[str, Any]) -> tuple[str, str]:
    """Go on with a run at the step where it was cut or failed; returns the run's id and how it ended.

    Args:
        secrets: values of secret parameters, which no journal keeps.

    Raises:
        RunbookError: the page, the journal or the platform's lock do not allow it.
        RefusedError: an approved step is left and its approval does not hold any more.
    """
    store = Store(settings.root)
    folder = store.run_folder(run)
    target = str(next(journals.entries(folder)).data.get("target", ""))
    with platform_lock(place_of(settings, target), folder.name, take_over=options.take_over) as held:
        # under the lock everything is read anew: somebody else may have resumed the run meanwhile
        opened = next(journals.entries(folder)).data
        runbook = _same_runbook(settings, folder, opened)
        values = _values_again(runbook, opened["parameters"], secrets)
        check_needs(runbook)
        redactor = Redactor(secret_values(runbook, values))
        redactor.file(folder / "dagster.log")
        left = _waited_for(runbook, folder, held, options)
        progress = where_it_stopped(runbook, folder, again=options.again, done=options.done)
        journal = Journal(folder, redactor, store.record(options.key))
        if options.done and options.done in progress.results:
            journal.append("step-finished", step=options.done, outcome="succeeded", message="by the operator's word")
        with held_back():
            journal.append("resumed", step=progress.step, operator=operator(), left_running=left)
        _tell_of_stale_lock(held, journal, options)
        options.tell("resumed", {"run": folder.name, "step": progress.step, "title": runbook.title})
        if left:
            options.tell("waiting", {"step": progress.step, "message": f"still running: {shown_processes(left)}"})
        consent = Consent(settings, store, runbook, values, opened["target"], opened["digest"], folder.name)
        session = _Session(settings, runbook, values, folder.name, consent.kept(), consent)
        return folder.name, session.executor(journal, redactor, options, held).run(progress)


def _same_runbook(settings: Settings, folder: Path, opened: Mapping[str, Any]) -> Runbook:
    runbook, text_sha256 = load_runbook(settings.root, opened["runbook"], settings.meanings)
    if text_sha256 != opened["text_sha256"]:
        raise RunbookError(
            "the runbook's text has changed since the run began",
            path=runbook.path,
            cure=f"the text that ran is kept in {folder / 'runbook.md'}: put it back, or start a new run",
        )
    return runbook


def _waited_for(runbook: Runbook, folder: Path, held: Held, options: Options) -> list[dict[str, Any]]:
    """What the run left at work has ended when this returns; whoever comes after this process finds it in the lock."""
    left = unfinished(folder)
    step = runbook.step(left.step)
    if left.started and step is not None and step.is_mutating:
        held.works(*left.started)
    still_there = wait_for(runbook, left, options.tell, take_over=options.take_over)
    held.works()
    return still_there


def _tell_of_stale_lock(held: Held, journal: Journal, options: Options) -> None:
    """Of a run that died with the lock; that this one was cut, its resumption says already."""
    owner = held.left_behind
    if owner and owner.get("host") != held.record["host"]:
        journal.append("taken-over", owner=owner, reason=options.take_over)
        options.tell("stale-lock", {"owner": owner, "message": f"the lock of {shown(owner)} is taken over"})
    elif owner and owner.get("run") != journal.folder.name:
        journal.append("stale-lock", owner=owner)
        options.tell("stale-lock", {"owner": owner, "message": f"the lock of {shown(owner)}, who died, is taken over"})


def secret_values(runbook: Runbook, values: Mapping[str, Any]) -> list[str]:
    """The values of secret parameters as texts."""
    secret = [values.get(name) for name, parameter in runbook.parameters.items() if parameter.secret]
    return [
        str(item) for value in secret if value is not None for item in (value if isinstance(value, list) else [value])
    ]


def _values_again(runbook: Runbook, kept: Mapping[str, Any], secrets: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(kept)
    for name, parameter in runbook.parameters.items():
        # a token that was given as an ordinary parameter is not kept either
        is_secret = parameter.secret or MARK in str(values.get(name))
        if is_secret and name not in secrets and parameter.required:
            raise RunbookError(f"-p {name}=... is needed again: secrets are not kept", path=runbook.path)
        if is_secret:
            values[name] = secrets.get(name, parameter.default)
    return values


@dataclass(frozen=True, slots=True)
class _Session:
    settings: Settings
    runbook: Runbook
    values: dict[str, Any]
    run_id: str
    approval: str
    consent: Consent
    _cache: dict[str, Any] = field(default_factory=dict)

    def executor(self, journal: Journal, redactor: Redactor, options: Options, held: Held) -> Executor:
        def written_down(step_id: str, started: Started) -> None:
            step = self.runbook.step(step_id)
            if step is None or step.is_mutating:
                held.works(started)
            with held_back():
                journal.append(STARTED, step=step_id, **started.as_dict())

        def opened() -> Dagster:
            watch = Watch(lambda key, started: written_down(key.partition("/")[2], started), redactor.file)
            return open_dagster(self.settings, journal.folder, options.dagster_url, watch)

        def progress(kind: str, step: str, message: str) -> None:
            with contextlib.suppress(OSError):
                options.progress(kind, step, redactor.text(message))

        def tell(event: str, data: dict[str, Any]) -> None:
            if event == "step-finished":
                held.works()
            # a terminal that is gone is no reason to stop
            with contextlib.suppress(OSError):
                options.tell(event, data)

        def not_admitted(step: Step, reason: str) -> None:
            journal.append("not-admitted", step=step.id, reason=reason, approval=self.consent.release(reason))

        around = Surroundings(
            settings=self.settings,
            run_id=self.run_id,
            dagster=lambda: self._once("dagster", opened),
            ask=options.ask,
            progress=progress,
            values_of_facts=lambda: self._once("facts", self._facts),
            anchor=lambda: journal.anchor,
            approval=self.approval,
            asks=self.consent.asks,
            not_admitted=not_admitted,
            variables=lambda: instance_variables(self.settings, journal.folder, options.dagster_url),
            redactor=redactor,
            written_down=written_down,
        )

        def permit(step: Step) -> None:
            held.keep()
            self._permit(step, journal, options)

        return Executor(self.runbook, self.values, journal, around, redactor, permit, tell)

    def _permit(self, step: Step, journal: Journal, options: Options) -> None:
        """Verify and spend the approval, again before each step that needs it: it may have expired meanwhile."""
        grant = self.consent.spend(step)
        if grant is None:
            return
        data = _grant_data(step, grant)
        journal.append("break-glass" if grant.is_break_glass else "approved", **data)
        options.tell("break-glass" if grant.is_break_glass else "approved", data)

    def _facts(self) -> Mapping[str, Any]:
        from dagster_playbook.platform.loader import load_facts

        return load_facts(self.settings).values

    def _once(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]


def _grant_data(step: Step, grant: Grant) -> dict[str, Any]:
    return {
        "step": step.id,
        "requester": grant.requester,
        "approver": grant.approver,
        "nonce": grant.nonce,
        "expires_at": grant.expires_at.isoformat(),
        "reason": grant.reason,
    }
