"""Envelopes, statements and signatures: what can be read of them, and what cannot."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.approval import signature, statement
from dagster_playbook.approval.asking import reject
from dagster_playbook.approval.envelope import Envelope, RefusedError, Signed, decode, encode, from_dict, payload_of
from dagster_playbook.approval.signature import SignatureError, key_fingerprint, sign, signer
from dagster_playbook.approval.statement import Statement


def test_it_survives_the_way_through_a_run_tag(people: Any, approved: Envelope) -> None:
    """What a run tag carries decodes to the same envelope, with all approvals and the rejection."""
    rejected = reject(people.approved("approver", "second"), people.key("second"), people.policy, reason="no")
    for envelope in (approved, Envelope(approved.request), rejected):
        assert decode(encode(envelope)) == envelope
        assert encode(envelope).isascii()
        assert from_dict(json.loads(json.dumps(envelope.as_dict()))) == envelope


def _packed(data: Any) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(zlib.compress(raw)).decode()


SIGNED = {"payload": "{}", "signature": ""}
BROKEN = ["", "x", "eJxLTEoGAAJNASc=", "\u00e9", _packed(b"\xff"), _packed(b"[" * 100_000), _packed([1]), _packed({})]
BROKEN += [
    _packed({"request": SIGNED, "approvals": [], "rejection": None, "more": 1}),
    _packed({"request": None, "approvals": [], "rejection": None}),
    _packed({"request": {"payload": 3, "signature": ""}, "approvals": [], "rejection": None}),
    _packed({"request": {"payload": ""}, "approvals": [], "rejection": None}),
    _packed({"request": SIGNED, "approvals": SIGNED, "rejection": None}),
    _packed({"request": SIGNED, "approvals": [SIGNED] * 17, "rejection": None}),
    _packed({"request": SIGNED, "approvals": [], "rejection": []}),
    _packed(b" " * 2_000_000),
]


@pytest.mark.parametrize("text", BROKEN)
def test_a_tag_that_is_no_approval_is_refused(text: str) -> None:
    """Whatever stands in the tag, it is refused and never a traceback."""
    with pytest.raises(RefusedError, match="not an approval: it cannot be read"):
        decode(text)


def test_a_tag_that_is_too_long_is_not_looked_at() -> None:
    """Sixty-four thousand characters are enough for sixteen approvals."""
    with pytest.raises(RefusedError, match="not an approval: too long"):
        decode("A" * 64_001)
    with pytest.raises(RefusedError, match="cannot be read"):
        decode("A" * 64_000)
    sixteen = {"request": SIGNED, "approvals": [SIGNED] * 16, "rejection": None}
    assert len(decode(_packed(sixteen)).approvals) == 16


@pytest.mark.parametrize(
    ("text", "reason"), [("x", "no JSON"), ("[]", "no JSON object"), ("3", "no JSON object"), ("[" * 99_999, "no JSON")]
)
def test_a_signed_text_is_an_object(text: str, reason: str) -> None:
    """Anything else says nothing."""
    with pytest.raises(RefusedError, match=f"the signed text is {reason}$"):
        payload_of(Signed(text, ""))


def test_one_person_is_one_name_or_one_key() -> None:
    """Either is enough."""
    one = Statement({}, "a@x", "key-1")
    assert one.is_same_person(Statement({}, "a@x", "key-2"))
    assert one.is_same_person(Statement({}, "b@x", "key-1"))
    assert not one.is_same_person(Statement({}, "b@x", "key-2"))


def test_a_statement_is_read_with_its_author(people: Any) -> None:
    """Who signed follows from the key; the fingerprint is the one that ssh-keygen prints."""
    signed = statement.signed_with(
        statement.draft({"kind": "request"}, hours=3), people.key("approver-laptop"), people.policy
    )
    read = statement.read(signed, people.policy, "approval", "request")
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(people.key("approver-laptop.pub"))], capture_output=True, text=True, check=True
    ).stdout
    assert read.author == "approver@example.org"
    assert read.key == shown.split()[1]
    expires = statement.alive(read, 3, statement.now())
    assert round((expires - statement.now()).total_seconds() / 3600, 1) == 3.0


def test_a_key_that_is_not_there_cannot_sign(people: Any, tmp_path: Path) -> None:
    """Neither a missing file nor one that is no key."""
    with pytest.raises(SignatureError, match="no key "):
        sign("text", tmp_path / "none")
    (tmp_path / "rubbish").write_text("rubbish")
    with pytest.raises(SignatureError, match=r"ssh-keygen could not sign with .*rubbish: \S"):
        sign("text", tmp_path / "rubbish")


def test_a_signature_is_over_one_text(people: Any) -> None:
    """The signer's name for that text, a refusal for any other."""
    made = sign("text", people.key("approver"))
    assert signer("text", made, people.folder / "allowed_signers") == "approver@example.org"
    with pytest.raises(SignatureError, match=r"not over this text or not valid now: \S"):
        signer("text.", made, people.folder / "allowed_signers")


