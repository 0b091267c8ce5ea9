"""The Nessie client: what it makes of refusals, silence and pages. Its moves are tested on a real Nessie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from dagster_playbook.services.nessie import NessieClient
from dagster_playbook.services.nessie_model import (
    NessieError,
    NessieUnreachableError,
    ReferenceConflictError,
    ReferenceNotFoundError,
)

Answer = Callable[[httpx.Request], httpx.Response]


def client(answer: Answer) -> NessieClient:
    """A client whose questions are answered by a function."""
    return NessieClient("http://nessie/api/v2", transport=httpx.MockTransport(answer))


def refusing(status: int, **body: Any) -> Answer:
    """Answers everything with one refusal."""
    return lambda _: httpx.Response(status, json=body)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (409, "REFERENCE_CONFLICT", ReferenceConflictError),
        (409, "REFERENCE_ALREADY_EXISTS", ReferenceConflictError),
        (404, "REFERENCE_NOT_FOUND", ReferenceNotFoundError),
        (400, "BAD_REQUEST", NessieError),
        (503, "SERVICE_UNAVAILABLE", NessieUnreachableError),
    ],
)
def test_refusals_have_types(status: int, code: str, error: type[NessieError]) -> None:
    """A conflict, a missing reference and an absent service are told apart, with Nessie's own words and code."""
    with client(refusing(status, errorCode=code, message="its own words")) as nessie:
        with pytest.raises(error, match="its own words") as caught:
            nessie.get_reference("main")
        assert type(caught.value) is error
        assert caught.value.code == code


def test_a_page_of_html_is_no_answer() -> None:
    """Something else that listens there is told with what it said, not with a traceback."""
    with (
        client(lambda _: httpx.Response(502, text="<html>Bad Gateway")) as nessie,
        pytest.raises(NessieUnreachableError, match="Bad Gateway"),
    ):
        nessie.get_reference("main")


def test_silence_is_told_with_a_cure() -> None:
    """A Nessie that does not answer is told with its address and where to look."""

    def silence(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with client(silence) as nessie, pytest.raises(NessieUnreachableError, match="http://nessie/api/v2") as caught:
        nessie.get_reference("main")
    assert "stack status" in caught.value.cure


@pytest.mark.parametrize("name", ["../config", "main?x=1", "a b", "main@12345678", "1main", ""])
def test_a_name_that_could_change_the_question_is_refused(name: str) -> None:
    """A text that is no reference name is refused before it could become part of an address."""
    with client(refusing(404)) as nessie, pytest.raises(NessieError):
        nessie.create_reference(name, None, None)  # type: ignore[arg-type]


def test_pages_are_followed_to_the_last() -> None:
    """A listing goes on with the token of each page until there are no more."""
    pages = {
        None: {"references": [{"type": "BRANCH", "name": "main", "hash": "a" * 16}], "hasMore": True, "token": "t1"},
        "t1": {"references": [{"type": "TAG", "name": "consumer", "hash": "b" * 16}], "hasMore": False},
    }
    with client(lambda request: httpx.Response(200, json=pages[request.url.params.get("page-token")])) as nessie:
        assert [r.name for r in nessie.list_references()] == ["main", "consumer"]


def test_a_password_in_the_address_is_not_told() -> None:
    """An address may carry one; what did not answer is named without it."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    address, told = "http://user:s3cret@127.0.0.1:9/api/v2", r"^Nessie at http://127.0.0.1:9/api/v2 did not answer"
    with (
        NessieClient(address, transport=httpx.MockTransport(refuse)) as nessie,
        pytest.raises(NessieUnreachableError, match=told),
    ):
        nessie.get_reference("main")
