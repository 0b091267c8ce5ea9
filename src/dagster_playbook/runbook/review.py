"""What an approver signs: their own checkout's plan of a request, never what the requester wrote of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dagster_playbook.approval.envelope import RefusedError
from dagster_playbook.approval.parts import Parts
from dagster_playbook.claims.runbook_model import Runbook
from dagster_playbook.errors import PlatformError, RunbookError
from dagster_playbook.runbook import fingerprints
from dagster_playbook.runbook.parameters import texts_of
from dagster_playbook.runbook.plan import Plan, load_runbook, make_plan, steps_digest
from dagster_playbook.runbook.requests import about
from dagster_playbook.settings import Settings

#: part -> what it is called where it differs
_NAMES = {
    "runbook": "the runbook",
    "text": "the runbook's text",
    "steps": "the runbook's steps",
    "target": "the platform's name",
    "parameters": "the parameters",
    "salt": "the secret values",
    "secrets": "the secret values",
    "versions": "the versions of dagster, sqlmesh or this tool",
    "platform": "the code location's sources",
    "sources": "the SQLMesh project's sources",
    "blast_radius": "the blast radius",
    "scopes": "what the runs may do (their scopes)",
}
_SAME_COMMIT = "have the commit that it was planned on, without changes of your own; else reject it"


def plan_anew(
    settings: Settings,
    asked: Parts,
    shown: Any,
    *,
    target: str,
    secrets: Iterable[str] = (),
    config_of: Callable[[str], dict[str, Any]] | None = None,
) -> Plan:
    """Plan here what a request asks for, and hold the request to it.

    Args:
        asked: the parts of the request; shown: what it shows of the plan, as `about` says it.
        target: the platform's name here.
        secrets: `name=value` texts of secret parameters, which no request carries.

    Raises:
        RefusedError: something differs; names everything that does.
        RunbookError: this checkout cannot plan it, and says how it could.
    """
    if asked.target != target:
        here = f"it is for the platform {asked.target!r}, and this is {target!r}"
        raise RefusedError(f"{here}: give --target {asked.target} if you mean it")
    runbook, text = load_runbook(settings.root, asked.runbook, settings.meanings)
    early = _differing_sources(settings, asked, runbook, text)
    if early:
        raise _differs(early)
    given = [*texts_of(runbook, asked.parameters), *secrets]
    _refuse_unseen_secrets(runbook, asked, given)
    try:
        plan = make_plan(settings, asked.runbook, given, target=target, config_of=config_of).salted(asked.salt)
    except PlatformError as error:
        raise RunbookError(
            f"this checkout cannot plan it, so nothing is signed: {error.message}",
            cure=error.cure or "approve where the platform's state can be read",
        ) from error
    names = plan.parts.differing(asked)
    if names or about(plan) != shown:
        raise _differs([*names, *_differing_words(about(plan), shown)])
    return plan


def _differing_sources(settings: Settings, asked: Parts, runbook: Runbook, text: str) -> list[str]:
    """What differs before anything is planned: a plan on other sources would only hide the cause."""
    mine = {
        "text": text,
        "steps": steps_digest(runbook),
        "versions": fingerprints.versions(),
        "platform": fingerprints.code_digest(settings),
        "sources": fingerprints.project_digests(settings),
    }
    return [name for name, value in mine.items() if getattr(asked, name) != value]


def _refuse_unseen_secrets(runbook: Runbook, asked: Parts, given: list[str]) -> None:
    known = {text.partition("=")[0] for text in given}
    unseen = [name for name in asked.secrets if name not in known]
    if unseen:
        raise RunbookError(
            f"the value of {unseen[0]} is secret and not in the request, so what you would approve is not known",
            cure=f"give -p {unseen[0]}=... as whoever asks has told you; it is held to the request and written nowhere",
            path=runbook.path,
        )


def _differing_words(mine: Mapping[str, Any], theirs: Any) -> list[str]:
    told = theirs if isinstance(theirs, dict) else {}
    return [f"what it shows as {key!r}" for key in sorted({*mine, *told}) if mine.get(key) != told.get(key)]


def _differs(names: list[str]) -> RefusedError:
    told = ", ".join(dict.fromkeys(_NAMES.get(name, name) for name in names))
    return RefusedError(f"this checkout makes another plan of it: different are {told}; {_SAME_COMMIT}")
