"""A request, the approval of it, and the one function that says whether they allow something.

Both are canonical JSON texts, each signed by its author's SSH key. Who the author is follows from the key alone:
a name inside a payload is a claim that has to agree with it. Whoever asks cannot be who approves.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagster_playbook.approval import signature
from dagster_playbook.approval.canonical import canonical, sha256
from dagster_playbook.approval.envelope import Envelope, RefusedError, Signed, payload_of
from dagster_playbook.approval.policy import BREAK_GLASS, Policy
from dagster_playbook.approval.signature import SignatureError

_SKEW = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Grant:
    """What has been allowed, by whom, to whom; `nonce` is spent when it is used."""

    digest: str
    nonce: str
    requester: str
    approver: str
    expires_at: dt.datetime
    reason: str = ""

    @property
    def is_break_glass(self) -> bool:
        """Whether nobody but the requester has agreed."""
        return not self.approver


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for.

    Attributes:
        digest: of the plan.
        target: the platform it is for, as the op knows itself.
        scopes: `scope_digest` of each run that the plan may start.
        about: title, parameters and blast radius, for the approver to read; covered by the signature.
    """

    digest: str
    target: str
    scopes: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Demand:
    """What an approval has to cover: a plan by its digest, or one run of an op by its scope, or both."""

    role: str
    target: str
    digest: str = ""
    scope: str = ""


def ask(wanted: Wanted, key: Path, policy: Policy, *, reason: str = "") -> Envelope:
    """Sign a request for a plan; with a `reason` it is a broken glass that lives for an hour.

    Raises:
        SignatureError: the key is not usable or not known.
    """
    now = _now()
    payload = {
        "kind": BREAK_GLASS if reason else "request",
        "digest": wanted.digest,
        "target": wanted.target,
        "scopes": sorted(wanted.scopes),
        "about": wanted.about,
        "reason": reason,
        "nonce": secrets.token_hex(16),
        "issued_at": _text(now),
        "expires_at": _text(now + dt.timedelta(hours=1 if reason else policy.max_hours)),
    }
    return Envelope(_signed(payload, key, policy))


def approve(envelope: Envelope, key: Path, policy: Policy, *, hours: float) -> Envelope:
    """Sign the approval of a request for some hours, at most as long as the policy allows.

    Raises:
        RefusedError: the request does not hold, or it is one's own.
        SignatureError: a key is not usable or not known.
    """
    if not 0 < hours <= policy.max_hours:
        raise RefusedError(f"an approval lives for more than 0 and at most {policy.max_hours:g} hours, not {hours:g}")
    request = _read(envelope.request, policy, "request")
    now = _now()
    _alive(request, policy.max_hours, now)
    payload = {
        "kind": "approval",
        "digest": request["digest"],
        "request": sha256(envelope.request.payload),
        "nonce": secrets.token_hex(16),
        "issued_at": _text(now),
        "expires_at": _text(now + dt.timedelta(hours=hours)),
    }
    approval = _signed(payload, key, policy)
    _refuse_one_person(envelope.request, approval, policy)
    return Envelope(envelope.request, approval)


def verify(envelope: Envelope, policy: Policy, demand: Demand, *, now: dt.datetime | None = None) -> Grant:
    """Whether an envelope allows what is demanded, now.

    Raises:
        RefusedError: with the reason. The nonce has not been looked at: spending it is the ledger's part.
    """
    at = now or _now()
    try:
        if envelope.approval is None:
            return _broken_glass(envelope, policy, demand, at)
        request = _read(envelope.request, policy, "request")
        _covers(request, demand)
        approval = _read(envelope.approval, policy, "approval")
        if approval.get("request") != sha256(envelope.request.payload):
            raise RefusedError("the approval is of another request")
        expires = _alive(approval, policy.max_hours, at)
        requester, approver = _refuse_one_person(envelope.request, envelope.approval, policy)
    except SignatureError as error:
        raise RefusedError(str(error)) from error
    if not policy.has_role(approver, demand.role):
        raise RefusedError(f"{approver} does not have the role {demand.role!r}")
    return Grant(str(request["digest"]), str(approval["nonce"]), requester, approver, expires)


def _signed(payload: dict[str, Any], key: Path, policy: Policy) -> Signed:
    text = canonical(payload)
    signed = Signed(text, signature.sign(text, key))
    signature.signer(text, signed.signature, policy.allowed_signers)
    return signed


def _broken_glass(envelope: Envelope, policy: Policy, demand: Demand, now: dt.datetime) -> Grant:
    payload = _read(envelope.request, policy, BREAK_GLASS)
    _covers(payload, demand)
    expires = _alive(payload, 1.0, now)
    person = signature.signer(envelope.request.payload, envelope.request.signature, policy.allowed_signers)
    if not policy.has_role(person, BREAK_GLASS):
        raise RefusedError(f"{person} does not have the role {BREAK_GLASS!r}, and nobody has approved")
    return Grant(str(payload["digest"]), str(payload["nonce"]), person, "", expires, str(payload["reason"]))


def _read(signed: Signed, policy: Policy, kind: str) -> dict[str, Any]:
    signature.signer(signed.payload, signed.signature, policy.allowed_signers)
    payload = payload_of(signed)
    if payload.get("kind") != kind:
        raise RefusedError(f"a signed {payload.get('kind')!r} where a signed {kind!r} is needed")
    return payload


def _covers(request: dict[str, Any], demand: Demand) -> None:
    if request.get("target") != demand.target:
        raise RefusedError(f"it is for the platform {request.get('target')!r}, not for {demand.target!r}")
    if demand.digest and request.get("digest") != demand.digest:
        raise RefusedError("it is for another plan: something has changed since it was asked for")
    if demand.scope and demand.scope not in request.get("scopes", ()):
        raise RefusedError("it does not cover this run's config")
    if not demand.digest and not demand.scope:
        raise RefusedError("nothing was named that it could cover")


def _alive(payload: dict[str, Any], max_hours: float, now: dt.datetime) -> dt.datetime:
    try:
        issued = dt.datetime.fromisoformat(payload["issued_at"])
        expires = dt.datetime.fromisoformat(payload["expires_at"])
        too_long = expires - issued > dt.timedelta(hours=max_hours)
        if issued > now + _SKEW or too_long:
            raise RefusedError("its dates make no sense: issued in the future, or living longer than the policy allows")
    except (KeyError, TypeError, ValueError) as error:
        raise RefusedError("it has no readable dates") from error
    if now >= expires:
        raise RefusedError(f"it expired at {_text(expires)}")
    return expires


def _refuse_one_person(request: Signed, approval: Signed, policy: Policy) -> tuple[str, str]:
    requester = signature.signer(request.payload, request.signature, policy.allowed_signers)
    approver = signature.signer(approval.payload, approval.signature, policy.allowed_signers)
    same_key = signature.key_fingerprint(request.signature) == signature.key_fingerprint(approval.signature)
    if requester == approver or same_key:
        raise RefusedError(f"{approver} asked for it: somebody else has to approve")
    return requester, approver


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")
