"""Ask for a plan, approve what somebody else has asked for, or reject it: each a signed statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagster_playbook.approval import statement
from dagster_playbook.approval.canonical import sha256
from dagster_playbook.approval.envelope import Envelope, RefusedError, Signed
from dagster_playbook.approval.parts import Parts, parts_of
from dagster_playbook.approval.policy import BREAK_GLASS, Policy, Rule
from dagster_playbook.approval.statement import APPROVAL, REJECTION, REQUEST, Statement

#: a broken glass lives so long, whatever the policy says
BREAK_GLASS_HOURS = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for.

    Attributes:
        parts: what the plan's digest is made of.
        about: title, parameters and blast radius, for the approver to compare; covered by the signature.
        reason: why it is wanted, "" when nobody asks for that.
    """

    parts: Parts
    about: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


def ask(wanted: Wanted, key: Path, policy: Policy, *, is_break_glass: bool = False) -> Envelope:
    """Sign a request for a plan; a broken glass needs nobody's approval, a reason, and lives for an hour.

    Raises:
        RefusedError: a broken glass without a reason.
        SignatureError: the key is not usable or not known.
    """
    text = request_text(wanted, policy, is_break_glass=is_break_glass)
    return Envelope(statement.signed_with(text, key, policy))


def request_text(wanted: Wanted, policy: Policy, *, is_break_glass: bool = False) -> str:
    """The text of a request, to be signed by whoever asks.

    Raises:
        RefusedError: a broken glass without a reason.
    """
    if is_break_glass and not wanted.reason.strip():
        raise RefusedError("breaking the glass needs a reason")
    payload = {
        "kind": BREAK_GLASS if is_break_glass else REQUEST,
        "digest": wanted.parts.digest,
        "parts": wanted.parts.as_dict(),
        "about": wanted.about,
        "reason": wanted.reason,
    }
    return statement.draft(payload, hours=BREAK_GLASS_HOURS if is_break_glass else policy.max_hours)


def open_request(envelope: Envelope, policy: Policy) -> tuple[Statement, Parts]:
    """A request that somebody known has signed and that can still be answered, and what its digest is made of.

    Raises:
        RefusedError: it does not hold, has expired, or was rejected.
    """
    refuse_rejected(envelope, policy)
    request = statement.read(envelope.request, policy, REQUEST)
    parts = parts_of(request.payload)
    statement.alive(request, policy.max_hours, statement.now())
    return request, parts


def approve(
    envelope: Envelope, key: Path, policy: Policy, *, hours: float, rules: Sequence[Rule] = (), own: str
) -> Envelope:
    """Add a signed approval for some hours, at most as long as the policy allows; one's own earlier one is replaced.

    Args:
        rules: what the plan needs, so that an approval that cannot help is not signed.
        own: the digest that the approver's own checkout makes of the plan.

    Raises:
        RefusedError: the request does not hold, is one's own, is of another plan, or lacks a reason; or the approver
            has none of the roles.
        SignatureError: the key is not usable or not known.
    """
    text = approval_text(envelope, policy, hours=hours, rules=rules, own=own)
    return with_approval(envelope, statement.signed_with(text, key, policy), policy, rules=rules)


def approval_text(envelope: Envelope, policy: Policy, *, hours: float, rules: Sequence[Rule] = (), own: str) -> str:
    """The text of an approval, to be signed by the approver; raises RefusedError as `approve` does."""
    if not 0 < hours <= policy.max_hours:
        raise RefusedError(f"an approval lives for more than 0 and at most {policy.max_hours:g} hours, not {hours:g}")
    request, parts = open_request(envelope, policy)
    if own != parts.digest:
        raise RefusedError("the request is for another plan than the one that was looked at")
    refuse_without_reason(request, rules)
    return statement.draft(_answer(APPROVAL, envelope, parts), hours=hours)


