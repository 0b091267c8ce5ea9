"""Kept verdicts: what a page was found to be, as long as everything that it rests on is as it was.

A row is used only when its own digest is right, its key (platform, engine, settings) is the current one, and every
file and answer that it rests on is unchanged. Anything else about the store (corrupt, foreign, locked, unwritable)
costs time, never a verdict.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any

from dagster_playbook.check.files import digest_of
from dagster_playbook.facts.cache import make_folder

#: packages that take no part in a verdict
_NOT_JUDGING = frozenset(
    {
        "approval", "branch", "cli", "diff", "drift", "lake", "lsp", "mcp_server", "report", "restatement", "runbook",
        "scaffold", "serve", "services", "sessions", "site", "stack",
    }
)  # fmt: skip
_SCHEMA = "CREATE TABLE IF NOT EXISTS verdict (path TEXT PRIMARY KEY, key TEXT, payload TEXT, digest TEXT)"


@cache
def engine_digest() -> str:
    """Of this package's own sources: a rule that changes makes every kept verdict old."""
    package = Path(__file__).parents[1]
    sources = sorted(path for path in package.rglob("*.py") if path.parts[-2] not in _NOT_JUDGING)
    return digest_of(b"".join(digest_of(path.read_bytes()).encode() for path in sources))


class VerdictStore:
    """Verdicts by page path in one SQLite file."""

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._key = key
        self._rows: dict[str, tuple[str, str]] = {}
        self._new: dict[str, str] = {}
        self._load()

    def get(self, page: str) -> dict[str, Any] | None:
        """The kept verdict of a page under the current key, None when there is none or it is damaged."""
        row = self._rows.get(page)
        if row is None or digest_of((self._key + row[0]).encode()) != row[1]:
            return None
        try:
            loaded = json.loads(row[0])
        except json.JSONDecodeError:
            return None
        return loaded if isinstance(loaded, dict) else None

    def put(self, page: str, verdict: dict[str, Any]) -> None:
        """Keep a verdict; it is written by `save`."""
        if not page.isascii() and any("\ud800" <= c <= "\udfff" for c in page):
            return  # a name that is no UTF-8 has no place in the store
        self._new[page] = json.dumps(verdict, separators=(",", ":"))

    def save(self) -> None:
        """Write the new verdicts in one transaction; a store that cannot be written is left alone."""
        if not self._new:
            return
        rows = [(page, self._key, text, digest_of((self._key + text).encode())) for page, text in self._new.items()]
        for attempt in (1, 2):
            try:
                make_folder(self._path.parent)
                with closing(sqlite3.connect(self._path, timeout=2)) as store, store:
                    store.execute(_SCHEMA)
                    store.executemany("INSERT OR REPLACE INTO verdict VALUES (?, ?, ?, ?)", rows)
                return
            except sqlite3.OperationalError:
                return
            except sqlite3.DatabaseError:
                if attempt == 1:
                    with suppress(OSError):
                        self._path.unlink()
            except OSError:
                return

    def _load(self) -> None:
        if not self._path.is_file():
            return
        with suppress(sqlite3.Error, OSError), closing(sqlite3.connect(self._path, timeout=2)) as store:
            query = "SELECT path, payload, digest FROM verdict WHERE key = ?"
            self._rows = {
                page: (payload, digest)
                for page, payload, digest in store.execute(query, (self._key,))
                if isinstance(payload, str) and isinstance(digest, str)
            }
