"""A copy of the project that mutations are made in, one at a time; the project itself is only read."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from dagster_playbook.drift.model import Edit, Mutation
from dagster_playbook.settings import Settings

#: what tools make, and no page and no platform is read from
_LEFT_OUT = shutil.ignore_patterns(
    ".git",
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
    ".playbook",
    ".cache",
    "site",
    "dist",
    "build",
    "logs",
    "*.duckdb",
    "*.duckdb.wal",
    "*.egg-info",
    "*.sock",
)


@contextmanager
def project_copy(settings: Settings) -> Iterator[Settings]:
    """A copy in a temporary folder with what the cache knows of the platform; taken away at the end."""
    with tempfile.TemporaryDirectory(prefix="playbook-drift-", ignore_cleanup_errors=True) as folder:
        root = Path(folder).resolve() / "project"
        shutil.copytree(settings.root, root, ignore=_LEFT_OUT, symlinks=True)
        copied = replace(settings, root=root, cache=".playbook/cache")
        _copy_cache(settings.root / settings.cache, root / copied.cache)
        yield copied


def _copy_cache(kept: Path, cache: Path) -> None:
    """Facts and answers, so that the platform as it is need not be loaded again; kept verdicts are left behind."""
    cache.mkdir(parents=True, exist_ok=True)
    for path in kept.glob("*.json"):
        with suppress(OSError):
            shutil.copy2(path, cache / path.name)


@contextmanager
def applied(root: Path, mutation: Mutation) -> Iterator[None]:
    """Make the change; take it back at the end, whatever happened."""
    gone = [*mutation.removed, *(old for old, _ in mutation.renamed)]
    touched = [*dict.fromkeys(edit.path for edit in mutation.edits), *gone]
    before = {path: (root / path).read_bytes() for path in touched}
    try:
        for path in dict.fromkeys(edit.path for edit in mutation.edits):
            text = edited(before[path].decode("utf-8"), [edit for edit in mutation.edits if edit.path == path])
            (root / path).write_bytes(text.encode("utf-8"))
        for old, new in mutation.renamed:
            os.replace(root / old, root / new)  # noqa: PTH105 - over a file that stands there, on every system
        for path in mutation.removed:
            (root / path).unlink()
        yield
    finally:
        for _, new in mutation.renamed:
            (root / new).unlink(missing_ok=True)
        for path, data in before.items():
            (root / path).write_bytes(data)


def edited(text: str, edits: list[Edit]) -> str:
    """The text with all edits made; they do not overlap."""
    for edit in sorted(edits, key=lambda item: item.start, reverse=True):
        text = text[: edit.start] + edit.new + text[edit.end :]
    return text
