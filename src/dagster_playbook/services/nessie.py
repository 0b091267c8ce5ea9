"""A client for Nessie's REST API v2: references, their histories, and moves by compare-and-set.

The shapes are those of the OpenAPI document that Nessie 0.99.0 itself serves below `/nessie-openapi/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

from dagster_playbook.nessie_hash import FORM, is_hash
from dagster_playbook.services.nessie_model import (
    Commit,
    Content,
    Difference,
    NessieError,
    NessieUnreachableError,
    Reference,
    ReferenceConflictError,
    ReferenceNotFoundError,
    RefKind,
)

if TYPE_CHECKING:
    import httpx

#: seconds to connect, and to wait for an answer
CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 30.0
#: entries that one page of a listing holds at most
PAGE_SIZE = 250
_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9._/-]*$")


class NessieClient:
    """Speaks to one Nessie; `uri` ends in `/api/v2`. Use it as a context manager, or call `close`."""

    def __init__(
        self,
        uri: str,
        *,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        timeout_s: float = ANSWER_TIMEOUT_S,
        page_size: int = PAGE_SIZE,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        import httpx

        self.uri = uri.rstrip("/")
        where = urlsplit(self.uri)
        # for messages: an address may carry a password
        self._shown = where._replace(netloc=where.netloc.rpartition("@")[2]).geturl()
        self._page_size = page_size
        # No proxy from the environment: the address is the operator's own.
        self._http = httpx.Client(
            base_url=self.uri,
            timeout=httpx.Timeout(timeout_s, connect=connect_timeout_s),
            trust_env=False,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def default_branch(self) -> Reference:
        """The branch that Nessie itself calls the default, at its head."""
        return self.get_reference(str(self._ask("GET", "/config")["defaultBranch"]))

    def get_reference(self, name: str) -> Reference:
        """The reference of that name.

        Raises:
            ReferenceNotFoundError: there is none.
        """
        return _reference(self._ask("GET", f"/trees/{_spec(name)}")["reference"])

    def list_references(self) -> list[Reference]:
        """All branches and tags."""
        return [_reference(entry) for entry in self._pages("/trees", "references")]

    def create_reference(self, name: str, kind: RefKind, source: Reference) -> Reference:
        """Create a branch or tag at the commit of `source`.

        Raises:
            ReferenceConflictError: the name is taken.
            ReferenceNotFoundError: the source or its hash is not there.
        """
        _spec(name)
        answer = self._ask("POST", "/trees", params={"name": name, "type": kind.value}, body=_as_json(source))
        return _reference(answer["reference"])

    def assign_reference(self, expected: Reference, target: Reference) -> Reference:
        """Move `expected` to the commit of `target`, if it still points to `expected.hash`: compare and set.

        Raises:
            ReferenceConflictError: it was moved since `expected` was read.
            ReferenceNotFoundError: it is gone, or the target is not there.
            NessieUnreachableError: no answer came; whether the move was made has to be read.
        """
        path = f"/trees/{_spec(expected.name, expected.hash)}"
        answer = self._ask("PUT", path, params={"type": expected.kind.value}, body=_as_json(target))
        return _reference(answer["reference"])

    def history(self, name: str, *, hash: str = "", limit: int | None = None) -> Iterator[Commit]:
        """The commits of a reference from its head (or from `hash` on it) back to the first, at most `limit`."""
        path = f"/trees/{_spec(name, hash)}/history"
        for number, entry in enumerate(self._pages(path, "logEntries", page=limit)):
            if limit is not None and number >= limit:
                return
            yield _commit(entry["commitMeta"])

    def is_on(self, name: str, hash: str) -> bool:
        """Whether the commit `hash` is on the history of the reference `name`.

        The history is walked: Nessie 0.99.0 takes `name@hash` for every commit that it has, on whatever branch.

        Raises:
            NessieError: the text is no hash.
            ReferenceNotFoundError: there is no such reference.
        """
        _spec(name, hash)
        return any(commit.hash == hash for commit in self.history(name))

    def contents(self, name: str, *, hash: str = "") -> list[Content]:
        """Every table, view and namespace at a reference, or at the commit `hash` on it."""
        entries = self._pages(f"/trees/{_spec(name, hash)}/entries", "entries", params={"content": "true"})
        return [c for entry in entries if (c := _content(entry["name"]["elements"], entry.get("content")))]

    def diff(self, before: str, after: str) -> list[Difference]:
        """What changed between two references; each is a name, `name@hash` or `@hash`."""
        path = f"/trees/{_pair(before)}/diff/{_pair(after)}"
        return [
            Difference(
                tuple(entry["key"]["elements"]),
                _content(entry["key"]["elements"], entry.get("from")),
                _content(entry["key"]["elements"], entry.get("to")),
            )
            for entry in self._pages(path, "diffs")
        ]

    def _pages(
        self, path: str, field: str, *, params: Mapping[str, str] | None = None, page: int | None = None
    ) -> Iterator[dict[str, Any]]:
        asked = {**(params or {}), "max-records": str(min(page or self._page_size, self._page_size))}
        while True:
            answer = self._ask("GET", path, params=asked)
            yield from answer.get(field, [])
            if not answer.get("hasMore"):
                return
            asked = {**asked, "page-token": str(answer["token"])}

    def _ask(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: object = None
    ) -> dict[str, Any]:
        import httpx

        try:
            answer = self._http.request(method, path, params=params, json=body)
        except httpx.HTTPError as error:
            raise NessieUnreachableError(
                f"Nessie at {self._shown} did not answer: {error or type(error).__name__}",
                cure="see `playbook stack status`, or check NESSIE_URI",
            ) from error
        if answer.is_success:
            return dict(answer.json()) if answer.content else {}
        raise _refusal(answer.status_code, answer.text, answer.headers.get("content-type", ""))


def _spec(name: str, hash: str = "") -> str:
    if not _NAME.match(name) and not (hash and not name):
        raise NessieError(f"{name!r} cannot be the name of a reference", code="BAD_REQUEST")
    if hash and not is_hash(hash):
        raise NessieError(f"{hash!r} is no commit hash: {FORM}", code="BAD_REQUEST")
    return quote(f"{name}@{hash}" if hash else name, safe="@")


def _pair(text: str) -> str:
    name, _, hash = text.partition("@")
    return _spec(name, hash)


def _as_json(reference: Reference) -> dict[str, str]:
    return {"type": reference.kind.value, "name": reference.name, "hash": reference.hash}


def _reference(entry: Mapping[str, Any]) -> Reference:
    return Reference(entry["name"], RefKind(entry["type"]), entry["hash"])


def _commit(meta: Mapping[str, Any]) -> Commit:
    parents = meta.get("parentCommitHashes") or [""]
    authors = meta.get("authors") or [meta.get("author") or ""]
    at = datetime.fromisoformat(meta["commitTime"])
    return Commit(meta["hash"], parents[0], meta.get("message", ""), authors[0], at)


def _content(key: list[str], content: Mapping[str, Any] | None) -> Content | None:
    if not content:
        return None
    return Content(
        tuple(key),
        content["type"],
        content.get("id", ""),
        content.get("metadataLocation", ""),
        content.get("snapshotId"),
    )


def _refusal(status: int, text: str, content_type: str) -> NessieError:
    """The error that an answer stands for; Nessie tells its own code in JSON."""
    import json

    detail: dict[str, Any] = {}
    if "json" in content_type:
        try:
            detail = dict(json.loads(text))
        except ValueError:
            detail = {}
    code = str(detail.get("errorCode", ""))
    message = f"Nessie refused: {detail.get('message') or text[:200] or f'HTTP {status}'}"
    if status == 409:
        return ReferenceConflictError(message, code=code, cure="read the reference again and decide anew")
    if status == 404:
        return ReferenceNotFoundError(message, code=code)
    if status in (502, 503, 504):
        return NessieUnreachableError(message, code=code)
    return NessieError(message, code=code)
