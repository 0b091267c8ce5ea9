"""What one server is made of: the project, who it listens to, and what it remembers between two requests."""

from __future__ import annotations

import ipaddress
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from dagster_playbook.check.pages import find_pages
from dagster_playbook.claims.runbook_model import Runbook
from dagster_playbook.errors import PlaybookError
from dagster_playbook.runbook.catalogue import runbooks
from dagster_playbook.runbook.planning import Planned
from dagster_playbook.runbook.store import Store
from dagster_playbook.serve.tokens import Tokens
from dagster_playbook.settings import Settings, load_settings

T = TypeVar("T")
#: how long a plan or a text to be signed is remembered
REMEMBERED_S = 3600.0
_MOST_REMEMBERED = 200


class Refused(Exception):  # noqa: N818 - an answer to a request, not a fault
    """Why a request is refused, in one line; `status` is HTTP's."""

    def __init__(self, message: str, status: int = 403, cure: str = "") -> None:
        super().__init__(message)
        self.message, self.status, self.cure = message, status, cure


class Remembered(Generic[T]):
    """A few things by their name, for a while; the oldest go first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._turn = threading.Lock()

    def put(self, name: str, thing: T) -> None:
        """Remember a thing."""
        with self._turn:
            self._kept[name] = (time.monotonic(), thing)
            self._kept.move_to_end(name)
            while len(self._kept) > _MOST_REMEMBERED:
                self._kept.popitem(last=False)

    def get(self, name: str) -> T | None:
        """The thing, None when it was forgotten."""
        found = self._kept.get(name)
        return found[1] if found and time.monotonic() - found[0] < REMEMBERED_S else None

    def take(self, name: str) -> T | None:
        """The thing, which is forgotten with this."""
        found = self.get(name)
        with self._turn:
            return found if self._kept.pop(name, None) else None


@dataclass(frozen=True, slots=True)
class PlannedForm:
    """A plan that somebody made on a page: the texts that were given, and the runbook as it was then."""

    planned: Planned
    given: tuple[str, ...]
    runbook: Runbook
    by: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that somebody's passkey is about to sign; `keep` writes what comes of it and returns the page to show."""

    text: str
    session: str
    keep: Any


@dataclass(slots=True)
class Serving:
    """One server.

    Attributes:
        origins: the addresses that browsers know it by, e.g. `http://127.0.0.1:8000`; anything else is refused.
        identity_header: the header in which a proxy says who somebody is, "" when there is no proxy.
        site: the folder of the built site, None to serve the live pages alone.
    """

    root: Path
    origins: tuple[str, ...]
    target: str = "embedded"
    dagster_url: str = ""
    identity_header: str = ""
    site: Path | None = None
    tokens: Tokens = field(default_factory=Tokens)
    plans: Remembered[PlannedForm] = field(default_factory=Remembered)
    reviews: Remembered[Planned] = field(default_factory=Remembered)
    drafts: Remembered[Draft] = field(default_factory=Remembered)
    _books: tuple[Any, dict[str, Runbook]] = (None, {})

    @property
    def settings(self) -> Settings:
        """The settings as they are now."""
        return load_settings(self.root)

    @property
    def store(self) -> Store:
        """The project's record."""
        return Store(self.root)

    def runbooks(self) -> dict[str, Runbook]:
        """The project's runbooks by the name that they have in addresses: their path without its ending."""
        settings = self.settings
        stats = ((path, (settings.root / path).stat()) for path in find_pages(settings))
        mark = tuple((path, stat.st_mtime_ns, stat.st_size) for path, stat in stats)
        if self._books[0] != mark:
            self._books = mark, {path.rpartition(".")[0]: book for path, book in runbooks(settings).items()}
        return self._books[1]

    def runbook(self, name: str) -> Runbook:
        """A runbook from the list; raises Refused when it is not on it."""
        found = self.runbooks().get(name)
        if found is None:
            raise Refused("the project has no such runbook", 404)
        return found

    @property
    def hosts(self) -> frozenset[str]:
        """What the header Host may say."""
        return frozenset(urlsplit(origin).netloc for origin in self.origins)

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it by https."""
        return all(origin.startswith("https:") for origin in self.origins)


def origins_of(host: str, port: int, public_url: str = "") -> tuple[str, ...]:
    """The addresses by which browsers reach a server.

    Raises:
        PlaybookError: the public address is none.
    """
    if public_url:
        parts = urlsplit(public_url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query:
            raise PlaybookError(f"{public_url!r} is no address of a site", cure="like https://playbook.example.org")
        return (f"{parts.scheme}://{parts.netloc.lower()}",)
    names = ["127.0.0.1", "localhost"] if is_loopback(host) else [host]
    return tuple(f"http://{name}:{port}" for name in names)


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def new_name() -> str:
    """A name that nobody guesses."""
    return secrets.token_urlsafe(24)
