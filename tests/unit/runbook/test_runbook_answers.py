"""Answers to a request that come at the same time: none is lost, and none is to another request."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from dagster_playbook.approval.envelope import Envelope, RefusedError, Signed
from dagster_playbook.approval.ledger import Ledger
from dagster_playbook.errors import RunbookError
from dagster_playbook.runbook.store import Store

DIGEST = "a" * 64
ASKED = Envelope(Signed("request", "signature"))


def approved(by: str) -> Signed:
    return Signed(f"approval by {by}", "signature")


def test_whoever_answers_at_once_is_heard(tmp_path: Path) -> None:
    """Each has seen the request without the others' answers; all of them are kept."""
    store = Store(tmp_path)
    store.write_envelope(DIGEST, ASKED)

    def answer(by: str) -> None:
        store.answer(DIGEST, ASKED, lambda now: replace(now, approvals=(*now.approvals, approved(by))))

    with ThreadPoolExecutor(8) as people:
        list(people.map(answer, "abcdefgh"))
    kept = store.read_envelope(DIGEST)[1]
    assert sorted(one.payload[-1] for one in kept.approvals) == list("abcdefgh")


def test_a_request_that_came_as_a_file_keeps_what_it_brings(tmp_path: Path) -> None:
    """Approvals of the file and of this machine are both kept."""
    store = Store(tmp_path)
    store.write_envelope(DIGEST, replace(ASKED, approvals=(approved("a"),)))
    store.answer(DIGEST, replace(ASKED, approvals=(approved("b"),)), lambda now: now)
    assert store.read_envelope(DIGEST)[1].approvals == (approved("a"), approved("b"))


def test_an_answer_is_to_the_request_that_was_seen(tmp_path: Path) -> None:
    """The same plan was asked for anew by somebody: that one has to be looked at."""
    store = Store(tmp_path)
    store.write_envelope(DIGEST, Envelope(Signed("another request", "signature")))
    with pytest.raises(RunbookError, match="asked for anew meanwhile"):
        store.answer(DIGEST, ASKED, lambda now: now)


def _asked(**told: str) -> Envelope:
    return Envelope(Signed(json.dumps({"nonce": "n", "expires_at": "2999-01-01T00:00:00+00:00", **told}), "signature"))


def test_an_approved_request_is_not_replaced_by_another(tmp_path: Path) -> None:
    """Nobody's approval is lost because the same plan is asked for again."""
    store = Store(tmp_path)
    store.ask(DIGEST, _asked())
    store.answer(DIGEST, _asked(), lambda now: replace(now, approvals=(approved("a"),)))
    with pytest.raises(RunbookError, match="it was asked for and approved already"):
        store.ask(DIGEST, _asked(nonce="m"))
    assert store.read_envelope(DIGEST)[1].approvals == (approved("a"),)


@pytest.mark.parametrize("told", [{}, {"expires_at": "2000-01-01T00:00:00+00:00"}])
def test_an_ended_request_stays_on_record(tmp_path: Path, told: dict[str, str]) -> None:
    """Rejected or expired: the plan can be asked for anew, and who answered what is kept."""
    store = Store(tmp_path)
    rejection = None if told else approved("b")
    store.write_envelope(DIGEST, replace(_asked(**told), approvals=(approved("a"),), rejection=rejection))
    store.ask(DIGEST, _asked(nonce="m"))
    assert store.read_envelope(DIGEST)[1] == _asked(nonce="m")
    (ended,) = (store.folder / "approvals" / "ended").iterdir()
    assert "approval by a" in ended.read_text()


def test_a_rejection_reaches_the_ledger_of_the_op(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment names one; a launch under the old tag is refused there."""
    monkeypatch.setenv("PLAYBOOK_LEDGER", str(tmp_path / "op.jsonl"))
    store = Store(tmp_path)
    store.reject("n", "wait")
    for ledger in (store.ledger, Ledger(tmp_path / "op.jsonl")):
        with pytest.raises(RefusedError, match="it was rejected: wait"):
            ledger.refuse_rejected("n")
