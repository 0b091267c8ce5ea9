"""The one function that says whether a request and its approvals allow something, and whose they are.

Who the author of a statement is follows from the key alone: a name inside a payload is a claim. Whoever asks cannot be
who approves, and one person counts once, however many keys they have.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from dagster_playbook.approval import statement
from dagster_playbook.approval.asking import BREAK_GLASS_HOURS, refuse_rejected, refuse_without_reason
from dagster_playbook.approval.canonical import sha256
from dagster_playbook.approval.envelope import Envelope, RefusedError, Signed
from dagster_playbook.approval.parts import Parts, parts_of
from dagster_playbook.approval.policy import BREAK_GLASS, Policy, Rule
from dagster_playbook.approval.statement import APPROVAL, REQUEST, Statement


@dataclass(frozen=True, slots=True)
class Grant:
    """What has been allowed, by whom, to whom; `nonce` is the request's, and is spent when it is used."""

    digest: str
    nonce: str
    requester: str
    approvers: tuple[str, ...]
    expires_at: dt.datetime
    reason: str = ""

    @property
    def approver(self) -> str:
        """Who has agreed, for people; "" when nobody has."""
        return ", ".join(self.approvers)

    @property
    def is_break_glass(self) -> bool:
        """Whether nobody but the requester has agreed."""
        return not self.approvers


@dataclass(frozen=True, slots=True)
class Demand:
    """What an approval has to cover: a plan by its digest, or one run of an op by its scope, or both.

    Attributes:
        sources: fingerprint of the SQLMesh project that the op is about to load, "" when there is none to hold.
    """

    rule: Rule
    target: str
    digest: str = ""
    scope: str = ""
    sources: str = ""


def verify(envelope: Envelope, policy: Policy, demand: Demand, *, now: dt.datetime | None = None) -> Grant:
    """Whether an envelope allows what is demanded, now.

    Raises:
        RefusedError: with the reason. The nonce has not been looked at: spending it is the ledger's part.
    """
    at = now or statement.now()
    refuse_rejected(envelope, policy)
    request = statement.read(envelope.request, policy, REQUEST, BREAK_GLASS)
    parts = parts_of(request.payload)
    _covers(parts, demand)
    reason = str(request.payload.get("reason") or "")
    if request.payload["kind"] == BREAK_GLASS:
        expires = _broken_glass(request, policy, reason, at)
        return Grant(parts.digest, request.nonce, request.author, (), expires, reason)
    refuse_without_reason(request, [demand.rule])
    people = _people(envelope, request, parts, policy, demand.rule, at)
    return Grant(parts.digest, request.nonce, request.author, tuple(people), min(people.values()), reason)


def _covers(parts: Parts, demand: Demand) -> None:
    if parts.target != demand.target:
        raise RefusedError(f"it is for the platform {parts.target!r}, not for {demand.target!r}")
    if not demand.digest and not demand.scope:
        raise RefusedError("nothing was named that it could cover")
    if demand.digest and parts.digest != demand.digest:
        raise RefusedError("it is for another plan: something has changed since it was asked for")
    if demand.scope and demand.scope not in parts.scopes:
        raise RefusedError("it does not cover this run's config")
    if demand.sources and demand.sources not in parts.sources:
        raise RefusedError("a source of the SQLMesh project has changed since it was approved")


def _broken_glass(request: Statement, policy: Policy, reason: str, at: dt.datetime) -> dt.datetime:
    expires = statement.alive(request, BREAK_GLASS_HOURS, at)
    if not policy.has_role(request.author, BREAK_GLASS):
        raise RefusedError(f"{request.author} does not have the role {BREAK_GLASS!r}, and nobody has approved")
    if not reason.strip():
        raise RefusedError("the glass was broken without a reason")
    return expires


def _people(
    envelope: Envelope, request: Statement, parts: Parts, policy: Policy, rule: Rule, at: dt.datetime
) -> dict[str, dt.datetime]:
    """Who has approved and until when; approvals that do not hold are passed over while there are enough others."""
    people: dict[str, dt.datetime] = {}
    problems: list[str] = []
    for signed in envelope.approvals:
        try:
            answer, expires = _approval(signed, envelope, request, parts, policy, at)
            if not policy.has_role(answer.author, rule.role):
                raise RefusedError(f"{answer.author} does not have the role {rule.role!r}")
        except RefusedError as error:
            problems.append(str(error))
            continue
        if answer.author in people:
            problems.append(f"{answer.author} has approved twice, which counts once")
            continue
        people[answer.author] = expires
    if len(people) < rule.approvals:
        count = f"{len(people)} of {rule.approvals} approvals by the role {rule.role!r} are there"
        raise RefusedError("; ".join([*problems, count]))
    return people


def _approval(
    signed: Signed, envelope: Envelope, request: Statement, parts: Parts, policy: Policy, at: dt.datetime
) -> tuple[Statement, dt.datetime]:
    answer = statement.read(signed, policy, APPROVAL)
    if answer.payload.get("request") != sha256(envelope.request.payload):
        raise RefusedError("the approval is of another request")
    if answer.payload.get("digest") != parts.digest:
        raise RefusedError("the approval is of another digest")
    expires = statement.alive(answer, policy.max_hours, at)
    if answer.is_same_person(request):
        raise RefusedError(f"{answer.author} asked for it: somebody else has to approve")
    return answer, expires
