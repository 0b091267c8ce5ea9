"""The gate of an op: policy, ledger and name of the platform are the deployment's, never the launch's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.approval.asking import approve
from dagster_playbook.approval.canonical import sha256
from dagster_playbook.approval.envelope import TAG, Envelope, RefusedError, encode
from dagster_playbook.approval.gate import Gate
from dagster_playbook.approval.ledger import Ledger

SOURCES = "c" * 64
TAG_OP = "nessie__assign_consumer_tag"


@pytest.fixture
def gate(people: Any, tmp_path: Path) -> Gate:
    """A gate with a policy of its own, which tests may change."""
    folder = tmp_path / "approvers"
    folder.mkdir()
    for name in ("allowed_signers", "roles.toml"):
        shutil.copy(people.folder / name, folder)
    return Gate(folder, tmp_path / "ledger.jsonl", "production")


def _add(gate: Gate, text: str) -> None:
    with (gate.approvers / "roles.toml").open("a") as roles:
        roles.write(text)


def _tags(envelope: Envelope) -> dict[str, str]:
    return {TAG: encode(envelope)}


def test_an_approved_run_is_admitted_and_spent(gate: Gate, approved: Envelope) -> None:
    """It and its retries may come again; another run may not."""
    grant = gate.admit("op", "scope-1", _tags(approved), "run-1", sources=SOURCES)
    assert grant.approver == "approver@example.org"
    gate.admit("op", "scope-1", _tags(approved), "run-1", sources=SOURCES)
    with pytest.raises(RefusedError, match=r"used already, .* for run-1"):
        gate.admit("op", "scope-1", _tags(approved), "run-2", sources=SOURCES)
    assert [entry["nonce"] for entry in Ledger(gate.ledger).entries()] == [f"{grant.nonce}/scope-1"] * 2


def test_each_run_of_a_plan_is_spent_by_itself(gate: Gate, people: Any) -> None:
    """A plan with two runs gets two, each once."""
    scopes = ("1" * 64, "2" * 64)
    envelope = people.asked(scopes=scopes)
    own = json.loads(envelope.request.payload)["digest"]
    envelope = approve(envelope, people.key("approver"), people.policy, hours=1, own=own)
    for number, scope in enumerate(scopes):
        gate.admit("op", scope, _tags(envelope), f"run-{number}")
    with pytest.raises(RefusedError, match="used already"):
        gate.admit("op", scopes[0], _tags(envelope), "run-1")


def test_a_run_without_an_approval_is_refused(gate: Gate) -> None:
    """The launchpad is no way around."""
    for tags in ({}, {TAG: ""}):
        with pytest.raises(RefusedError, match="the op restate needs an approval, and this run carries none"):
            gate.admit("restate", "scope-1", tags, "run-1")
    with pytest.raises(RefusedError, match="not an approval"):
        gate.admit("restate", "scope-1", {TAG: "yes"}, "run-1")


def test_what_is_refused_is_not_spent(gate: Gate, approved: Envelope) -> None:
    """Other sources, another config or another platform leave no line in the ledger."""
    refusals = [
        (gate, "scope-1", "f" * 64, "a source of the SQLMesh project has changed since it was approved"),
        (gate, "scope-2", SOURCES, "it does not cover this run's config"),
        (Gate(gate.approvers, gate.ledger, "staging"), "scope-1", SOURCES, "it is for the platform 'production'"),
    ]
    for one, scope, sources, reason in refusals:
        with pytest.raises(RefusedError, match=reason):
            one.admit("op", scope, _tags(approved), "run-1", sources=sources)
    assert not gate.ledger.exists()


def test_forged_scopes_are_refused_by_the_op(gate: Gate, people: Any, approved: Envelope) -> None:
    """Signed by the requester under the honest digest, and even approved, the scopes of more models admit nothing."""
    parts = json.loads(approved.request.payload)["parts"] | {"scopes": ["scope-1", "scope of every model"]}
    request = people.resigned(approved.request, "requester", parts=parts)
    approval = people.resigned(approved.approvals[0], "approver", request=sha256(request.payload))
    with pytest.raises(RefusedError, match="the request's digest is not the digest of what it says"):
        gate.admit("op", "scope of every model", _tags(Envelope(request, (approval,))), "run-1")
    assert not gate.ledger.exists()


def test_the_policy_s_rule_for_the_op_is_held(gate: Gate, people: Any, approved: Envelope) -> None:
    """Two approvals and a reason where the policy says so; another op of the same policy needs one."""
    _add(gate, f"\n[ops.{TAG_OP}]\napprovals = 2\nreason = true\n")
    gate.admit("other", "scope-1", _tags(approved), "run-0")
    with pytest.raises(RefusedError, match="the policy asks for a reason"):
        gate.admit(TAG_OP, "scope-1", _tags(approved), "run-1")
    with pytest.raises(RefusedError, match="1 of 2 approvals"):
        gate.admit(TAG_OP, "scope-1", _tags(people.approved(reason="a bug")), "run-1")
    two = people.approved("approver", "second", reason="a bug")
    assert gate.admit(TAG_OP, "scope-1", _tags(two), "run-1").reason == "a bug"


def test_an_op_is_asked_for_where_the_policy_names_it(gate: Gate) -> None:
    """By default none is beside restatements."""
    assert not gate.asks_for(TAG_OP)
    _add(gate, f"\n[ops.{TAG_OP}]\n")
    assert gate.asks_for(TAG_OP)


def test_a_policy_that_cannot_be_read_refuses(gate: Gate, approved: Envelope) -> None:
    """Nobody knows what it would have asked for."""
    (gate.approvers / "roles.toml").write_text("[")
    for ask in (
        lambda: gate.asks_for(TAG_OP),
        lambda: gate.admit("op", "scope-1", _tags(approved), "run-1"),
    ):
        with pytest.raises(RefusedError, match=r"the policy cannot be read: .*TOML"):
            ask()


def test_the_role_of_a_gate_is_the_deployment_s(gate: Gate, approved: Envelope) -> None:
    """Where the policy names none for the op."""
    strict = Gate(gate.approvers, gate.ledger, "production", "director")
    with pytest.raises(RefusedError, match="does not have the role 'director'"):
        strict.admit("op", "scope-1", _tags(approved), "run-1")


def test_the_environment_says_where_the_gate_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable counts, and without it the platform's own default does."""
    names = ("PLAYBOOK_APPROVERS", "PLAYBOOK_LEDGER", "PLAYBOOK_TARGET", "PLAYBOOK_APPROVER_ROLE")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    default = Gate.from_environment(Path("a"), Path("l"))
    assert default == Gate(Path("a"), Path("l"), "embedded", "approver")
    for name, value in zip(names, ("/p", "/q", "production", "director"), strict=True):
        monkeypatch.setenv(name, value)
    assert Gate.from_environment(Path("a"), Path("l")) == Gate(Path("/p"), Path("/q"), "production", "director")


def test_a_rejected_request_is_refused_by_the_op(gate: Gate, approved: Envelope) -> None:
    """Also with the tag's text from before the rejection, as long as the op's ledger was told."""
    Ledger(gate.ledger).reject(json.loads(approved.request.payload)["nonce"], "wait")
    with pytest.raises(RefusedError, match=r"^it was rejected: wait$"):
        gate.admit("op", "scope-1", _tags(approved), "run-1", sources=SOURCES)
