"""Passkeys as SSH keys: what a browser signs by WebAuthn is made an SSH signature, which `ssh-keygen` verifies itself.

OpenSSH knows the signatures of security keys that were made by a browser (`webauthn-sk-ecdsa-sha2-nistp256`): the
challenge is the text that an SSH signature is over. So a passkey is one more line of the allowed signers, and whoever
verifies an approval, the op's gate too, needs nothing new. The line's comment is `passkey:` and the credential's id.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import struct
import textwrap
from dataclasses import dataclass
from pathlib import Path

from dagster_playbook.approval.signature import NAMESPACE, SignatureError

_KEY_TYPE = "sk-ecdsa-sha2-nistp256@openssh.com"
_SIGNATURE_TYPE = "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"
_CURVE = "nistp256"
_HASH = "sha512"
#: a SubjectPublicKeyInfo of a point on P-256 is these bytes and the 65 of the point
_SPKI_HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
_POINT_BYTES = 65
_MARK = "passkey:"
_LINE = re.compile(
    rf"^(?P<names>[^\s#\"]+)\s.*?\b{re.escape(_KEY_TYPE)}\s+(?P<key>[A-Za-z0-9+/=]+)\s+{_MARK}(?P<id>\S+)\s*$"
)
_CREDENTIAL = re.compile(r"[A-Za-z0-9_-]{16,1400}")
_RP_ID = re.compile(r"[a-z0-9.-]{1,253}")
_PRINCIPAL = re.compile(r"[A-Za-z0-9._%+@-]{1,200}")
#: of the authenticator's data: somebody was there, it was verified who, an attested key follows, extensions follow
_PRESENT, _VERIFIED, _ATTESTED, _EXTENDED = 0x01, 0x04, 0x40, 0x80
_AUTHENTICATOR_BYTES = 37


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey that the allowed signers name: whose it is, the credential's id in base64url, and its SSH key."""

    principal: str
    credential: str
    key: bytes

    @property
    def rp_id(self) -> str:
        """The host of the site that it was made on, and that alone may ask it to sign."""
        return _strings(self.key)[3].decode("ascii", "replace")


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a browser's `navigator.credentials.get` gave, as bytes."""

    client_data: bytes
    authenticator_data: bytes
    signature: bytes


def passkeys(allowed_signers: Path) -> list[Passkey]:
    """The passkeys among the allowed signers; a line that cannot be read as one is none."""
    found = []
    for line in allowed_signers.read_text(encoding="utf-8", errors="replace").splitlines():
        if match := _LINE.match(line.strip()):
            try:
                key = base64.b64decode(match["key"], validate=True)
                has_shape = len(_strings(key)) == 4
            except (binascii.Error, SignatureError):
                continue
            if has_shape:
                found.append(Passkey(match["names"], match["id"], key))
    return found


def signers_line(principal: str, credential: str, public_key: bytes, rp_id: str) -> str:
    """The line of the allowed signers for a new passkey.

    Args:
        public_key: as the browser's `getPublicKey()` gives it (SubjectPublicKeyInfo).

    Raises:
        SignatureError: something of it is not what a browser gives.
    """
    if not public_key.startswith(_SPKI_HEAD) or len(public_key) != len(_SPKI_HEAD) + _POINT_BYTES:
        raise SignatureError("the passkey is not one of the curve P-256 (ES256)")
    if not (_CREDENTIAL.fullmatch(credential) and _RP_ID.fullmatch(rp_id) and _PRINCIPAL.fullmatch(principal)):
        raise SignatureError("the name, the credential's id or the host is not written as one")
    key = b"".join(map(_string, (_KEY_TYPE.encode(), _CURVE.encode(), public_key[len(_SPKI_HEAD) :], rp_id.encode())))
    encoded = base64.b64encode(key).decode("ascii")
    return f'{principal} namespaces="{NAMESPACE}" {_KEY_TYPE} {encoded} {_MARK}{credential}'