def with_approval(envelope: Envelope, signed: Signed, policy: Policy, *, rules: Sequence[Rule] = ()) -> Envelope:
    """The envelope with a signed approval of it; one's own earlier one is replaced.

    Raises:
        RefusedError: the request or the approval does not hold, is one's own, or the approver has none of the roles.
    """
    request, parts = open_request(envelope, policy)
    answer = statement.read(signed, policy, APPROVAL)
    _refuse_other(answer, envelope, parts)
    if answer.is_same_person(request):
        raise RefusedError(f"{answer.author} asked for it: somebody else has to approve")
    roles = list(dict.fromkeys(rule.role for rule in rules))
    if roles and not any(policy.has_role(answer.author, role) for role in roles):
        raise RefusedError(f"{answer.author} does not have the role {' or '.join(map(repr, roles))}")
    kept = [one for one in envelope.approvals if not _is_by(one, answer, policy)]
    return Envelope(envelope.request, (*kept, signed))


def reject(envelope: Envelope, key: Path, policy: Policy, *, reason: str) -> Envelope:
    """End a request for good, with a signed reason; whoever is known may do that, also who asked for it.

    Raises:
        RefusedError: no reason was given, the request was ended before, or it is no request.
        SignatureError: the key is not usable or not known.
    """
    text = rejection_text(envelope, policy, reason=reason)
    return with_rejection(envelope, statement.signed_with(text, key, policy), policy)


def rejection_text(envelope: Envelope, policy: Policy, *, reason: str) -> str:
    """The text of a rejection, to be signed; raises RefusedError as `reject` does."""
    if not reason.strip():
        raise RefusedError("a rejection needs a reason")
    refuse_rejected(envelope, policy)
    request = statement.read(envelope.request, policy, REQUEST, BREAK_GLASS)
    payload = _answer(REJECTION, envelope, parts_of(request.payload))
    return statement.draft({**payload, "reason": reason}, hours=policy.max_hours)


def with_rejection(envelope: Envelope, signed: Signed, policy: Policy) -> Envelope:
    """The envelope with a signed rejection of it.

    Raises:
        RefusedError: the rejection does not hold or is of another request, or it was ended before.
    """
    refuse_rejected(envelope, policy)
    request = statement.read(envelope.request, policy, REQUEST, BREAK_GLASS)
    _refuse_other(statement.read(signed, policy, REJECTION), envelope, parts_of(request.payload))
    return Envelope(envelope.request, envelope.approvals, signed)


def refuse_rejected(envelope: Envelope, policy: Policy) -> None:
    """Raises RefusedError when somebody has ended the request, and says who and why."""
    if envelope.rejection is None:
        return
    answer = statement.read(envelope.rejection, policy, REJECTION)
    if answer.payload.get("request") != sha256(envelope.request.payload):
        raise RefusedError("it carries the rejection of another request")
    raise RefusedError(f"{answer.author} has rejected it: {answer.payload.get('reason')}")


def refuse_without_reason(request: Statement, rules: Sequence[Rule]) -> None:
    """Raises RefusedError when one of the rules asks for a reason and the request gives none."""
    if any(rule.reason for rule in rules) and not str(request.payload.get("reason") or "").strip():
        raise RefusedError("the policy asks for a reason, and the request gives none: ask with --reason TEXT")


def _answer(kind: str, envelope: Envelope, parts: Parts) -> dict[str, Any]:
    return {"kind": kind, "digest": parts.digest, "request": sha256(envelope.request.payload)}


def _refuse_other(answer: Statement, envelope: Envelope, parts: Parts) -> None:
    """Raises RefusedError when what was signed answers another request, or another plan."""
    if (
        answer.payload.get("request") != sha256(envelope.request.payload)
        or answer.payload.get("digest") != parts.digest
    ):
        raise RefusedError("what was signed answers another request")


def _is_by(signed: Signed, other: Statement, policy: Policy) -> bool:
    """Whether an earlier approval is by the same person; one that does not hold any more is of no use either."""
    try:
        return statement.read(signed, policy, APPROVAL).is_same_person(other)
    except RefusedError:
        return True
