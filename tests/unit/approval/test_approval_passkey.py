"""Passkeys: what a browser signs is an SSH signature that `ssh-keygen` itself verifies, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from software_passkey import PRESENT, SoftwarePasskey

from dagster_playbook.approval import signature
from dagster_playbook.approval.asking import Wanted, approval_text, request_text, with_approval
from dagster_playbook.approval.envelope import Envelope, RefusedError, Signed
from dagster_playbook.approval.grant import Demand, verify
from dagster_playbook.approval.parts import Parts
from dagster_playbook.approval.passkey import Assertion, Passkey, armoured, challenge, passkeys, signers_line
from dagster_playbook.approval.policy import Policy, Rule
from dagster_playbook.approval.signature import SignatureError

ORIGIN = "http://localhost:8000"
TEXT = '{"kind":"approval"}'


@pytest.fixture
def device() -> SoftwarePasskey:
    return SoftwarePasskey()


@pytest.fixture
def signers(tmp_path: Path, device: SoftwarePasskey) -> Path:
    file = tmp_path / "allowed_signers"
    file.write_text(f"# people\n{device.line('ada@example.org')}\n")
    return file


@pytest.fixture
def passkey(signers: Path) -> Passkey:
    (found,) = passkeys(signers)
    return found


def made(device: SoftwarePasskey, passkey: Passkey, text: str = TEXT) -> str:
    return armoured(passkey, text, device.sign(challenge(text), ORIGIN), ORIGIN)


def test_ssh_keygen_knows_who_signed(device: SoftwarePasskey, passkey: Passkey, signers: Path) -> None:
    """The signature of a passkey is by the principal of its line, again and again."""
    for _ in range(5):
        assert signature.signer(TEXT, made(device, passkey), signers) == "ada@example.org"
    assert (passkey.rp_id, passkey.credential) == ("localhost", device.credential)


def test_it_is_over_one_text_alone(device: SoftwarePasskey, passkey: Passkey, signers: Path) -> None:
    """`ssh-keygen` refuses it for another text."""
    with pytest.raises(SignatureError, match="not over this text"):
        signature.signer(TEXT + " ", made(device, passkey), signers)


def test_it_counts_in_one_namespace_alone(device: SoftwarePasskey, passkey: Passkey, signers: Path) -> None:
    """A signature for git is worth nothing here."""
    given = device.sign(challenge(TEXT, "git"), ORIGIN)
    with pytest.raises(SignatureError, match="not valid now"):
        signature.signer(TEXT, armoured(passkey, TEXT, given, ORIGIN, "git"), signers)


def test_another_key_of_the_same_name_does_not_pass(passkey: Passkey, signers: Path) -> None:
    """What another device signed in this one's name does not hold."""
    with pytest.raises(SignatureError):
        signature.signer(TEXT, made(SoftwarePasskey(), passkey), signers)


def test_a_key_under_two_names_is_one_person(device: SoftwarePasskey, passkey: Passkey, signers: Path) -> None:
    """Who asked cannot approve with the same passkey, whatever further name it was given."""
    with signers.open("a") as file:
        file.write(device.line("bob@example.org") + "\n")
    policy = Policy(signers, {"approver": ("ada@example.org", "bob@example.org")})
    text = request_text(Wanted(Parts("runbooks/x.md", "a" * 64, "embedded")), policy)
    envelope = Envelope(Signed(text, made(device, passkey, text)))
    answer = approval_text(envelope, policy, hours=1, own=json.loads(text)["digest"])
    with pytest.raises(RefusedError, match="somebody else has to approve"):
        with_approval(envelope, Signed(answer, made(device, passkey, answer)), policy)


def test_a_passkey_is_asked_for_and_approves(device: SoftwarePasskey, passkey: Passkey, signers: Path) -> None:
    """Two people with passkeys make an approval that the one verifier of approvals takes."""
    other = SoftwarePasskey()
    with signers.open("a") as file:
        file.write(other.line("bob@example.org") + "\n")
    policy = Policy(signers, {"approver": ("bob@example.org",)})
    text = request_text(Wanted(Parts("runbooks/x.md", "a" * 64, "embedded")), policy)
    envelope = Envelope(Signed(text, made(device, passkey, text)))
    digest = json.loads(text)["digest"]
    answer = approval_text(envelope, policy, hours=1, own=digest)
    approved = with_approval(envelope, Signed(answer, made(other, passkeys(signers)[1], answer)), policy)
    grant = verify(approved, policy, Demand(Rule(), "embedded", digest=digest))
    assert (grant.requester, grant.approver) == ("ada@example.org", "bob@example.org")


def test_a_site_that_stands_elsewhere_is_told(device: SoftwarePasskey, passkey: Passkey) -> None:
    """An assertion that another site has asked for is refused before it is a signature."""
    given = device.sign(challenge(TEXT), "http://evil.example")
    with pytest.raises(SignatureError, match="another site has asked"):
        armoured(passkey, TEXT, given, ORIGIN)


def test_somebody_has_to_be_verified(device: SoftwarePasskey, passkey: Passkey) -> None:
    """A touch alone is not enough: a PIN, a fingerprint or a face is needed."""
    given = device.sign(challenge(TEXT), ORIGIN, PRESENT)
    with pytest.raises(SignatureError, match="did not verify who used it"):
        armoured(passkey, TEXT, given, ORIGIN)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("client_data", b""),
        ("client_data", b"[]"),
        ("client_data", b'{"type":"webauthn.create"}'),
        ("authenticator_data", b""),
        ("signature", b""),
        ("signature", b"\x30\x06\x02\x01\x01\x02\x01"),
        ("signature", b"\x30\x80" + b"\x00" * 200),
    ],
)
def test_what_no_browser_gives_is_refused(device: SoftwarePasskey, passkey: Passkey, part: str, value: bytes) -> None:
    """Whatever is cut off or of another shape is one error, and no signature."""
    given: Assertion = replace(device.sign(challenge(TEXT), ORIGIN), **{part: value})
    with pytest.raises(SignatureError):
        armoured(passkey, TEXT, given, ORIGIN)


@pytest.mark.parametrize(
    ("principal", "credential", "rp_id"),
    [
        ("ada b", "x" * 20, "localhost"),
        ("ada\nroot", "x" * 20, "localhost"),
        ("ada", "x y" * 20, "localhost"),
        ("ada", "x" * 20, "local host\n"),
        ("*", "x" * 20, "localhost"),
    ],
)
def test_a_line_holds_one_key_of_one_person(
    device: SoftwarePasskey, principal: str, credential: str, rp_id: str
) -> None:
    """A name that would be a pattern, a second line or an option is refused."""
    with pytest.raises(SignatureError, match="is not written as one"):
        signers_line(principal, credential, device.public_key, rp_id)
