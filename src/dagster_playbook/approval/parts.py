"""What a plan's digest is made of, so that whoever holds a request can work its digest out again."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from dagster_playbook.approval.canonical import canonical, sha256
from dagster_playbook.approval.envelope import RefusedError

_SALT_BYTES = 16
#: slow enough that a short secret is not guessed from its digest by trying all; 16 MiB and about 50 ms
_SCRYPT = {"n": 2**14, "r": 8, "p": 1}


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a digest covers, as plain data; what is large is itself a digest.

    Attributes:
        runbook: the page's path in the project; text: SHA-256 of the page; steps: digest of what the steps do.
        parameters: by name, with a mark in the place of secret values.
        salt: of the secrets, "" when there are none; secrets: the salted digest of each secret value, by name.
        target: the platform's name in approvals.
        versions: of the packages that run the platform, by name.
        platform: digest of the code location's sources; sources: fingerprint of each SQLMesh project, sorted.
        blast_radius: digest of what is touched, see `BlastRadius.identity`.
        scopes: `scope_digest` of each run that the plan may start, sorted.
    """

    runbook: str
    text: str
    target: str
    steps: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    salt: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    platform: str = ""
    sources: tuple[str, ...] = ()
    blast_radius: str = ""
    scopes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """What is approved: whatever of this changes, the approval lapses."""
        return sha256(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "sources": sorted(self.sources), "scopes": sorted(self.scopes)}

    def differing(self, other: Parts) -> list[str]:
        """The names of the parts in which two plans differ."""
        mine, theirs = self.as_dict(), other.as_dict()
        return [name for name in mine if mine[name] != theirs[name]]


def parts_of(payload: Mapping[str, Any]) -> Parts:
    """The parts that a signed request names, once its digest is theirs.

    Raises:
        RefusedError: they have not the shape of parts, or the digest belongs to other ones.
    """
    told = payload.get("parts")
    if not isinstance(told, dict) or set(told) != {one.name for one in fields(Parts)}:
        raise RefusedError("the request does not say what its digest is made of")
    texts = ("runbook", "text", "steps", "target", "salt", "platform", "blast_radius")
    mappings = ("parameters", "secrets", "versions")
    lists = ("sources", "scopes")
    has_shape = (
        all(isinstance(told[name], str) for name in texts)
        and all(isinstance(told[name], dict) for name in mappings)
        and all(isinstance(told[name], list) and all(isinstance(x, str) for x in told[name]) for name in lists)
    )
    if not has_shape:
        raise RefusedError("the request does not say what its digest is made of")
    parts = Parts(**{**told, "sources": tuple(told["sources"]), "scopes": tuple(told["scopes"])})
    if parts.digest != payload.get("digest"):
        raise RefusedError("the request's digest is not the digest of what it says: its scopes, text or parameters")
    return parts


def new_salt() -> str:
    """A random salt for the secrets of one plan."""
    return secrets.token_hex(_SALT_BYTES)


def secret_digest(salt: str, name: str, value: Any) -> str:
    """The salted digest of a secret parameter's value: it tells two values apart and gives neither away."""
    text = canonical([name, value]).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt.encode(), dklen=32, maxmem=2**26, **_SCRYPT).hex()
