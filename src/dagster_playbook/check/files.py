"""The project's files as a check looks at them, remembering what a page's verdict rests on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

#: one thing that a verdict rests on: what was asked, of which path, and the answer then
Dependency = tuple[str, str, str]
#: a longer file is none that pages speak of
LONGEST_BYTES = 1 << 25


def digest_of(data: bytes) -> str:
    """A short content digest (hex)."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _anchors_digest(anchors: frozenset[str] | None) -> str:
    return digest_of("\n".join(sorted(anchors)).encode()) if anchors is not None else ""


class ProjectFiles:
    """Answers about files below `root`, each asked of the disk once; paths outside the root do not exist.

    `anchors_of` reads a page's anchors. Between `start` and `asked` it records what was asked, so that a kept
    verdict can be held to the same answers later.
    """

    def __init__(self, root: Path, anchors_of: Callable[[str], frozenset[str]]) -> None:
        self._root = root
        self._anchors_of = anchors_of
        self._exists: dict[str, bool] = {}
        self._digests: dict[str, str] = {}
        self._anchors: dict[str, frozenset[str]] = {}
        self._record: dict[tuple[str, str], str] = {}

    def start(self) -> None:
        """Forget what was recorded: a new page begins."""
        self._record = {}

    def asked(self) -> list[Dependency]:
        """What was asked since `start`, with the answers."""
        return [(question, path, answer) for (question, path), answer in sorted(self._record.items())]

    def still_holds(self, dependency: Dependency) -> bool:
        """Whether the question has the same answer now."""
        question, path, answer = dependency
        if question == "exists":
            return str(self._stands(path)) == answer
        if question == "anchors":
            return self._same_anchors(path, answer)
        return self.digest(path) == answer

    def _same_anchors(self, path: str, answer: str) -> bool:
        """By content where that is unchanged; a page that was edited is read for its anchors alone."""
        content, _, anchors = answer.partition(" ")
        digest = self.digest(path)
        if digest == content:
            return True
        return bool(digest) and _anchors_digest(self._anchors_at(path)) == anchors

    def _anchors_at(self, path: str) -> frozenset[str]:
        if path not in self._anchors:
            self._anchors[path] = self._anchors_of(path)
        return self._anchors[path]

    def exists(self, path: str) -> bool:
        """Whether a file or folder stands there."""
        answer = self._stands(path)
        self._record["exists", path] = str(answer)
        return answer

    def anchors(self, path: str) -> frozenset[str] | None:
        """The anchors of a page, None when it does not exist."""
        digest = self.digest(path)
        known = self._anchors_at(path) if digest else None
        self._record["anchors", path] = f"{digest} {_anchors_digest(known)}"
        return known

    def text(self, path: str) -> str | None:
        """The text of a file, None when there is none or it is not UTF-8."""
        self._record["content", path] = self.digest(path)
        data = self._read(path)
        try:
            return data.decode("utf-8") if data is not None else None
        except UnicodeDecodeError:
            return None

    def digest(self, path: str) -> str:
        """The digest of a file's content, "" when it cannot be read."""
        if path not in self._digests:
            data = self._read(path)
            self._digests[path] = digest_of(data) if data is not None else ""
        return self._digests[path]

    def _stands(self, path: str) -> bool:
        if path not in self._exists:
            try:
                self._exists[path] = self._is_inside(path) and (self._root / path).exists()
            except (OSError, ValueError):
                self._exists[path] = False
        return self._exists[path]

    def _read(self, path: str) -> bytes | None:
        place = self._root / path
        try:
            # a pipe and a device have no end, whatever link leads to them
            is_read = self._is_inside(path) and place.is_file() and place.stat().st_size <= LONGEST_BYTES
            return place.read_bytes() if is_read else None
        except (OSError, ValueError):
            return None

    def _is_inside(self, path: str) -> bool:
        return not path.startswith(("/", "..")) and "/../" not in path
