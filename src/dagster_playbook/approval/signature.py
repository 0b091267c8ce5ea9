"""SSH signatures of texts through `ssh-keygen -Y`, and the people that an allowed-signers file knows.

No key is ever read here: `ssh-keygen` (or the agent behind it) signs, and asks for a passphrase where one is set.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
import subprocess
import tempfile
from pathlib import Path

#: the signature's namespace: a signature that was made for git or a file is worth nothing here
NAMESPACE = "dagster-playbook"
_ARMOUR = ("-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----")
_MAGIC = b"SSHSIG"
_TIMEOUT_S = 60


class SignatureError(Exception):
    """A signature is missing, malformed, not by a known signer, or not over this text."""


def sign(payload: str, key: Path, namespace: str = NAMESPACE) -> str:
    """The armoured signature of a text, which counts in one namespace alone.

    Raises:
        SignatureError: the key is missing or unusable, or `ssh-keygen` is not installed.
    """
    if not key.is_file():
        raise SignatureError(f"no key {key}")
    with tempfile.TemporaryDirectory(prefix="playbook-sign-") as folder:
        text = Path(folder) / "payload"
        text.write_text(payload, encoding="utf-8")
        done = _keygen("-Y", "sign", "-f", str(key), "-n", namespace, str(text), may_ask=True)
        signature = text.with_name("payload.sig")
        if done.returncode != 0 or not signature.is_file():
            raise SignatureError(f"ssh-keygen could not sign with {key}: {_why(done)}")
        return signature.read_text(encoding="ascii")


def signer(payload: str, signature: str, allowed_signers: Path, namespace: str = NAMESPACE) -> str:
    """The principal who signed this text, as the allowed-signers file names the key.

    Raises:
        SignatureError: no known signer signed exactly this text in the namespace, or the key has several names.
    """
    if not allowed_signers.is_file():
        raise SignatureError(f"no allowed-signers file {allowed_signers}")
    with tempfile.TemporaryDirectory(prefix="playbook-verify-") as folder:
        file = Path(folder) / "signature"
        file.write_text(signature, encoding="utf-8")
        found = _keygen("-Y", "find-principals", "-s", str(file), "-f", str(allowed_signers))
        principals = sorted(set(found.stdout.replace(",", "\n").split()))
        if found.returncode != 0 or not principals:
            raise SignatureError(f"signed by a key that {allowed_signers.name} does not know")
        if len(principals) > 1:
            raise SignatureError(f"the key has several names in {allowed_signers.name}: {', '.join(principals)}")
        arguments = ("-f", str(allowed_signers), "-I", principals[0], "-n", namespace, "-s", str(file))
        done = _keygen("-Y", "verify", *arguments, text=payload)
        if done.returncode != 0:
            raise SignatureError(f"the signature is not over this text or not valid now: {_why(done)}")
    return principals[0]


def key_fingerprint(signature: str) -> str:
    """`SHA256:...` of the public key inside a signature, as `ssh-keygen -l` prints it.

    Raises:
        SignatureError: it is no SSH signature.
    """
    try:
        inside = signature.split(_ARMOUR[0], 1)[1].split(_ARMOUR[1], 1)[0]
        blob = base64.b64decode("".join(inside.split()), validate=True)
        if blob[:6] != _MAGIC:
            raise SignatureError("not an SSH signature")
        (length,) = struct.unpack(">I", blob[10:14])
        public_key = blob[14 : 14 + length]
    except (IndexError, binascii.Error, struct.error) as error:
        raise SignatureError("not an SSH signature") from error
    digest = base64.b64encode(hashlib.sha256(public_key).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


def _keygen(*arguments: str, text: str | None = None, may_ask: bool = False) -> subprocess.CompletedProcess[str]:
    """Run `ssh-keygen`; it `may_ask` on the terminal for a passphrase or a touch."""
    try:
        return subprocess.run(
            ["ssh-keygen", *arguments],  # noqa: S607 - found on the PATH, as git does
            input=text,
            stdin=None if text is not None or may_ask else subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise SignatureError("ssh-keygen is not installed: install OpenSSH 8.9 or newer") from error
    except subprocess.TimeoutExpired as error:
        raise SignatureError(f"ssh-keygen gave no answer within {_TIMEOUT_S} s") from error


def _why(done: subprocess.CompletedProcess[str]) -> str:
    said = (done.stderr or done.stdout).strip().splitlines()
    return said[-1] if said else f"exit code {done.returncode}"
