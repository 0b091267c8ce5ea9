"""The only orchestration of a check: pages in, verdicts out, with as little work as the change needs.

Markdown -> Snippet -> Claim -> (Facts) -> Finding
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_playbook.check import config_files
from dagster_playbook.check.files import ProjectFiles
from dagster_playbook.check.pages import MAX_KEPT, find_pages, no_page
from dagster_playbook.check.result import CheckResult, PageSummary, finding_from, summary_from
from dagster_playbook.check.verdicts import VerdictStore, engine_digest
from dagster_playbook.errors import PlaybookError
from dagster_playbook.facts.facts import Facts
from dagster_playbook.findings import Finding
from dagster_playbook.platform.loader import load_facts
from dagster_playbook.settings import Settings

if TYPE_CHECKING:
    from dagster_playbook.check.trial import PageReader
    from dagster_playbook.facts.facts_file import Recorded
    from dagster_playbook.markdown.model import Page

#: what the navigation's verdict is kept under; no page has such a path
_NAVIGATION = "//navigation"
#: rules whose findings may be gone the next time, with nothing changed
_PASSING = frozenset({"PB023", "PB024"})


@dataclass
class Checker:
    """Checks pages of one project; keeps the world between checks, so that a warm process only pays for changes.

    With `recorded` the pages are held to that, and nothing of the platform is loaded.
    `on_page` is told each page before it is looked at, `on_work` in a few words what takes time.
    """

    settings: Settings
    use_store: bool = True
    recorded: Recorded | None = None
    on_page: Callable[[str], None] = field(default=lambda page: None)
    on_work: Callable[[str], None] = field(default=lambda work: None)
    _ahead: tuple[str, ...] = ()

    @cached_property
    def facts(self) -> Facts:
        """What the platform is; from the cache when nothing changed, read once for the life of the checker."""
        if self.recorded is not None:
            return self.recorded.facts
        return load_facts(self.settings, progress=self.on_work, meanwhile=self._read_ahead)

    @property
    def fingerprint(self) -> str:
        """Of the platform that pages are held to."""
        return self.facts.fingerprint

    @cached_property
    def _files(self) -> ProjectFiles:
        return ProjectFiles(self.settings.root, self._anchors)

    @cached_property
    def _store(self) -> VerdictStore:
        key = f"{self.facts.fingerprint} {engine_digest()}"
        return VerdictStore(self.settings.root / self.settings.cache / "verdicts.sqlite", key)

    @cached_property
    def world(self) -> Any:
        """Facts, authorities and files; made on the first page that has to be judged anew."""
        from dagster_playbook.check.world import make_world, recorded_world

        if self.recorded is not None:
            return recorded_world(self.settings, self.recorded, self._files)
        return make_world(self.settings, self.facts, self._files)

    def save(self) -> None:
        """Keep the new verdicts and answers for the next process."""
        if self.use_store:
            self._store.save()
        if "world" in self.__dict__:
            self.world.authority.save()
            self.world.documents.save()

    def forget_files(self) -> None:
        """Look at the disk again; for processes that live through edits."""
        self.__dict__.pop("_files", None)
        self.__dict__.pop("_reader", None)
        if "world" in self.__dict__:
            self.world.files = self._files

    def check(self, paths: Iterable[str] = (), job: str = "") -> CheckResult:
        """Check the asked pages and files of run config, or all pages of the settings together with the navigation.

        Args:
            paths: pages, folders, files of run config, and `-` for run config on stdin.
            job: whose run config the files hold.

        Raises:
            PlaybookError: a page that was asked for does not exist, or an authority cannot be asked.
        """
        start = time.perf_counter()
        asked = list(paths)
        named_pages, others = config_files.split(self.settings.root, asked)
        found = find_pages(self.settings, named_pages) if named_pages or not asked else []
        if not found and not others:
            raise no_page(asked or self.settings.pages)
        self._ahead = tuple(found[:MAX_KEPT])
        pages = [self.check_page(path) for path in found] + [self._check_other(name, job) for name in others]
        nav = () if asked else tuple(self._nav())
        self.save()
        facts = self.facts
        return CheckResult(tuple(pages), nav, facts.fingerprint, dict(facts.versions), time.perf_counter() - start)

    def _check_other(self, name: str, job: str) -> PageSummary:
        """The verdict on a file that is no page of the project; never kept."""
        self.on_page(name)
        root, seconds = self.settings.root, self.settings.page_seconds
        verdict = config_files.check_file(root, name, self.world, seconds=seconds, job=job)
        counts = (verdict.fences, verdict.spans, verdict.checked, verdict.exempt)
        unjudged = dict(verdict.unjudged)
        return PageSummary(
            verdict.path, (), *counts, tuple(verdict.findings), (), unjudged, verdict.claims, is_apart=True
        )

    def check_page(self, path: str) -> PageSummary:
        """The verdict on one page, kept or made."""
        self.on_page(path)
        kept = self._store.get(path) if self.use_store else None
        if kept is not None and self._still_holds(kept):
            return summary_from(path, kept)
        from dagster_playbook.check.trial import judge_page

        self._files.start()
        verdict = judge_page(path, self.world, self._reader, seconds=self.settings.page_seconds)
        record = {
            "files": [[name, self._files.digest(name)] for name in (verdict.files or (path,))],
            "asked": self._files.asked(),
            "counts": [verdict.fences, verdict.spans, verdict.checked, verdict.exempt],
            "findings": [finding.as_dict() for finding in verdict.findings],
            "waiting": list(verdict.waiting),
            "unjudged": dict(verdict.unjudged),
            "claims": verdict.claims,
            "anchors": sorted(verdict.anchors) if verdict.anchors is not None else None,
        }
        if not any(finding.rule in _PASSING for finding in verdict.findings):
            self._store.put(path, record)
        counts = (verdict.fences, verdict.spans, verdict.checked, verdict.exempt)
        unjudged = dict(verdict.unjudged)
        found = tuple(verdict.findings)
        return PageSummary(path, verdict.files, *counts, found, verdict.waiting, unjudged, verdict.claims)

    def read(self, path: str) -> Page:
        """A page as its readers see it."""
        return self._reader.read(path, {})

    def _still_holds(self, kept: dict[str, Any]) -> bool:
        return self._same_files(kept) and all(
            self._files.still_holds((question, path, answer)) for question, path, answer in kept["asked"]
        )

    def _same_files(self, kept: dict[str, Any]) -> bool:
        return all(self._files.digest(name) == digest for name, digest in kept["files"])

    def _read_ahead(self) -> None:
        """While the platform is being loaded: what judging needs, and the first pages.

        It ends with the first page that cannot be read; judging it will say why.
        """
        from dagster_playbook.check import world  # noqa: F401 - what judging will import
        from dagster_playbook.check.judging import judged_whole
        from dagster_playbook.markdown.model import Page

        with suppress(PlaybookError):
            for path in self._ahead:
                read = partial(self._reader.read, path, {})
                if not isinstance(judged_whole(path, read, self.settings.page_seconds), Page):
                    return

    @cached_property
    def _reader(self) -> PageReader:
        from dagster_playbook.check.trial import PageReader

        return PageReader(self.settings.root, self.settings.include_roots)

    def _anchors(self, path: str) -> frozenset[str]:
        """As kept with the page's verdict where its files are as they were, else as read."""
        kept = self._store.get(path) if self.use_store else None
        if kept is not None and kept["anchors"] is not None and self._same_files(kept):
            return frozenset(kept["anchors"])
        return self._reader.read(path, {}).all_anchors

    def _nav(self) -> list[Finding]:
        """Findings of the navigation, kept like those of a page."""
        kept = self._store.get(_NAVIGATION) if self.use_store else None
        if kept is not None and self._still_holds(kept):
            return [finding_from(item) for item in kept["findings"]]
        from dagster_playbook.check.navigation import nav_findings

        self._files.start()
        found = nav_findings(self.settings, self._files)
        self._store.put(
            _NAVIGATION,
            {"files": [], "asked": self._files.asked(), "findings": [finding.as_dict() for finding in found]},
        )
        return found


def check_project(root: Path, paths: Iterable[str] = ()) -> CheckResult:
    """Check a project with its own settings; see `Checker.check`."""
    from dagster_playbook.settings import load_settings

    return Checker(load_settings(root)).check(paths)
