"""What is taken out of what a run writes, and what is not."""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path

import pytest

from dagster_playbook.runbook.journal import Journal, entries, verify
from dagster_playbook.runbook.redaction import RedactedStream, Redactor
from dagster_playbook.runbook.tokens import secret_spans

TOKENS = {
    "GitHub": "ghp_" + "Ab1" * 12,
    "GitLab": "glpat-" + "aB3dE6gH9jK2mN5pQ8sT",
    "AWS": "AKIA" + "Q3EGTXK7PLMZ4RWS",
    "Slack": "xoxb-" + "1234567890-1234567890123-aBcDeFgHiJkLmNoPqRsTuVwX",
    "Google": "AIza" + "SyD3x7Kq9Zt2Lw5Rb8Vn1Mc4Pf6Gh0Js2dQ",
    "a JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5NXgL0n3I9PlFUP0THsR8U",
}


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_of_a_known_form_is_taken_out(kind: str) -> None:
    """Wherever it stands in a text, also when no variable holds it."""
    assert Redactor((), {}).text(f"the token is {TOKENS[kind]} and on") == "the token is [secret] and on"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("postgresql://ada:s3cr3t-w0rd@db:5432/x", "postgresql://ada:[secret]@db:5432/x"),
        ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer [secret]"),
    ],
)
def test_a_secret_is_told_by_its_place(text: str, told: str) -> None:
    """A password in an address, and what authorizes a request, have no form of their own."""
    assert Redactor((), {}).text(text) == told


def test_digests_and_ids_are_no_tokens() -> None:
    """What a run is full of stays readable."""
    ids = [f"{hashlib.sha256(b'%d' % n).hexdigest()} {uuid.UUID(int=n * 7919)} oso.stg_{n}__events" for n in range(300)]
    assert list(secret_spans("\n".join(ids))) == []


def test_words_of_the_run_are_not_taken_for_a_secret(tmp_path: Path) -> None:
    """AUTH_MODE=succeeded in the environment: the journal's own words stay, the same word in a text does not."""
    redactor = Redactor((), {"AUTH_MODE": "succeeded", "MY_KEY": "step-finished", "A_TOKEN": "output"})
    journal = Journal(tmp_path, redactor)
    journal.append("step-finished", step="succeeded", outcome="succeeded", result={"output": "it succeeded"})
    journal.append("closed", state="succeeded")
    finished, closed = entries(tmp_path)
    assert (finished.event, finished.data["step"], finished.data["outcome"]) == (
        "step-finished",
        "succeeded",
        "succeeded",
    )
    assert finished.data["result"] == {"output": "it [secret]"}
    assert closed.data == {"state": "succeeded"}
    assert verify(tmp_path) == []


def test_variables_that_only_sound_like_a_secret_are_none() -> None:
    """An author is no authority, and a monkey no key."""
    environment = {
        "GIT_AUTHOR_NAME": "Ada Lovelace",
        "MONKEYS": "chimpanzee",
        "API_KEY": "k-123456",
        "PASSWORD": "hunter22",
    }
    text = Redactor((), environment).text("Ada Lovelace chimpanzee k-123456 hunter22")
    assert text == "Ada Lovelace chimpanzee [secret] [secret]"


def test_a_secret_of_several_lines_is_taken_out_line_by_line() -> None:
    """It may be printed with something between its lines."""
    redactor = Redactor(["first line\nsecond line"], {})
    assert redactor.text("1: first line\n2: second line") == "1: [secret]\n2: [secret]"


def test_pieces_give_the_text_that_the_whole_gives() -> None:
    """However an output is cut on its way."""
    text = f"one {TOKENS['GitHub']} two\nthree {TOKENS['AWS']}\n" + "x" * 500 + "\nlast"
    whole = Redactor((), {}).text(text)
    for size in (1, 7, 64, 1000):
        stream = RedactedStream(Redactor((), {}))
        pieces = [stream.feed(text[at : at + size]) for at in range(0, len(text), size)]
        assert "".join(pieces) + stream.rest() == whole


def test_a_log_is_cleaned_in_place(tmp_path: Path) -> None:
    """Once nobody writes to it any more."""
    log = tmp_path / "dagster.log"
    log.write_text(json.dumps({"token": TOKENS["GitHub"]}))
    Redactor((), {}).file(log)
    assert json.loads(log.read_text()) == {"token": "[secret]"}
