"""A signed request with the signed answers to it, as a file and as one line for a run tag."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dagster_playbook.approval.canonical import canonical

#: the run tag that carries an approval to the op; its value is `encode(...)`
TAG = "playbook/approval"
#: the run tag by which an op says that it did not admit the run: nothing was spent, and nothing was done
REFUSED_TAG = "playbook/approval_refused"
_MAX_TAG_CHARACTERS = 64_000
_MAX_BYTES = 1_000_000
#: each one costs two calls of ssh-keygen, and anybody can write a run tag
_MAX_APPROVALS = 16


class RefusedError(Exception):
    """Why something is not allowed, in one line."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A text and its author's armoured signature."""

    payload: str
    signature: str

    def as_dict(self) -> dict[str, str]:
        """Plain data for JSON."""
        return {"payload": self.payload, "signature": self.signature}


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signed request, the signed approvals of it, and the signed rejection that ended it, where there is one."""

    request: Signed
    approvals: tuple[Signed, ...] = ()
    rejection: Signed | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "request": self.request.as_dict(),
            "approvals": [one.as_dict() for one in self.approvals],
            "rejection": self.rejection.as_dict() if self.rejection else None,
        }


def encode(envelope: Envelope) -> str:
    """One line of ASCII for a run tag."""
    packed = zlib.compress(canonical(envelope.as_dict()).encode(), level=9)
    return base64.urlsafe_b64encode(packed).decode("ascii")


def decode(text: str) -> Envelope:
    """The envelope of a run tag.

    Raises:
        RefusedError: it is none.
    """
    if len(text) > _MAX_TAG_CHARACTERS:
        raise RefusedError("not an approval: too long")
    try:
        unpacker = zlib.decompressobj()
        packed = unpacker.decompress(base64.urlsafe_b64decode(text.encode("ascii")), _MAX_BYTES)
        return from_dict(json.loads(packed.decode("utf-8")))
    except (ValueError, zlib.error, binascii.Error, RecursionError) as error:
        raise RefusedError("not an approval: it cannot be read") from error


def from_dict(data: Any) -> Envelope:
    """The envelope of plain data.

    Raises:
        ValueError: it has not the shape of one.
    """
    if not isinstance(data, Mapping) or set(data) != {"request", "approvals", "rejection"}:
        raise ValueError("not an approval")
    approvals = data["approvals"]
    if not isinstance(approvals, list) or len(approvals) > _MAX_APPROVALS:
        raise ValueError("not a list of approvals")
    rejection = _signed_of(data["rejection"]) if data["rejection"] is not None else None
    return Envelope(_signed_of(data["request"]), tuple(map(_signed_of, approvals)), rejection)


def payload_of(signed: Signed) -> dict[str, Any]:
    """The signed text as plain data; says nothing about the signature.

    Raises:
        RefusedError: it is no JSON object.
    """
    try:
        payload = json.loads(signed.payload)
    except (ValueError, RecursionError) as error:
        raise RefusedError("the signed text is no JSON") from error
    if not isinstance(payload, dict):
        raise RefusedError("the signed text is no JSON object")
    return payload


def _signed_of(data: Any) -> Signed:
    if not isinstance(data, Mapping) or not all(isinstance(data.get(k), str) for k in ("payload", "signature")):
        raise ValueError("not a signed text")
    return Signed(data["payload"], data["signature"])
