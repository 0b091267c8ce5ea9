"""A client for the few calls of Nessie's REST API v2 that moving a tag needs.

Shapes are Nessie's own: a reference is `{"type", "name", "hash"}`, a place in its history is written `name@hash`, lists
come in pages with `hasMore` and `token`, errors carry `message` and `errorCode`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

# Nessie's own form of a commit hash.
HASH = re.compile(r"[0-9a-f]{8,64}")
PAGE_SIZE = 250
TABLE_TYPES = frozenset({"ICEBERG_TABLE", "ICEBERG_VIEW"})


class NessieError(Exception):
    """Nessie refused or could not be asked; the message says what was asked and what came back."""


class NotFoundError(NessieError):
    """The reference or hash does not exist."""


class ConflictError(NessieError):
    """The reference is not where it was when it was read: somebody else moved, made or removed it."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A branch or tag and the commit that it points to."""

    name: str
    type: str
    hash: str

    @property
    def path(self) -> str:
        """`name@hash`, ready for a URL."""
        return f"{quote(self.name, safe='')}@{self.hash}"

    def as_json(self) -> dict[str, str]:
        """As Nessie takes it in a body."""
        return {"type": self.type, "name": self.name, "hash": self.hash}


class Nessie:
    """Calls to one Nessie server; close it, or use it in a `with`.

    Args:
        uri: base of the REST API, e.g. `http://127.0.0.1:19120/api/v2`.
        timeout_s: seconds to wait for a connection and for any one answer.
    """

    def __init__(self, uri: str, timeout_s: float = 30.0, transport: httpx.BaseTransport | None = None) -> None:
        self.uri = uri.rstrip("/")
        self._client = httpx.Client(base_url=self.uri, timeout=timeout_s, transport=transport)

    def __enter__(self) -> Nessie:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the connections."""
        self._client.close()

    def reference(self, name: str) -> Reference:
        """Where a branch or tag is now.

        Raises:
            NotFoundError: there is none of that name.
        """
        return as_reference(self._ask("GET", f"/trees/{quote(name, safe='')}")["reference"])

    def find_reference(self, name: str) -> Reference | None:
        """Where a branch or tag is now, None when there is none of that name."""
        try:
            return self.reference(name)
        except NotFoundError:
            return None

    def history(self, reference: Reference) -> Iterator[str]:
        """Hashes of the commits that a reference reaches, newest first, its own hash included."""
        for entry in self._pages(f"/trees/{reference.path}/history", "logEntries", fetch="MINIMAL"):
            yield entry["commitMeta"]["hash"]

    def changed_tables(self, old: Reference, new: Reference) -> list[str]:
        """Names of the tables and views that differ between two places, sorted, e.g. `oso.projects_v1`."""
        return sorted(
            ".".join(entry["key"]["elements"])
            for entry in self._pages(f"/trees/{old.path}/diff/{new.path}", "diffs")
            if (entry.get("to") or entry.get("from") or {}).get("type") in TABLE_TYPES
        )

    def create_tag(self, name: str, source: Reference) -> Reference:
        """Make a tag at a commit of `source`.

        Raises:
            ConflictError: the name is taken.
        """
        answer = self._ask("POST", "/trees", params={"name": name, "type": "TAG"}, json=source.as_json())
        return as_reference(answer["reference"])

    def assign_tag(self, expected: Reference, target: Reference) -> Reference:
        """Move a tag to `target`, provided it is still at `expected`.

        Raises:
            ConflictError: it is not there any more; nothing was moved.
        """
        answer = self._ask("PUT", f"/trees/{expected.path}", params={"type": "TAG"}, json=target.as_json())
        return as_reference(answer["reference"])

    def _pages(self, path: str, items: str, **params: str) -> Iterator[dict[str, Any]]:
        token = ""
        while True:
            paging = {"page-token": token} if token else {}
            page = self._ask("GET", path, params={"max-records": str(PAGE_SIZE), **params, **paging})
            yield from page[items]
            token = page.get("token") or ""
            if not page.get("hasMore") or not token:
                return

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            response = self._client.request(method, path, **options)
            body = response.json()
        except httpx.HTTPError as error:
            raise NessieError(f"Nessie at {self.uri} did not answer {method} {path}: {error!r}") from error
        except ValueError as error:
            raise NessieError(f"Nessie at {self.uri} answered {method} {path} with no JSON: is it API v2?") from error
        if response.is_success:
            return dict(body)
        message = f"Nessie refused {method} {path}: {response.status_code} {body.get('message', body)}"
        raise {404: NotFoundError, 409: ConflictError}.get(response.status_code, NessieError)(message)


def as_reference(data: dict[str, Any]) -> Reference:
    """A reference from Nessie's JSON."""
    return Reference(name=data["name"], type=data["type"], hash=data["hash"])
