"""An authenticator in software: what a browser hands over when a passkey is made and when it signs."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dagster_playbook.approval.passkey import Assertion, signers_line

PRESENT, VERIFIED = 0x01, 0x04


@dataclass
class SoftwarePasskey:
    """A key pair of one host; `counter` counts its signatures."""

    rp_id: str = "localhost"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    counter: int = 0

    @property
    def public_key(self) -> bytes:
        """As `getPublicKey()` gives it."""
        return self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def line(self, principal: str) -> str:
        """Its line of the allowed signers."""
        return signers_line(principal, self.credential, self.public_key, self.rp_id)

    def sign(self, challenge: bytes, origin: str, flags: int = PRESENT | VERIFIED) -> Assertion:
        """As `navigator.credentials.get()` gives it."""
        self.counter += 1
        spelled = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        told = {"type": "webauthn.get", "challenge": spelled, "origin": origin, "crossOrigin": False}
        client_data = json.dumps(told, separators=(",", ":")).encode()
        data = hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + struct.pack(">I", self.counter)
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return Assertion(client_data, data, signature)
