"""Whether an envelope allows something: every forgery is refused for its own reason."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.approval.asking import reject
from dagster_playbook.approval.canonical import canonical
from dagster_playbook.approval.envelope import Envelope, RefusedError, Signed
from dagster_playbook.approval.grant import Demand, verify
from dagster_playbook.approval.policy import Rule

APPROVER = Rule("approver")
DEMAND = Demand(APPROVER, "production", scope="scope-1", sources="c" * 64)
FAR = "2999-01-01T00:00:00+00:00"


def test_two_known_people_make_an_approval_that_holds(people: Any, approved: Envelope, parts: Any) -> None:
    """A request by one known key and an approval by another allow exactly the plan that was asked for."""
    grant = verify(approved, people.policy, dataclasses.replace(DEMAND, digest=parts.digest))
    assert (grant.requester, grant.approvers) == ("requester@example.org", ("approver@example.org",))
    assert (grant.digest, grant.approver, grant.reason) == (parts.digest, "approver@example.org", "")
    assert not grant.is_break_glass
    assert grant.nonce == json.loads(approved.request.payload)["nonce"]
    assert grant.expires_at == dt.datetime.fromisoformat(json.loads(approved.approvals[0].payload)["expires_at"])


def _edited(signed: Signed, **changes: Any) -> Signed:
    return Signed(canonical(json.loads(signed.payload) | changes), signed.signature)


def _parts(envelope: Envelope, **changes: Any) -> dict[str, Any]:
    return dict(json.loads(envelope.request.payload)["parts"] | changes)


def _with(envelope: Envelope, approval: Signed) -> Envelope:
    return Envelope(envelope.request, (approval,))


def _asked(envelope: Envelope, request: Signed) -> Envelope:
    return Envelope(request, envelope.approvals)


def _hours_ago(issued: float, expires: float) -> dict[str, str]:
    now = dt.datetime.now(dt.UTC)
    return {
        "issued_at": (now - dt.timedelta(hours=issued)).isoformat(),
        "expires_at": (now - dt.timedelta(hours=expires)).isoformat(),
    }


Forgery = Callable[[Envelope, Any], Envelope]
FORGERIES: dict[str, tuple[Forgery, str]] = {
    "edited digest in the request": (
        lambda e, p: _asked(e, _edited(e.request, digest="e" * 64)),
        "the request: the signature is not over this text",
    ),
    "edited scopes in the request": (
        lambda e, p: _asked(e, _edited(e.request, parts=_parts(e, scopes=["scope-1", "all"]))),
        "the request: the signature is not over this text",
    ),
    "scopes of more, signed by the requester under the honest digest": (
        lambda e, p: _asked(
            e, p.resigned(e.request, "requester", parts=_parts(e, scopes=["scope-1", "scope of every model"]))
        ),
        "the request's digest is not the digest of what it says",
    ),
    "scopes of more, with their own digest": (
        lambda e, p: Envelope(p.asked(scopes=("scope-1", "scope of every model")).request, e.approvals),
        "the approval is of another request",
    ),
    "no parts": (
        lambda e, p: _asked(e, p.resigned(e.request, "requester", parts=None)),
        "does not say what its digest is made of",
    ),
    "edited expiry in the approval": (
        lambda e, p: _with(e, _edited(e.approvals[0], expires_at=FAR)),
        "the approval: the signature is not over this text",
    ),
    "the same request asked anew by its author": (
        lambda e, p: Envelope(p.asked().request, e.approvals),
        "the approval is of another request",
    ),
    "approval of another digest": (
        lambda e, p: _with(e, p.resigned(e.approvals[0], "approver", digest="e" * 64)),
        "the approval is of another digest",
    ),
    "approval signed by a stranger": (
        lambda e, p: _with(e, p.resigned(e.approvals[0], "stranger")),
        "the approval: signed by a key that allowed_signers does not know",
    ),
    "approval signed by one without the role": (
        lambda e, p: _with(e, p.resigned(e.approvals[0], "bystander")),
        "bystander@example.org does not have the role 'approver'",
    ),
    "approval signed by the requester": (
        lambda e, p: _with(e, p.resigned(e.approvals[0], "requester")),
        "requester@example.org asked for it: somebody else has to approve",
    ),
    "a name in the payload": (
        lambda e, p: _with(e, p.resigned(e.approvals[0], "requester", approver="approver@example.org")),
        "requester@example.org asked for it: somebody else has to approve",
    ),
    "request signed by the approver": (
        lambda e, p: _asked(e, p.resigned(e.request, "approver")),
        "approver@example.org asked for it: somebody else has to approve",
    ),
    "request signed by the approver's other key": (
        lambda e, p: _asked(e, p.resigned(e.request, "approver-laptop")),
        "approver@example.org asked for it: somebody else has to approve",
    ),
    "request signed by a stranger": (
        lambda e, p: _asked(e, p.resigned(e.request, "stranger")),
        "the request: signed by a key that allowed_signers does not know",
    ),
    "signatures exchanged": (
        lambda e, p: Envelope(
            Signed(e.request.payload, e.approvals[0].signature), (Signed(e.approvals[0].payload, e.request.signature),)
        ),
        "the request: the signature is not over this text",
    ),
    "the request used as its own approval": (
        lambda e, p: _with(e, e.request),
        "a signed 'request' where a signed 'approval' is needed",
    ),
    "an approval used as a request": (
        lambda e, p: _asked(e, e.approvals[0]),
        "a signed 'approval' where a signed 'request' is needed",
    ),
    "expired": (
        lambda e, p: _with(e, p.resigned(e.approvals[0], "approver", **_hours_ago(5, 4))),
        "it expired at ",
    ),
    "a life longer than the policy allows": (
        lambda e, p: _with(e, p.resigned(e.approvals[0], "approver", expires_at=FAR)),
        "it lives longer than the 24 hours that are allowed",
    ),
    "issued in the future": (
        lambda e, p: _with(
            e, p.resigned(e.approvals[0], "approver", issued_at="2998-12-31T23:00:00+00:00", expires_at=FAR)
        ),
        "it was issued in the future",
    ),
    "no dates": (
        lambda e, p: _with(e, p.resigned(e.approvals[0], "approver", expires_at=None)),
        "it has no readable dates",
    ),
    "dates without a time zone": (
        lambda e, p: _with(e, p.resigned(e.approvals[0], "approver", expires_at="2999-01-01T00:00:00")),
        "it has no readable dates",
    ),
    "nothing to spend": (
        lambda e, p: _asked(e, p.resigned(e.request, "requester", nonce="")),
        "the request has no random number that could be spent",
    ),
    "a nonce that is another's and more": (
        lambda e, p: _asked(e, p.resigned(e.request, "requester", nonce="0" * 32 + "/x")),
        "the request has no random number that could be spent",
    ),
    "empty signature": (
        lambda e, p: _with(e, Signed(e.approvals[0].payload, "")),
        "the approval: signed by a key that allowed_signers does not know",
    ),
    "a text that is no signature": (
        lambda e, p: _with(e, Signed(e.approvals[0].payload, "-----BEGIN-----")),
        "the approval: signed by a key that allowed_signers does not know",
    ),
    "a request without approval": (
        lambda e, p: Envelope(e.request),
        "0 of 1 approvals by the role 'approver' are there",
    ),
    "a broken glass by one who may not": (
        lambda e, p: p.asked(by="bystander", reason="fire", glass=True),
        "bystander@example.org does not have the role 'break-glass', and nobody has approved",
    ),
    "a broken glass by an approver": (
        lambda e, p: p.asked(by="approver", reason="fire", glass=True),
        "approver@example.org does not have the role 'break-glass', and nobody has approved",
    ),
    "a broken glass beside an approval": (
        lambda e, p: Envelope(p.asked(by="requester", reason="fire", glass=True).request, e.approvals),
        "requester@example.org does not have the role 'break-glass', and nobody has approved",
    ),
    "a broken glass without a reason": (
        lambda e, p: Envelope(
            p.resigned(p.asked(by="on-call", reason="fire", glass=True).request, "on-call", reason=" ")
        ),
        "the glass was broken without a reason",
    ),
    "a broken glass that lives for a day": (
        lambda e, p: Envelope(
            p.resigned(p.asked(by="on-call", reason="fire", glass=True).request, "on-call", **_hours_ago(0, -24))
        ),
        "it lives longer than the 1 hours that are allowed",
    ),
    "a request turned into a broken glass": (
        lambda e, p: Envelope(_edited(e.request, kind="break-glass", reason="fire")),
        "the request: the signature is not over this text",
    ),
    "a kind that nobody knows": (
        lambda e, p: Envelope(p.resigned(e.request, "requester", kind="wish"), e.approvals),
        "a signed 'wish' where a signed 'request' is needed",
    ),
    "a text that is no object": (
        lambda e, p: _asked(e, Signed("[]", p.resigned(e.request, "requester").signature)),
        "the request: the signature is not over this text",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_refused_for_its_own_reason(people: Any, approved: Envelope, name: str) -> None:
    """Whatever is edited, exchanged, self-made or expired allows nothing, and the refusal says what it is."""
    forge, reason = FORGERIES[name]
    with pytest.raises(RefusedError) as refused:
        verify(forge(approved, people), people.policy, DEMAND)
    assert str(refused.value).startswith(reason) or reason in str(refused.value)


OTHERS = {
    "another platform": ({"target": "staging"}, "it is for the platform 'production', not for 'staging'"),
    "another plan": ({"digest": "e" * 64}, "it is for another plan"),
    "another config": ({"scope": "scope-2"}, "it does not cover this run's config"),
    "other sources": ({"sources": "f" * 64}, "a source of the SQLMesh project has changed since it was approved"),
    "another role": ({"rule": Rule("director")}, "approver@example.org does not have the role 'director'"),
    "nothing": ({"digest": "", "scope": ""}, "nothing was named that it could cover"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_an_approval_of_something_else_is_refused(people: Any, approved: Envelope, name: str) -> None:
    """Another plan, run config, platform, source or role is not covered."""
    changes, reason = OTHERS[name]
    with pytest.raises(RefusedError) as refused:
        verify(approved, people.policy, dataclasses.replace(DEMAND, **changes))
    assert reason in str(refused.value)


def test_sources_are_held_only_where_there_are_any(people: Any, approved: Envelope) -> None:
    """An op that works with no SQLMesh project names no sources, and none are asked for."""
    assert verify(approved, people.policy, dataclasses.replace(DEMAND, sources="")).requester


def test_a_signature_of_another_namespace_is_refused(people: Any, approved: Envelope, tmp_path: Path) -> None:
    """A signature that was made for git or a file cannot be carried over."""
    file = tmp_path / "payload"
    file.write_text(approved.approvals[0].payload)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(people.key("approver")), "-n", "git", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    moved = _with(approved, Signed(approved.approvals[0].payload, file.with_suffix(".sig").read_text()))
    with pytest.raises(RefusedError, match=r"the approval: .*(namespace|not over this text)"):
        verify(moved, people.policy, DEMAND)


def test_broken_glass_by_one_who_may(people: Any) -> None:
    """One person with the break-glass role may act alone for an hour, and the grant carries the reason."""
    envelope = people.asked(by="on-call", reason="fire", glass=True)
    grant = verify(envelope, people.policy, DEMAND)
    assert grant.is_break_glass
    assert (grant.reason, grant.approver, grant.requester) == ("fire", "", "on-call@example.org")
    later = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=61)
    with pytest.raises(RefusedError, match="it expired"):
        verify(envelope, people.policy, DEMAND, now=later)


def test_an_approval_ends_at_its_hour(people: Any, approved: Envelope) -> None:
    """A second before its end it holds, at its end it does not."""
    end = verify(approved, people.policy, DEMAND).expires_at
    assert verify(approved, people.policy, DEMAND, now=end - dt.timedelta(seconds=1))
    with pytest.raises(RefusedError, match="it expired"):
        verify(approved, people.policy, DEMAND, now=end)


def test_a_little_skew_between_two_clocks_is_no_forgery(people: Any, approved: Envelope) -> None:
    """Issued four minutes from now it holds, six minutes from now it does not."""
    issued = dt.datetime.fromisoformat(json.loads(approved.approvals[0].payload)["issued_at"])
    assert verify(approved, people.policy, DEMAND, now=issued - dt.timedelta(minutes=4))
    with pytest.raises(RefusedError, match="issued in the future"):
        verify(approved, people.policy, DEMAND, now=issued - dt.timedelta(minutes=6))


TWO = Rule("approver", approvals=2)


def test_two_different_people_are_two_approvals(people: Any) -> None:
    """Where the policy asks for two, two people's approvals hold, and the earlier end counts."""
    envelope = people.approved("approver", "second")
    grant = verify(envelope, people.policy, dataclasses.replace(DEMAND, rule=TWO))
    assert grant.approver == "approver@example.org, second@example.org"
    ends = [dt.datetime.fromisoformat(json.loads(one.payload)["expires_at"]) for one in envelope.approvals]
    assert grant.expires_at == min(ends)


