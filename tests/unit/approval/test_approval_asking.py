"""Asking, approving and rejecting: who may sign what."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from dagster_playbook.approval.asking import approve, open_request, reject
from dagster_playbook.approval.canonical import sha256
from dagster_playbook.approval.envelope import Envelope, RefusedError
from dagster_playbook.approval.policy import Rule
from dagster_playbook.approval.signature import SignatureError


def _approve(people: Any, envelope: Envelope, by: str = "approver", **options: Any) -> Envelope:
    given: dict[str, Any] = {"hours": 2, "own": json.loads(envelope.request.payload)["digest"], **options}
    return approve(envelope, people.key(by), people.policy, **given)


def test_a_request_says_what_its_digest_is_made_of(people: Any, parts: Any) -> None:
    """Kind, parts, what is shown and why are in the signed text, and it lives as long as the policy says."""
    payload = json.loads(people.asked(reason="a bug").request.payload)
    assert (payload["kind"], payload["reason"], payload["about"]) == ("request", "a bug", {"title": "Restate"})
    assert payload["parts"] == parts.as_dict()
    assert payload["digest"] == parts.digest == sha256(payload["parts"])
    glass = json.loads(people.asked(by="on-call", reason="fire", glass=True).request.payload)
    assert (glass["kind"], glass["reason"]) == ("break-glass", "fire")


def test_two_requests_of_one_plan_are_two(people: Any) -> None:
    """Each has a random number of its own, so that one that was spent does not end the other."""
    one, two = (json.loads(people.asked().request.payload)["nonce"] for _ in range(2))
    assert one != two
    assert len(one) == 32


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_broken_glass_needs_a_reason(people: Any, reason: str) -> None:
    """Nobody breaks it without a word."""
    with pytest.raises(RefusedError, match="breaking the glass needs a reason"):
        people.asked(by="on-call", reason=reason, glass=True)


def test_nobody_approves_their_own_request(people: Any) -> None:
    """A person with the approver's role cannot approve what they asked for, under no key of theirs."""
    with pytest.raises(RefusedError, match=r"requester@example\.org asked for it: somebody else has to approve"):
        _approve(people, people.asked(), "requester")
    with pytest.raises(RefusedError, match=r"approver@example\.org asked for it: somebody else has to approve"):
        _approve(people, people.asked(by="approver"), "approver-laptop")


def test_a_stranger_can_sign_nothing(people: Any, approved: Envelope) -> None:
    """A key that the allowed-signers file does not know neither asks, approves nor rejects."""
    for sign in (
        lambda: people.asked(by="stranger"),
        lambda: _approve(people, people.asked(), "stranger"),
        lambda: reject(approved, people.key("stranger"), people.policy, reason="no"),
    ):
        with pytest.raises(SignatureError, match="does not know"):
            sign()


@pytest.mark.parametrize("hours", [0, -1, 24.5, float("nan")])
def test_the_hours_of_an_approval_are_the_policy_s(people: Any, hours: float) -> None:
    """Nothing, less than nothing and more than the policy allows is refused."""
    with pytest.raises(RefusedError, match="more than 0 and at most 24 hours"):
        _approve(people, people.asked(), hours=hours)
    assert _approve(people, people.asked(), hours=24).approvals


def test_an_approver_without_a_role_signs_nothing(people: Any) -> None:
    """Where the plan names roles, one of them is needed; any of several will do."""
    with pytest.raises(RefusedError, match=r"bystander@example\.org does not have the role 'approver' or 'director'"):
        _approve(people, people.asked(), "bystander", rules=[Rule("approver"), Rule("director")])
    assert _approve(people, people.asked(), rules=[Rule("director"), Rule("approver")]).approvals


def test_what_was_not_looked_at_is_not_signed(people: Any) -> None:
    """A request of another digest than the approver's own plan is refused."""
    with pytest.raises(RefusedError, match="for another plan than the one that was looked at"):
        _approve(people, people.asked(), own="e" * 64)