def test_nobody_is_known_without_the_file(people: Any, tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(SignatureError, match="no allowed-signers file"):
        signer("text", sign("text", people.key("approver")), tmp_path / "none")


def test_a_key_of_two_names_is_nobody_s(people: Any, tmp_path: Path) -> None:
    """Which of the two has signed nobody knows."""
    public = people.key("approver.pub").read_text().strip()
    (tmp_path / "signers").write_text(f"b@x,a@x {public}\n")
    with pytest.raises(SignatureError, match="the key has several names in signers: a@x, b@x"):
        signer("text", sign("text", people.key("approver")), tmp_path / "signers")


def test_a_key_that_is_not_valid_any_more_signs_nothing(people: Any, tmp_path: Path) -> None:
    """The file may say until when a key is good."""
    public = people.key("approver.pub").read_text().strip()
    (tmp_path / "signers").write_text(f'a@x valid-before="20200101" {public}\n')
    with pytest.raises(SignatureError, match=r"does not know|not valid now"):
        signer("text", sign("text", people.key("approver")), tmp_path / "signers")


@pytest.mark.parametrize(
    "text", ["", "x", "-----BEGIN SSH SIGNATURE-----\n!\n-----END SSH SIGNATURE-----"]
    + [
        f"-----BEGIN SSH SIGNATURE-----\n{base64.b64encode(raw).decode()}\n-----END SSH SIGNATURE-----"
        for raw in (b"", b"SSHSIG", b"PUTSIG" + b"\0" * 20)
    ],
)  # fmt: skip
def test_what_is_no_signature_has_no_key(text: str) -> None:
    """It is told, and never a traceback."""
    with pytest.raises(SignatureError, match="not an SSH signature"):
        key_fingerprint(text)


def test_a_signature_with_a_second_beginning_has_no_key(people: Any) -> None:
    """Neither what stands between two beginnings counts, nor a signature into which something was written."""
    made = sign("text", people.key("approver"))
    begin, end = signature._ARMOUR
    assert key_fingerprint(made).startswith("SHA256:")
    for text in (made.replace(end, f"{begin}\n{end}"), made.replace(f"{begin}\n", f"{begin}\n!")):
        with pytest.raises(SignatureError, match="not an SSH signature"):
            key_fingerprint(text)


def _keygen(folder: Path, script: str) -> str:
    """A PATH on which `ssh-keygen` is this script."""
    program = folder / "bin" / "ssh-keygen"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


#: what an ssh-keygen does, and what is said of it
FAILED_TO_SIGN = [
    ("exit 0", "exit code 0"),
    ('for last; do :; done; echo made > "$last.sig"; exit 3', "exit code 3"),
    ("echo once; echo broken; exit 1", "broken"),
    ("echo out; echo err >&2; exit 1", "err"),
]


@pytest.mark.parametrize(("script", "why"), FAILED_TO_SIGN)
def test_an_ssh_keygen_that_fails_signs_nothing(
    people: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, why: str
) -> None:
    """By its exit code or for want of a signature; its last words are told."""
    monkeypatch.setenv("PATH", _keygen(tmp_path, script))
    with pytest.raises(SignatureError, match=rf"could not sign with .*: {why}$"):
        sign("text", people.key("approver"))


@pytest.mark.parametrize("script", ["echo approver@example.org; exit 1", "exit 0"])
def test_a_signer_who_is_not_found_is_nobody(
    people: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str
) -> None:
    """A name that comes with a failure is none, and no name is none."""
    made = sign("text", people.key("approver"))
    monkeypatch.setenv("PATH", _keygen(tmp_path, script))
    with pytest.raises(SignatureError, match="signed by a key that allowed_signers does not know"):
        signer("text", made, people.folder / "allowed_signers")


@pytest.fixture
def terminal() -> Iterator[str]:
    """What standing input is, in place of the nothing that a test has."""
    read, write = os.pipe()
    kept = os.dup(0)
    os.dup2(read, 0)
    yield str(Path("/proc/self/fd/0").readlink())
    os.dup2(kept, 0)
    for descriptor in (read, write, kept):
        os.close(descriptor)


def test_only_signing_may_ask_on_the_terminal(
    people: Any, terminal: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A key may want a passphrase or a touch; verifying has an empty input."""
    told = tmp_path / "told"
    monkeypatch.setenv("PATH", _keygen(tmp_path, f'readlink /proc/$$/fd/0 >> "{told}"; exit 1'))
    with pytest.raises(SignatureError, match="could not sign"):
        sign("text", people.key("approver"))
    with pytest.raises(SignatureError, match="does not know"):
        signer("text", "text", people.folder / "allowed_signers")
    assert told.read_text().splitlines() == [terminal, "/dev/null"]


def test_a_missing_ssh_keygen_is_told(people: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SignatureError, match="ssh-keygen is not installed: install OpenSSH"):
        sign("text", people.key("approver"))


def test_an_ssh_keygen_that_hangs_is_told(people: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for a while, not for ever."""

    def hang(*_: Any, **options: Any) -> Any:
        raise subprocess.TimeoutExpired("ssh-keygen", options["timeout"])

    monkeypatch.setattr(signature.subprocess, "run", hang)
    with pytest.raises(SignatureError, match="gave no answer within 60 s"):
        sign("text", people.key("approver"))
