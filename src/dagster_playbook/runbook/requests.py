"""Ask for a plan under one's own key, break the glass, and the keys for trying both out."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dagster_playbook.approval.asking import Wanted, ask
from dagster_playbook.approval.envelope import RefusedError
from dagster_playbook.approval.parts import Parts
from dagster_playbook.approval.policy import Rule
from dagster_playbook.approval.signature import NAMESPACE
from dagster_playbook.durable import write_whole
from dagster_playbook.errors import RunbookError
from dagster_playbook.runbook.consent import rules_of
from dagster_playbook.runbook.plan import Plan
from dagster_playbook.runbook.record import NAMESPACE as RECORDS
from dagster_playbook.runbook.store import Store

#: models named in a request; the digest covers all of them
_NAMED_MODELS = 60


def write_request(root: Path, plan: Plan, key: Path, *, reason: str = "", is_break_glass: bool = False) -> Path:
    """Sign a request for a plan and keep it; a broken glass needs a reason and nobody's approval.

    Raises:
        SignatureError: the key cannot sign or is not known.
        RefusedError: the policy asks for a reason, and none was given.
        RunbookError: the plan needs no approval, or there is no policy.
    """
    store = Store(root)
    policy = store.policy(plan.target)
    rules = rules_of(plan, policy)
    refuse_request(plan.parts, rules, reason)
    wanted = Wanted(plan.parts, about(plan), reason)
    return store.ask(plan.digest, ask(wanted, key, policy, is_break_glass=is_break_glass))


def keep_request(
    store: Store, parts: Parts, shown: dict[str, Any], rules: Sequence[Rule], key: Path, *, reason: str
) -> Path:
    """The same for a plan that another process has made, by its parts; never a broken glass.

    Args:
        shown: what the plan is, as `about` says it. rules: what the plan needs.
    """
    refuse_request(parts, rules, reason)
    return store.ask(parts.digest, ask(Wanted(parts, shown, reason), key, store.policy(parts.target)))


def refuse_request(parts: Parts, rules: Sequence[Rule], reason: str) -> None:
    """Raises RunbookError when nobody has to approve the plan, and RefusedError when its reason is missing."""
    if not rules:
        raise RunbookError("no step of this plan needs an approval", path=parts.runbook)
    if any(rule.reason for rule in rules) and not reason.strip():
        raise RefusedError("the policy asks for a reason: give --reason TEXT")


def about(plan: Plan) -> dict[str, Any]:
    """What an approver reads: what is to be done, with which values, and what it touches."""
    return {
        "title": plan.runbook.title,
        "runbook": plan.runbook.path,
        "risk": plan.runbook.risk,
        "parameters": plan.shown_values,
        "blast_radius": {step: _summary(radius) for step, radius in plan.radius.items()},
    }


def _summary(radius: dict[str, Any]) -> dict[str, Any]:
    models = [model for model in radius["models"] if model["role"] != "missing"]
    return {
        "models": len(models),
        "whole_history": sum(model["full_history"] for model in models),
        "window": [radius["start"] or "the beginning", radius["end"] or "now"],
        "named": sorted(model["name"] for model in models)[:_NAMED_MODELS],
        "environments": sorted(radius["environments"]),
        "read_by_consumers": list(radius["marts"]),
    }


def make_trial_keys(store: Store) -> Path:
    """Two keys and a policy that knows them below `.playbook/approvers`; what is there is kept.

    Raises:
        RunbookError: ssh-keygen is missing or fails.
    """
    folder = store.folder / "approvers"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = []
    for name in ("requester", "approver"):
        if not (folder / name).exists():
            command = [
                "ssh-keygen",
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-C",
                f"{name}@localhost",
                "-f",
                str(folder / name),
            ]
            try:
                subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
            except (OSError, subprocess.CalledProcessError) as error:
                raise RunbookError(f"ssh-keygen cannot make a key: {error}", cure="install OpenSSH") from error
        public = (folder / f"{name}.pub").read_text(encoding="ascii").strip()
        lines.append(f'{name}@localhost namespaces="{NAMESPACE},{RECORDS}" {public}\n')
    write_whole(folder / "allowed_signers", "".join(lines))
    roles = 'max_hours = 24\n\n[roles]\napprover = ["approver@localhost"]\nbreak-glass = ["requester@localhost"]\n'
    write_whole(folder / "roles.toml", roles)
    return folder
