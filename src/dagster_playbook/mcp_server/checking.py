"""Checks of a page and of a piece of one, as an editor's: on the platform that is kept in memory."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from dagster_playbook.errors import PlaybookError
from dagster_playbook.facts.facts import Facts
from dagster_playbook.findings import Finding
from dagster_playbook.lsp.session import Session
from dagster_playbook.markdown.reader import MAX_BYTES

#: where a text that is no page of the project stands, as its findings call it
SNIPPET = "snippet.md"
_LANGUAGE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,30}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,200}")
_PAGES = (".md", ".markdown", ".mdc")


class Checking:
    """One project's platform, kept until one of its sources changes; one question is answered at a time."""

    def __init__(self, root: Path) -> None:
        self._session = Session(root)
        self._turn = threading.Lock()

    def facts(self) -> Facts:
        """What the platform is now.

        Raises:
            PlaybookError: the settings or the platform cannot be read.
        """
        with self._turn:
            return self._fresh().facts

    def snippet(self, text: str, language: str, job: str = "") -> dict[str, Any]:
        """Findings of a block of code as if it stood on a page, or of Markdown as a page of its own.

        Args:
            language: as in a fence's first line, or `markdown`.
            job: whose run config a YAML block holds; by its ops when "".

        Raises:
            PlaybookError: the language or the job is no name, the text is too long, or the platform cannot be asked.
        """
        if not _LANGUAGE.fullmatch(language):
            raise PlaybookError(
                f"{language!r} is no language of a code block", cure="yaml, sql, sh, python or markdown"
            )
        if job and not _NAME.fullmatch(job):
            raise PlaybookError(f"{job!r} is no name of a job", cure="list_jobs tells the names")
        if language in ("markdown", "md"):
            return self._verdict(SNIPPET, text, 0)
        ticks = "`" * (max([2, *(len(run) for run in re.findall("`+", text))]) + 1)
        head = f'{ticks}{language} {{job="{job}"}}' if job else f"{ticks}{language}"
        return self._verdict(SNIPPET, f"{head}\n{text.rstrip()}\n{ticks}\n", 1)

    def page(self, path: str, text: str | None = None) -> dict[str, Any]:
        """Findings of a page of the project, as it is on the disk or with the text that is about to be written.

        Raises:
            PlaybookError: there is no such page, or the path leads out of the project.
        """
        parts = PurePosixPath(path).parts
        if path.startswith("/") or "\\" in path or "\0" in path or ".." in parts or not path.endswith(_PAGES):
            raise PlaybookError(f"{path!r} is no page of the project", cure="a path like docs/index.md, from its root")
        if text is None and path not in self._pages():
            raise PlaybookError(
                f"the project has no page {path!r}", cure="give its text to check what is not there yet"
            )
        return self._verdict(path, text, 0)

    def _pages(self) -> list[str]:
        from dagster_playbook.check.pages import find_pages
        from dagster_playbook.settings import load_settings

        return find_pages(load_settings(self._session.root))

    def _verdict(self, path: str, text: str | None, before: int) -> dict[str, Any]:
        """The findings, each `before` lines further up than on the page that was made of the text."""
        if text is not None and len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            raise PlaybookError(f"the text is longer than {MAX_BYTES} bytes")
        with self._turn:
            session = self._fresh()
            if text is not None:
                session.texts[path] = text
            try:
                findings = session.findings(path)
            finally:
                session.texts.pop(path, None)
            facts = session.facts
        told = [_moved(finding, path, before).as_dict() for finding in findings]
        errors = sum(item["severity"] == "error" for item in told)
        return {"passes": not errors, "errors": errors, "findings": told, "platform": platform_of(facts)}

    def _fresh(self) -> Session:
        if self._session.is_stale():
            self._session.reload()
        return self._session


def platform_of(facts: Facts) -> dict[str, Any]:
    """What answers are held to: the fingerprint of the platform and the versions of what judged."""
    return {"fingerprint": facts.fingerprint, "versions": dict(facts.versions)}


def _moved(finding: Finding, path: str, before: int) -> Finding:
    if not before or finding.location.path != path:
        return finding
    fix = finding.fix
    return replace(
        finding,
        location=_up(finding.location, before),
        fix=replace(fix, location=_up(fix.location, before)) if fix else None,
    )


def _up(place: Any, lines: int) -> Any:
    return replace(place, line=max(1, place.line - lines), end_line=max(1, place.end_line - lines))
