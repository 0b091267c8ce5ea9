"""Answers to a request that come at the same time: none is lost, and none is to another request."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from dagster_playbook.approval.envelope import Envelope, Signed
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
