from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from dagster_playbook.approval.policy import Policy, load_policy


@dataclass
class People:
    """Keys of people who are known, and of one who is not, beside the policy that knows them."""

    folder: Path

    def key(self, name: str) -> Path:
        return self.folder / name

    @property
    def policy(self) -> Policy:
        return load_policy(self.folder)


def make_people(folder: Path) -> People:
    names = ("requester", "approver", "bystander", "stranger")
    for name in names:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    lines = [
        f'{name}@example.org namespaces="dagster-playbook" {(folder / f"{name}.pub").read_text().strip()}\n'
        for name in names
        if name != "stranger"
    ]
    (folder / "allowed_signers").write_text("".join(lines))
    (folder / "roles.toml").write_text(
        'max_hours = 24\n[roles]\napprover = ["approver@example.org", "requester@example.org"]\n'
        'break-glass = ["requester@example.org"]\n'
    )
    return People(folder)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> People:
    return make_people(tmp_path_factory.mktemp("approvers"))
