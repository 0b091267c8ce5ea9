"""The approval of a run's plan: found before anything starts, held again before each step that needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dagster_playbook.approval.envelope import Envelope, RefusedError, encode, payload_of
from dagster_playbook.approval.grant import Demand, Grant, verify
from dagster_playbook.approval.parts import Parts, parts_of
from dagster_playbook.approval.policy import Policy, Rule
from dagster_playbook.claims.runbook_model import Kind, Runbook, Step
from dagster_playbook.errors import RunbookError
from dagster_playbook.runbook import fill, fingerprints
from dagster_playbook.runbook.plan import Plan, steps_digest
from dagster_playbook.runbook.store import Store
from dagster_playbook.settings import Settings


def rules_of(plan: Plan, policy: Policy | None) -> list[Rule]:
    """Everything that a plan needs, by its page and by the policy; nothing when it needs no approval.

    Raises:
        RunbookError: the page asks for an approval, and there is no policy.
    """
    rules = [rule for step in plan.runbook.steps for rule in _needs(step, plan.ops.get(step.id, ()), policy)]
    return list(dict.fromkeys(rules))


def find_approval(store: Store, plan: Plan) -> tuple[Plan, str]:
    """The plan under the salt of its request, and its approval for run tags, "" when it needs none.

    Raises:
        RefusedError: there is none, or it does not hold for one of the roles; nothing is spent.
    """
    policy = store.policy_if_any(plan.target)
    rules = rules_of(plan, policy)
    if not rules or policy is None:
        return plan, ""
    roles = ", ".join(dict.fromkeys(rule.role for rule in rules))
    cure = (
        f"ask with `playbook plan {plan.runbook.path} ... --request --key KEY`, then let somebody else run "
        f"`playbook approve {plan.digest[:12]} --key KEY`"
    )
    found = _kept(store, plan)
    if found is None:
        raise RefusedError(f"this plan needs an approval ({roles}): {cure}")
    plan, envelope = found
    for rule in rules:
        grant = verify(envelope, policy, Demand(rule, plan.target, digest=plan.digest))
        store.ledger.look(grant.nonce, holder="")
    return plan, encode(envelope)


def _kept(store: Store, plan: Plan) -> tuple[Plan, Envelope] | None:
    """What was asked for under a plan's digest; a plan with secrets is held to each request under that one's salt."""
    for digest, envelope in store.envelopes():
        if digest == plan.digest:
            return plan, envelope
        salt = _salt_of(envelope) if plan.parts.salt else ""
        if salt and (salted := plan.salted(salt)).digest == digest:
            return salted, envelope
    return None


def _salt_of(envelope: Envelope) -> str:
    try:
        return parts_of(payload_of(envelope.request)).salt
    except RefusedError:
        return ""


def _needs(step: Step, ops: tuple[str, ...], policy: Policy | None) -> list[Rule]:
    if policy is not None:
        return policy.needs(ops, step.approve)
    if step.approve:
        raise RunbookError(
            f"step {step.id!r} needs an approval, and there is no policy that says who may give one",
            cure="see the page on approvals for runbooks/approvers, and commit both files",
        )
    return []


@dataclass(frozen=True, slots=True)
class Consent:
    """The approval of one run, looked up anew whenever a step needs it: it may have expired or been rejected meanwhile.

    Attributes:
        values: of the parameters, secrets included.
        digest: of the plan that was started; run_id: what its approval is spent on.
    """

    settings: Settings
    store: Store
    runbook: Runbook
    values: Mapping[str, Any]
    target: str
    digest: str
    run_id: str

    def asks(self, step: Step) -> bool:
        """Whether a step needs an approval, by its page or by the policy."""
        return bool(_needs(step, _ops(step), self.store.policy_if_any(self.target)))

    def kept(self) -> str:
        """The approval for run tags, "" when there is none."""
        try:
            return encode(self.store.read_envelope(self.digest)[1])
        except RunbookError:
            return ""

    def spend(self, step: Step) -> Grant | None:
        """Verify and spend what a step needs; None when it needs nothing.

        Raises:
            RefusedError: it is not there, does not hold, was spent, or something has changed since it was given.
        """
        policy = self.store.policy_if_any(self.target)
        rules = _needs(step, _ops(step), policy)
        if not rules or policy is None:
            return None
        try:
            _, envelope = self.store.read_envelope(self.digest)
        except RunbookError as error:
            raise RefusedError(f"step {step.id!r} needs an approval: {error.message}") from error
        grants = [verify(envelope, policy, Demand(rule, self.target, digest=self.digest)) for rule in rules]
        self._refuse_changes(parts_of(payload_of(envelope.request)))
        self.store.ledger.spend(grants[0], self.run_id)
        return grants[0]

    def release(self, reason: str) -> str:
        """Take back that the approval was spent: the op did not admit the run, so nothing was done under it.

        Returns what became of the approval, in words.
        """
        try:
            _, envelope = self.store.read_envelope(self.digest)
            nonce = str(payload_of(envelope.request).get("nonce"))
            self.store.ledger.release(nonce, self.run_id, reason)
        except (RefusedError, RunbookError) as error:
            return f"it stays spent: {error}"
        return "it can be used again"

    def _refuse_changes(self, approved: Parts) -> None:
        """A run may wait or be cut for hours between its plan and the approved step."""
        now = {
            "a source of a SQLMesh project": fingerprints.project_digests(self.settings) == approved.sources,
            "a source of the code location": fingerprints.code_digest(self.settings) == approved.platform,
            "a version of dagster, sqlmesh or this tool": fingerprints.versions() == approved.versions,
            "a step of the runbook": steps_digest(self.runbook) == approved.steps,
            "the value of a secret": _secrets(self.runbook, self.values, approved) == approved.secrets,
        }
        changed = [name for name, is_same in now.items() if not is_same]
        if changed:
            told = " and ".join(changed)
            raise RefusedError(f"{told} has changed since it was approved: put it back, or ask anew")


def _ops(step: Step) -> tuple[str, ...]:
    return fill.ops_of(step) if step.kind is Kind.JOB else ()


def _secrets(runbook: Runbook, values: Mapping[str, Any], approved: Parts) -> dict[str, str]:
    return Plan(runbook, dict(values), approved).salted(approved.salt).parts.secrets if approved.salt else {}
