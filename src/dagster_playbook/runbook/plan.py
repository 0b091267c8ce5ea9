"""What a runbook would do with these parameters: its steps, the blast radius, and the digest that is approved."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dagster_playbook.approval.canonical import restatement_scope, scope_digest, sha256
from dagster_playbook.approval.parts import Parts, new_salt, secret_digest
from dagster_playbook.claims import placeholder
from dagster_playbook.claims.runbook import is_runbook, parse
from dagster_playbook.claims.runbook_model import Kind, Runbook, Step
from dagster_playbook.errors import RunbookError
from dagster_playbook.facts.facts import Facts
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.meaning import Meanings, Restatement
from dagster_playbook.rules.runbooks import validate
from dagster_playbook.runbook import fill, fingerprints
from dagster_playbook.runbook.parameters import read_values, shown
from dagster_playbook.settings import Settings


@dataclass(frozen=True, slots=True)
class Plan:
    """A runbook with its parameters.

    Attributes:
        parts: what its digest is made of.
        radius: blast radius of each restating step by step id, as `BlastRadius.as_dict`.
        ops: the ops that each job step configures, by step id.
    """

    runbook: Runbook
    values: dict[str, Any]
    parts: Parts
    radius: dict[str, dict[str, Any]] = field(default_factory=dict)
    ops: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """What is approved: whatever of the parts changes, the approval lapses."""
        return self.parts.digest

    @property
    def target(self) -> str:
        """The platform's name in approvals."""
        return self.parts.target

    @property
    def text_sha256(self) -> str:
        """SHA-256 of the page as it stands in the file."""
        return self.parts.text

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the platform's sources and versions."""
        return sha256([self.parts.platform, list(self.parts.sources), self.parts.versions])

    def salted(self, salt: str) -> Plan:
        """The same plan with its secrets under another salt, so that two plans of one secret can be compared.

        A default is no secret: it stands on the page, whose text is a part.
        """
        secrets = {
            name: secret_digest(salt, name, self.values[name])
            for name, parameter in self.runbook.parameters.items()
            if parameter.secret and self.values.get(name) != parameter.default
        }
        return replace(self, parts=replace(self.parts, salt=salt if secrets else "", secrets=secrets))

    @property
    def shown_values(self) -> dict[str, Any]:
        """The parameters without the values of secret ones."""
        return shown(self.runbook, self.values)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that have to approve, in order of their steps."""
        return tuple(dict.fromkeys(step.approve for step in self.runbook.steps if step.approve))

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "runbook": self.runbook.path,
            "title": self.runbook.title,
            "risk": self.runbook.risk,
            "needs": list(self.runbook.needs),
            "parameters": self.shown_values,
            "target": self.target,
            "platform": self.fingerprint,
            "digest": self.digest,
            "approved_by": list(self.roles),
            "steps": [step_summary(step) for step in self.runbook.steps],
            "blast_radius": self.radius,
        }


def step_summary(step: Step) -> dict[str, Any]:
    """One step as plain data; what was not said is left out."""
    said = {
        "expect": step.expect,
        "unless": step.unless,
        "on_failure": step.on_failure,
        "then": step.then,
        "approve": step.approve,
        "undo": step.undo,
        "no_undo": step.no_undo,
        "wait_s": step.wait_s,
    }
    fixed = {"id": step.id, "kind": str(step.kind), "subject": step.subject, "title": step.title}
    return {**fixed, "mutating": step.is_mutating, "recovery": step.recovery, **{k: v for k, v in said.items() if v}}


def load_runbook(root: Path, path: str, meanings: Meanings) -> tuple[Runbook, str]:
    """A sound runbook and the SHA-256 of its text; `meanings` tell which of its steps restate.

    Raises:
        RunbookError: there is no such page, it is no runbook, or it breaks a rule; names the first place.
    """
    file = Path(path) if Path(path).is_absolute() else root / path
    if not file.is_file():
        raise RunbookError("no such runbook", path=path, cure="runbooks stand in runbooks/*.md")
    try:
        relative = file.resolve().relative_to(root.resolve()).as_posix()
    except ValueError as error:
        raise RunbookError(f"it stands outside the project {root}", path=path) from error
    page = read_page(root, relative)
    if page.problems:
        first = page.problems[0]
        raise RunbookError(first.message, path=first.location.path, line=first.location.line)
    if not is_runbook(page):
        raise RunbookError("the page has no `runbook:` in its front matter", path=relative)
    runbook = parse(page)
    troubles = validate(runbook, Facts(), meanings)
    if troubles:
        first_trouble = troubles[0]
        raise RunbookError(
            f"{first_trouble.rule} {first_trouble.message}",
            path=first_trouble.location.path,
            line=first_trouble.location.line,
            cure=f"`playbook check {relative}` shows all {len(troubles)}",
        )
    return runbook, hashlib.sha256(file.read_bytes()).hexdigest()


def steps_digest(runbook: Runbook) -> str:
    """SHA-256 over what the steps do, wherever it was written: a page may include a file that its text only names."""
    return sha256([{**step_summary(step), "body": step.fence.body} for step in runbook.steps])


def make_plan(
    settings: Settings,
    path: str,
    given: Iterable[str],
    *,
    target: str,
    config_of: Callable[[str], dict[str, Any]] | None = None,
) -> Plan:
    """Plan a runbook; nothing is changed, started or written.

    Args:
        given: `name=value` texts.
        target: the platform's name in approvals.
        config_of: gives the run config of a Dagster run, for steps that re-execute one.

    Raises:
        RunbookError: the runbook or a parameter is not sound.
        PlatformError: SQLMesh cannot plan the restatement.
    """
    runbook, text_sha256 = load_runbook(settings.root, path, settings.meanings)
    values = read_values(runbook, given)
    radius: dict[str, dict[str, Any]] = {}
    identities: dict[str, dict[str, Any]] = {}
    scopes: set[str] = set()
    ops = {step.id: fill.ops_of(step) for step in runbook.steps if step.kind is Kind.JOB}
    for step in runbook.steps:
        if _needs_results(step):
            continue
        _check_fill(step, values)
        if step.kind is not Kind.JOB:
            continue
        configs = op_configs(_run_config(step, values, config_of))
        ops[step.id] = tuple(op for op, _ in configs)
        for op, config in configs:
            restatement = settings.meanings.restatement(op)
            if restatement is None or not restatement.is_asked_for(config):
                scopes.add(scope_digest(op, config))
                continue
            found = _radius(settings, restatement, config)
            radius[step.id], identities[step.id] = found.as_dict(), found.identity()
            scopes.add(restatement_scope(op, config, found.restated))
    parts = Parts(
        runbook.path,
        text_sha256,
        target,
        steps=steps_digest(runbook),
        parameters=shown(runbook, values),
        versions=fingerprints.versions(),
        platform=fingerprints.code_digest(settings),
        sources=fingerprints.project_digests(settings),
        blast_radius=sha256(identities),
        scopes=tuple(sorted(scopes)),
    )
    return Plan(runbook, values, parts, radius, ops).salted(new_salt())


def _run_config(step: Step, values: Mapping[str, Any], config_of: Callable[[str], dict[str, Any]] | None) -> Any:
    """The step's YAML; with an empty one a step that re-executes a run takes that run's config."""
    config = fill.yaml_of(step, values)
    if not config and step.reexecutes and config_of is not None:
        return config_of(str(values[step.reexecutes]))
    return config


def op_configs(run_config: Any) -> list[tuple[str, dict[str, Any]]]:
    """(op, its config) for each op that a run config names."""
    ops = run_config.get("ops") if isinstance(run_config, dict) else None
    if not isinstance(ops, dict):
        return []
    return [(str(op), entry.get("config") or {}) for op, entry in ops.items() if isinstance(entry, dict)]


def _needs_results(step: Step) -> bool:
    return any(name.startswith("steps.") for name in placeholder.names(step.fence.body))


def _check_fill(step: Step, values: Mapping[str, Any]) -> None:
    """Every value has to fit its step before the first step runs."""
    if step.kind is Kind.COMMAND:
        fill.arguments_of(step, values)
    elif step.kind is Kind.QUERY:
        fill.sql_of(step, values)
    elif step.kind is not Kind.ASK:
        fill.yaml_of(step, values)


def _radius(settings: Settings, restatement: Restatement, config: Mapping[str, Any]) -> Any:
    from dagster_playbook.restatement.blast_radius import blast_radius
    from dagster_playbook.restatement.recovery import EVALUATIONS_FILE, data_folder

    if not settings.sqlmesh:
        raise RunbookError("no SQLMesh project to plan a restatement against", cure="set [[tool.playbook.sqlmesh]]")
    start, end = restatement.window(config)
    return blast_radius(
        settings.root,
        settings.sqlmesh[0],
        restatement.selectors(config),
        start=start,
        end=end,
        evidence=data_folder(settings) / EVALUATIONS_FILE,
    )
