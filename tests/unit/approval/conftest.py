from __future__ import annotations

import dataclasses
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.approval.asking import Wanted, approve, ask
from dagster_playbook.approval.canonical import canonical
from dagster_playbook.approval.envelope import Envelope, Signed
from dagster_playbook.approval.parts import Parts
from dagster_playbook.approval.policy import Policy, Rule, load_policy
from dagster_playbook.approval.signature import sign

#: name of a key -> whose it is; the approver has two
KEYS = {
    "requester": "requester",
    "approver": "approver",
    "approver-laptop": "approver",
    "second": "second",
    "bystander": "bystander",
    "on-call": "on-call",
}
ROLES = """max_hours = 24
[roles]
approver = ["approver@example.org", "second@example.org", "requester@example.org"]
break-glass = ["on-call@example.org"]
"""
PARTS = Parts(
    runbook="runbooks/restate.md",
    text="a" * 64,
    target="production",
    steps="5" * 64,
    parameters={"models": ["oso.a"]},
    versions={"sqlmesh": "1"},
    platform="b" * 64,
    sources=("c" * 64,),
    blast_radius="d" * 64,
    scopes=("scope-1",),
)


@dataclass
class People:
    """Keys of people who are known, and of one who is not, beside the policy that knows them."""

    folder: Path

    def key(self, name: str) -> Path:
        return self.folder / name

    @property
    def policy(self) -> Policy:
        return load_policy(self.folder)

    def asked(self, *, by: str = "requester", reason: str = "", glass: bool = False, **changes: Any) -> Envelope:
        wanted = Wanted(dataclasses.replace(PARTS, **changes), {"title": "Restate"}, reason)
        return ask(wanted, self.key(by), self.policy, is_break_glass=glass)

    def approved(self, *by: str, reason: str = "", envelope: Envelope | None = None) -> Envelope:
        envelope = envelope or self.asked(reason=reason)
        for name in by or ("approver",):
            envelope = approve(envelope, self.key(name), self.policy, hours=2, own=PARTS.digest)
        return envelope

    def resigned(self, signed: Signed, by: str, **changes: Any) -> Signed:
        """The same statement with changes, honestly signed by somebody."""
        payload = canonical(json.loads(signed.payload) | changes)
        return Signed(payload, sign(payload, self.key(by)))


def make_people(folder: Path) -> People:
    for name in (*KEYS, "stranger"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    lines = [
        f'{person}@example.org namespaces="dagster-playbook" {(folder / f"{name}.pub").read_text().strip()}\n'
        for name, person in KEYS.items()
    ]
    (folder / "allowed_signers").write_text("".join(lines))
    (folder / "roles.toml").write_text(ROLES)
    return People(folder)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> People:
    return make_people(tmp_path_factory.mktemp("approvers"))


@pytest.fixture(scope="session")
def parts() -> Parts:
    return PARTS


@pytest.fixture(scope="session")
def approved(people: People) -> Envelope:
    """A request with one approval that holds."""
    return people.approved()


@pytest.fixture(scope="session")
def rule() -> Rule:
    return Rule("approver")
