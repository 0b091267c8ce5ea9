"""Approvals: who may sign what, and every way in which one does not hold."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.approval.canonical import canonical, scope_digest, sha256
from dagster_playbook.approval.envelope import Envelope, RefusedError, Signed, decode, encode
from dagster_playbook.approval.grant import Demand, Wanted, approve, ask, verify
from dagster_playbook.approval.ledger import Ledger
from dagster_playbook.approval.signature import SignatureError, sign

WANTED = Wanted("d" * 64, "embedded", ("scope-1",), {"title": "Restate"})
DEMAND = Demand("approver", "embedded", digest="d" * 64, scope="scope-1")


@pytest.fixture(scope="module")
def envelope(people: Any) -> Envelope:
    request = ask(WANTED, people.key("requester"), people.policy)
    return approve(request, people.key("approver"), people.policy, hours=2)


def test_two_known_people_make_an_approval_that_holds(people: Any, envelope: Envelope) -> None:
    """A request by one known key and an approval by another allow exactly the plan that was asked for."""
    grant = verify(envelope, people.policy, DEMAND)
    assert (grant.requester, grant.approver) == ("requester@example.org", "approver@example.org")


def test_it_survives_the_way_through_a_run_tag(people: Any, envelope: Envelope) -> None:
    """What a run tag carries decodes to the same envelope."""
    assert decode(encode(envelope)) == envelope


def test_nobody_approves_their_own_request(people: Any) -> None:
    """A person with the approver's role cannot approve what they asked for themselves."""
    request = ask(WANTED, people.key("requester"), people.policy)
    with pytest.raises(RefusedError, match="somebody else"):
        approve(request, people.key("requester"), people.policy, hours=2)


def test_a_stranger_can_sign_nothing(people: Any) -> None:
    """A key that the allowed-signers file does not know neither asks nor approves."""
    with pytest.raises(SignatureError, match="does not know"):
        ask(WANTED, people.key("stranger"), people.policy)


def _resign(signed: Signed, key: Path, **changes: Any) -> Signed:
    payload = canonical(json.loads(signed.payload) | changes)
    return Signed(payload, sign(payload, key))


def _edited(signed: Signed, **changes: Any) -> Signed:
    return Signed(canonical(json.loads(signed.payload) | changes), signed.signature)


def _long_ago() -> dict[str, str]:
    start = dt.datetime.now(dt.UTC) - dt.timedelta(hours=5)
    return {"issued_at": start.isoformat(), "expires_at": (start + dt.timedelta(hours=1)).isoformat()}