def test_a_request_without_its_reason_is_not_approved(people: Any) -> None:
    """A policy that asks for a reason is held when the approval is signed, too."""
    rules = [Rule("approver", reason=True)]
    with pytest.raises(RefusedError, match="asks for a reason"):
        _approve(people, people.asked(reason=" "), rules=rules)
    assert _approve(people, people.asked(reason="a bug"), rules=rules).approvals


def test_an_approver_who_signs_again_is_still_one(people: Any) -> None:
    """The newer approval takes the place of the older one, under whichever key; another person's is added."""
    first = people.approved("approver", "second")
    again = _approve(people, first, "approver-laptop")
    assert len(again.approvals) == 2
    assert again.approvals[0] == first.approvals[1]
    assert again.approvals[1] not in first.approvals


def test_an_approval_that_does_not_hold_is_dropped(people: Any, approved: Envelope) -> None:
    """What nobody known has signed is not carried on."""
    forged = Envelope(approved.request, (people.resigned(approved.approvals[0], "stranger"),))
    assert len(_approve(people, forged, "second").approvals) == 1


def test_forged_scopes_are_refused_before_anything_is_signed(people: Any, approved: Envelope) -> None:
    """An honest digest and text with the scopes of more models is no request."""
    payload = json.loads(approved.request.payload)
    parts = {**payload["parts"], "scopes": ["scope-1", "scope of every model"]}
    forged = Envelope(people.resigned(approved.request, "requester", parts=parts))
    with pytest.raises(RefusedError, match="digest is not the digest of what it says"):
        _approve(people, forged)


def test_an_expired_request_is_not_approved(people: Any) -> None:
    """Asked for yesterday, it has to be asked for anew."""
    old = {"issued_at": "2020-01-01T00:00:00+00:00", "expires_at": "2020-01-02T00:00:00+00:00"}
    envelope = Envelope(people.resigned(people.asked().request, "requester", **old))
    with pytest.raises(RefusedError, match="it expired at 2020-01-02"):
        open_request(envelope, people.policy)


def test_a_broken_glass_is_nobody_s_to_approve(people: Any) -> None:
    """It is not a request."""
    with pytest.raises(RefusedError, match="a signed 'break-glass' where a signed 'request' is needed"):
        open_request(people.asked(by="on-call", reason="fire", glass=True), people.policy)


def test_an_opened_request_tells_who_and_what(people: Any, parts: Any) -> None:
    """Its author by the key, and its parts."""
    request, told = open_request(people.asked(), people.policy)
    assert request.author == "requester@example.org"
    assert told == dataclasses.replace(parts)


def test_a_rejected_request_is_neither_approved_nor_rejected_again(people: Any, approved: Envelope) -> None:
    """It has ended; asked for anew it is another request."""
    rejected = reject(approved, people.key("second"), people.policy, reason="too wide")
    assert rejected.approvals == approved.approvals
    for again in (
        lambda: _approve(people, rejected),
        lambda: reject(rejected, people.key("approver"), people.policy, reason="me too"),
    ):
        with pytest.raises(RefusedError, match=r"second@example\.org has rejected it: too wide"):
            again()
    assert _approve(people, people.asked()).approvals


def test_a_rejection_is_signed_with_its_reason(people: Any, approved: Envelope, parts: Any) -> None:
    """It names the request and the digest that it ends."""
    rejection = reject(approved, people.key("second"), people.policy, reason="too wide").rejection
    assert rejection is not None
    payload = json.loads(rejection.payload)
    assert (payload["kind"], payload["reason"], payload["digest"]) == ("rejection", "too wide", parts.digest)
    assert payload["request"] == sha256(approved.request.payload)


@pytest.mark.parametrize("reason", ["", " \n"])
def test_a_rejection_needs_a_reason(people: Any, approved: Envelope, reason: str) -> None:
    """Whoever has asked is told why."""
    with pytest.raises(RefusedError, match="a rejection needs a reason"):
        reject(approved, people.key("second"), people.policy, reason=reason)


def test_whoever_has_asked_may_take_it_back(people: Any) -> None:
    """A requester may end their own request, and anybody known a broken glass."""
    for envelope in (people.asked(), people.asked(by="on-call", reason="fire", glass=True)):
        assert reject(envelope, people.key("requester"), people.policy, reason="mistyped").rejection
