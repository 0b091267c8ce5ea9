"""A signed statement: canonical JSON with its kind, a nonce and two dates, and who said it by the key alone."""

from __future__ import annotations

import datetime as dt
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_playbook.approval import signature
from dagster_playbook.approval.canonical import canonical
from dagster_playbook.approval.envelope import RefusedError, Signed, payload_of
from dagster_playbook.approval.policy import Policy
from dagster_playbook.approval.signature import SignatureError

REQUEST, APPROVAL, REJECTION = "request", "approval", "rejection"
#: how far two machines' clocks may be apart
SKEW = dt.timedelta(minutes=5)
_NONCE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody has signed: `author` is the principal of the key, `key` its fingerprint."""

    payload: dict[str, Any]
    author: str
    key: str

    @property
    def nonce(self) -> str:
        """The random number that makes it one of a kind."""
        return str(self.payload["nonce"])

    def is_same_person(self, other: Statement) -> bool:
        """Whether both are by one person, or by one key."""
        return self.author == other.author or self.key == other.key


def draft(payload: dict[str, Any], *, hours: float) -> str:
    """The text that is to be signed: a payload with a nonce and its dates added."""
    at = now()
    dates = {"issued_at": spelled(at), "expires_at": spelled(at + dt.timedelta(hours=hours))}
    return canonical({**payload, "nonce": secrets.token_hex(16), **dates})


def signed_with(text: str, key: Path, policy: Policy) -> Signed:
    """A draft under the signature of an SSH key.

    Raises:
        SignatureError: the key is not usable or not known.
    """
    signed = Signed(text, signature.sign(text, key))
    signature.signer(text, signed.signature, policy.allowed_signers)
    return signed


def read(signed: Signed, policy: Policy, *kinds: str) -> Statement:
    """A statement of one of these kinds, once its signature holds.

    Raises:
        RefusedError: it is not signed by a known key, is of another kind, or has no nonce.
    """
    try:
        author = signature.signer(signed.payload, signed.signature, policy.allowed_signers)
        key = signature.key_fingerprint(signed.signature)
    except SignatureError as error:
        raise RefusedError(f"the {kinds[0]}: {error}") from error
    payload = payload_of(signed)
    if payload.get("kind") not in kinds:
        raise RefusedError(f"a signed {payload.get('kind')!r} where a signed {kinds[0]!r} is needed")
    if not _NONCE.fullmatch(str(payload.get("nonce"))):
        raise RefusedError(f"the {kinds[0]} has no random number that could be spent")
    return Statement(payload, author, key)


def alive(statement: Statement, max_hours: float, at: dt.datetime) -> dt.datetime:
    """When a statement expires.

    Raises:
        RefusedError: it has no dates, has expired, or has dates that the policy does not allow.
    """
    try:
        issued = dt.datetime.fromisoformat(statement.payload["issued_at"])
        expires = dt.datetime.fromisoformat(statement.payload["expires_at"])
        is_from_the_future = issued > at + SKEW
        is_too_long = expires - issued > dt.timedelta(hours=max_hours)
        is_over = at >= expires
    except (KeyError, TypeError, ValueError) as error:
        raise RefusedError("it has no readable dates") from error
    if is_from_the_future:
        raise RefusedError(f"it was issued in the future, at {spelled(issued)}: one of two clocks is wrong")
    if is_too_long:
        raise RefusedError(f"it lives longer than the {max_hours:g} hours that are allowed")
    if is_over:
        raise RefusedError(f"it expired at {spelled(expires)}")
    return expires


def now() -> dt.datetime:
    """The time, aware and in UTC."""
    return dt.datetime.now(dt.UTC)


def spelled(moment: dt.datetime) -> str:
    """ISO 8601 in UTC, to the second."""
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")