FORGERIES: dict[str, Callable[[Envelope, Any], Envelope]] = {
    "edited digest in the request": lambda e, p: Envelope(_edited(e.request, digest="e" * 64), e.approval),
    "edited scopes in the request": lambda e, p: Envelope(_edited(e.request, scopes=["scope-1", "x"]), e.approval),
    "edited expiry in the approval": lambda e, p: Envelope(
        e.request, _edited(e.approval, expires_at="2999-01-01T00:00:00+00:00")
    ),
    "request signed anew by its author for another plan": lambda e, p: Envelope(
        _resign(e.request, p.key("requester"), digest="d" * 64, scopes=["scope-1", "all"]), e.approval
    ),
    "approval signed by a stranger": lambda e, p: Envelope(e.request, _resign(e.approval, p.key("stranger"))),
    "approval signed by one without the role": lambda e, p: Envelope(
        e.request, _resign(e.approval, p.key("bystander"))
    ),
    "approval signed by the requester": lambda e, p: Envelope(e.request, _resign(e.approval, p.key("requester"))),
    "request signed by the approver": lambda e, p: Envelope(_resign(e.request, p.key("approver")), e.approval),
    "request signed by a stranger": lambda e, p: Envelope(_resign(e.request, p.key("stranger")), e.approval),
    "signatures exchanged": lambda e, p: Envelope(
        Signed(e.request.payload, e.approval.signature), Signed(e.approval.payload, e.request.signature)
    ),
    "the request used as its own approval": lambda e, p: Envelope(e.request, e.request),
    "expired": lambda e, p: Envelope(e.request, _resign(e.approval, p.key("approver"), **_long_ago())),
    "a life longer than the policy allows": lambda e, p: Envelope(
        e.request, _resign(e.approval, p.key("approver"), expires_at="2999-01-01T00:00:00+00:00")
    ),
    "issued in the future": lambda e, p: Envelope(
        e.request,
        _resign(
            e.approval, p.key("approver"), issued_at="2998-12-31T23:00:00+00:00", expires_at="2999-01-01T00:00:00+00:00"
        ),
    ),
    "no dates": lambda e, p: Envelope(e.request, _resign(e.approval, p.key("approver"), expires_at=None)),
    "empty signature": lambda e, p: Envelope(e.request, Signed(e.approval.payload, "")),
    "a text that is no signature": lambda e, p: Envelope(e.request, Signed(e.approval.payload, "-----BEGIN-----")),
    "a request without approval": lambda e, p: Envelope(e.request),
    "a broken glass by one who may not": lambda e, p: Envelope(
        _resign(e.request, p.key("bystander"), kind="break-glass", reason="fire")
    ),
    "a name in the payload": lambda e, p: Envelope(
        e.request, _resign(e.approval, p.key("requester"), approver="approver@example.org")
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_approval_is_refused(people: Any, envelope: Envelope, name: str) -> None:
    """Whatever is edited, exchanged, self-made or expired allows nothing."""
    with pytest.raises(RefusedError):
        verify(FORGERIES[name](envelope, people), people.policy, DEMAND)


@pytest.mark.parametrize(
    "changes", [{"digest": "e" * 64}, {"scope": "scope-2"}, {"target": "production"}, {"role": "nobody"}]
)
def test_an_approval_of_something_else_is_refused(people: Any, envelope: Envelope, changes: dict[str, str]) -> None:
    """Another plan, another run config, another platform or another role is not covered."""
    with pytest.raises(RefusedError):
        verify(envelope, people.policy, dataclasses.replace(DEMAND, **changes))


def test_a_signature_of_another_namespace_is_refused(people: Any, envelope: Envelope, tmp_path: Path) -> None:
    """A signature that was made for git or a file cannot be carried over."""
    import subprocess

    file = tmp_path / "payload"
    file.write_text(envelope.approval.payload)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(people.key("approver")), "-n", "git", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    moved = Envelope(envelope.request, Signed(envelope.approval.payload, file.with_suffix(".sig").read_text()))
    with pytest.raises(RefusedError):
        verify(moved, people.policy, DEMAND)


def test_broken_glass_needs_its_role_and_says_so(people: Any) -> None:
    """One person with the break-glass role may act alone, and the grant carries the reason."""
    grant = verify(ask(WANTED, people.key("requester"), people.policy, reason="fire"), people.policy, DEMAND)
    assert grant.is_break_glass
    assert grant.reason == "fire"


def test_a_nonce_is_spent_once(people: Any, envelope: Envelope, tmp_path: Path) -> None:
    """The same run may come again, another run is refused."""
    ledger, grant = Ledger(tmp_path / "ledger.jsonl"), verify(envelope, people.policy, DEMAND)
    ledger.spend(grant, "run-1")
    ledger.spend(grant, "run-1")
    with pytest.raises(RefusedError, match="used already"):
        Ledger(tmp_path / "ledger.jsonl").spend(grant, "run-2")


def test_a_torn_ledger_line_counts_as_spent(people: Any, envelope: Envelope, tmp_path: Path) -> None:
    """A nonce that was being written when the machine stopped is not given out again."""
    grant = verify(envelope, people.policy, DEMAND)
    (tmp_path / "ledger.jsonl").write_text(f'{{"at": "now", "nonce": "{grant.nonce}"')
    with pytest.raises(RefusedError, match="cut off"):
        Ledger(tmp_path / "ledger.jsonl").spend(grant, "run-1")


def test_defaults_and_order_do_not_change_a_scope() -> None:
    """The page's YAML and the op's config with its defaults filled in have the same scope."""
    page = {"restate_models": ["oso.b", "oso.a"]}
    op = {"restate_models": ["oso.a", "oso.b"], "skip_tests": False, "start": None, "restate_entity_categories": []}
    assert scope_digest("sqlmesh_project", page) == scope_digest("sqlmesh_project", op)


@pytest.mark.parametrize("changes", [{"restate_models": ["oso.c"]}, {"start": "2024-01-01"}, {"skip_tests": True}])
def test_what_is_said_changes_a_scope(changes: dict[str, Any]) -> None:
    """Another model, window or switch is another scope."""
    config = {"restate_models": ["oso.a"]}
    assert scope_digest("sqlmesh_project", config) != scope_digest("sqlmesh_project", config | changes)


@pytest.mark.parametrize(
    "text", ["", "x", "A" * 100_000, "eJxLTEoGAAJNASc=", "\u00e9", "eJyrVkrLz1eyUlAqSCzOTFGqBQAvtQVC"]
)
def test_a_tag_that_is_no_approval_is_refused(text: str) -> None:
    """Whatever stands in the tag, it is refused and never a traceback."""
    with pytest.raises(RefusedError):
        decode(text)


def test_the_digest_tells_texts_apart_that_look_alike() -> None:
    """Composed and decomposed letters are two texts."""
    assert sha256("\u00e9") != sha256("e\u0301")