def test_one_person_with_two_keys_counts_once(people: Any, approved: Envelope) -> None:
    """Two signatures under two keys of one person are one approval."""
    twice = Envelope(approved.request, (*approved.approvals, people.resigned(approved.approvals[0], "approver-laptop")))
    with pytest.raises(RefusedError, match="approved twice, which counts once; 1 of 2 approvals"):
        verify(twice, people.policy, dataclasses.replace(DEMAND, rule=TWO))


def test_the_requester_is_none_of_several_approvers(people: Any, approved: Envelope) -> None:
    """A requester who has the role does not count beside another person."""
    own = people.resigned(approved.approvals[0], "requester")
    both = Envelope(approved.request, (*approved.approvals, own))
    with pytest.raises(RefusedError, match=r"requester@example\.org asked for it.*; 1 of 2 approvals"):
        verify(both, people.policy, dataclasses.replace(DEMAND, rule=TWO))


def test_a_bad_approval_beside_enough_good_ones_is_passed_over(people: Any, approved: Envelope) -> None:
    """One that has expired takes nothing from another person's that holds."""
    old = people.resigned(approved.approvals[0], "second", **_hours_ago(5, 4))
    grant = verify(Envelope(approved.request, (old, *approved.approvals)), people.policy, DEMAND)
    assert grant.approvers == ("approver@example.org",)