def challenge(text: str, namespace: str = NAMESPACE) -> bytes:
    """What a passkey signs: the bytes that an SSH signature of the text in this namespace is over."""
    digest = hashlib.sha512(text.encode("utf-8")).digest()
    return b"SSHSIG" + b"".join(map(_string, (namespace.encode(), b"", _HASH.encode(), digest)))


def armoured(passkey: Passkey, text: str, given: Assertion, origin: str, namespace: str = NAMESPACE) -> str:
    """The SSH signature of a text from what a browser gave; whether it holds is for `ssh-keygen` to say.

    Args:
        origin: of the site that asked, e.g. `https://playbook.example.org`.

    Raises:
        SignatureError: it is over something else, was asked for by another site, or nobody was verified.
    """
    _refuse_client_data(given.client_data, challenge(text, namespace), origin)
    data = given.authenticator_data
    if len(data) < _AUTHENTICATOR_BYTES:
        raise SignatureError("the authenticator's data are cut off")
    flags, (counter,) = data[32], struct.unpack(">I", data[33:_AUTHENTICATOR_BYTES])
    if not flags & _PRESENT or not flags & _VERIFIED:
        raise SignatureError("the passkey did not verify who used it (a PIN, a fingerprint, a face)")
    extensions = data[_AUTHENTICATOR_BYTES:]
    if flags & _ATTESTED or bool(flags & _EXTENDED) != bool(extensions):
        raise SignatureError("the authenticator's data are not those of a signature")
    numbers = b"".join(map(_string, _numbers(given.signature)))
    signed = _string(_SIGNATURE_TYPE.encode()) + _string(numbers) + bytes([flags]) + struct.pack(">I", counter)
    signed += _string(origin.encode()) + _string(given.client_data) + _string(extensions)
    blob = b"SSHSIG" + struct.pack(">I", 1)
    blob += b"".join(map(_string, (passkey.key, namespace.encode(), b"", _HASH.encode(), signed)))
    lines = "\n".join(textwrap.wrap(base64.b64encode(blob).decode("ascii"), 70))
    return f"-----BEGIN SSH SIGNATURE-----\n{lines}\n-----END SSH SIGNATURE-----\n"


def _refuse_client_data(raw: bytes, wanted: bytes, origin: str) -> None:
    try:
        told = json.loads(raw)
        is_object = isinstance(told, dict)
    except ValueError:
        is_object = False
    if not is_object or told.get("type") != "webauthn.get":
        raise SignatureError("the browser's data are not those of a signature")
    if told.get("challenge") != base64.urlsafe_b64encode(wanted).rstrip(b"=").decode("ascii"):
        raise SignatureError("the passkey has signed something else")
    if told.get("origin") != origin or told.get("crossOrigin"):
        raise SignatureError("another site has asked for the signature")


def _numbers(der: bytes) -> tuple[bytes, bytes]:
    """The two integers of an ECDSA signature; DER writes them as SSH does."""
    try:
        kind, length = der[0], der[1]
        first = der[3]
        is_right = (kind, length, der[2]) == (0x30, len(der) - 2, 0x02) and length < 0x80
        second_at = 4 + first
        second = der[second_at + 1]
        if not is_right or der[second_at] != 0x02 or second_at + 2 + second != len(der) or not first or not second:
            raise SignatureError("the signature is no ECDSA signature")
    except IndexError as error:
        raise SignatureError("the signature is no ECDSA signature") from error
    return der[4:second_at], der[second_at + 2 :]


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _strings(blob: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(blob):
        if len(blob) < at + 4:
            raise SignatureError("not an SSH key")
        (length,) = struct.unpack(">I", blob[at : at + 4])
        if len(blob) < at + 4 + length:
            raise SignatureError("not an SSH key")
        found.append(blob[at + 4 : at + 4 + length])
        at += 4 + length
    return found
