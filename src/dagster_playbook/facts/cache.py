"""Results kept on disk under a key: atomic, self-checking, and never needed.

An entry that is missing, half-written, foreign or corrupt is as good as none; a folder that cannot be written costs
time and nothing else. So no state of the cache can change a verdict.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

from dagster_playbook.durable import write_whole

#: entries of one kind that are kept, the newest ones
KEPT = 8
_MAGIC = b"playbook-cache-1"


class Cache:
    """A folder of JSON documents; `kind` and `key` make the file name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, kind: str, key: str) -> Any | None:
        """The document, or None when there is none that is whole and was written for this kind and key."""
        try:
            content = self._path(kind, key).read_bytes()
        except OSError:
            return None
        header, separator, body = content.partition(b"\n")
        if not separator or header != self._header(kind, key, body):
            return None
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            return None

    def write(self, kind: str, key: str, document: Any) -> bool:
        """Keep a document and drop the oldest of its kind; False when the folder does not take it."""
        body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
        try:
            make_folder(self.folder)
            write_whole(self._path(kind, key), self._header(kind, key, body) + b"\n" + body)
        except OSError:
            return False
        self._prune(kind)
        return True

    def _path(self, kind: str, key: str) -> Path:
        return self.folder / f"{kind}-{key}.json"

    def _header(self, kind: str, key: str, body: bytes) -> bytes:
        digest = hashlib.blake2b(body, digest_size=16).hexdigest()
        return b" ".join((_MAGIC, kind.encode(), key.encode(), digest.encode()))

    def _prune(self, kind: str) -> None:
        with contextlib.suppress(OSError):
            aged = sorted(self.folder.glob(f"{kind}-*.json"), key=lambda path: path.stat().st_mtime_ns)
            for path in aged[:-KEPT]:
                path.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder of what can be had again at any time, which git leaves out by itself.

    Raises:
        OSError: the disk does not take it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        write_whole(ignore, b"*\n")