def test_a_rule_that_asks_for_a_reason_is_held(people: Any, approved: Envelope) -> None:
    """Without a reason in the request nothing is allowed; with one the grant tells it."""
    demand = dataclasses.replace(DEMAND, rule=Rule("approver", reason=True))
    with pytest.raises(RefusedError, match="the policy asks for a reason"):
        verify(approved, people.policy, demand)
    assert verify(people.approved(reason="a bug"), people.policy, demand).reason == "a bug"


def test_a_rejected_request_allows_nothing(people: Any, approved: Envelope) -> None:
    """Approved before and rejected after, it is refused with who rejected it and why."""
    rejected = reject(approved, people.key("second"), people.policy, reason="too wide")
    with pytest.raises(RefusedError, match=r"second@example\.org has rejected it: too wide"):
        verify(rejected, people.policy, DEMAND)


def test_a_forged_rejection_refuses_too(people: Any, approved: Envelope) -> None:
    """A rejection that nobody known has signed, or of another request, is not simply passed over."""
    rejection = reject(approved, people.key("second"), people.policy, reason="no").rejection
    assert rejection is not None
    stranger = Envelope(approved.request, approved.approvals, people.resigned(rejection, "stranger"))
    with pytest.raises(RefusedError, match="the rejection: signed by a key"):
        verify(stranger, people.policy, DEMAND)
    other = Envelope(approved.request, approved.approvals, people.resigned(rejection, "second", request="0" * 64))
    with pytest.raises(RefusedError, match="the rejection of another request"):
        verify(other, people.policy, DEMAND)
