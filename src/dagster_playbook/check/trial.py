"""A page as it would be with other texts in its files: what the page's own check says of that."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dagster_playbook.check.fixes import MAX_TRIED, offered
from dagster_playbook.check.judging import judged_whole
from dagster_playbook.check.page_check import PageVerdict, check_page
from dagster_playbook.check.pages import MAX_KEPT
from dagster_playbook.findings import Finding
from dagster_playbook.markdown.model import Page
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.rules.world import Files, World

#: claims that all trials of a page together look at, so that a long page is not checked many times over
MAX_CLAIMS = 10_000


@dataclass(frozen=True)
class PageReader:
    """Reads pages of a project; `texts` are those that an editor holds open, by path.

    The last pages that were read as they stand are kept: one that others link to is read for its anchors and once
    more to be judged.
    """

    root: Path
    include_roots: tuple[str, ...] = (".",)
    texts: Mapping[str, str] = field(default_factory=dict)
    _kept: OrderedDict[str, Page] = field(default_factory=OrderedDict)

    def read(self, path: str, changed: Mapping[str, str]) -> Page:
        """The page, were `changed` the texts of these files."""
        if changed:
            return self._read(path, changed)
        if path not in self._kept:
            self._kept[path] = self._read(path, {})
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return self._kept[path]

    def _read(self, path: str, changed: Mapping[str, str]) -> Page:
        text = changed.get(path, self.texts.get(path))
        return read_page(self.root, path, include_roots=self.include_roots, text=text, included=changed)


@dataclass(frozen=True)
class ChangedFiles:
    """Implements `rules.world.Files`: the project's files, some with another text."""

    files: Files
    reader: PageReader
    changed: Mapping[str, str]

    def exists(self, path: str) -> bool:
        """See `rules.world.Files`."""
        return self.files.exists(path)

    def anchors(self, path: str) -> frozenset[str] | None:
        """See `rules.world.Files`."""
        if path not in self.changed:
            return self.files.anchors(path)
        return self.reader.read(path, self.changed).all_anchors

    def text(self, path: str) -> str | None:
        """See `rules.world.Files`."""
        return self.changed[path] if path in self.changed else self.files.text(path)


def tried(verdict: PageVerdict, world: World, reader: PageReader) -> list[Finding]:
    """The findings of a page with the fixes that may be offered: those that did what they promise when tried."""
    if not any(finding.fix for finding in verdict.findings):
        return verdict.findings
    tries = max(1, min(MAX_TRIED, MAX_CLAIMS // (verdict.fences + verdict.spans + 1)))
    return offered(verdict.findings, PageTrial(verdict.path, world, reader), tries)


def judge_page(path: str, world: World, reader: PageReader, *, seconds: float) -> PageVerdict:
    """Read and check a page within its time, its fixes tried; what it breaks is its own verdict, and no other page's.

    Raises:
        PlaybookError: an authority cannot be asked, or the page cannot be read.
    """

    def judge() -> PageVerdict:
        verdict = check_page(reader.read(path, {}), world, seconds=seconds)
        verdict.findings = tried(verdict, world, reader)
        return verdict

    judged = judged_whole(path, judge, seconds)
    return judged if isinstance(judged, PageVerdict) else PageVerdict(path, (path,), findings=[judged])


@dataclass(frozen=True)
class PageTrial:
    """Implements `fixes.Trial` for one page."""

    path: str
    world: World
    reader: PageReader

    def text(self, path: str) -> str | None:
        """See `Trial`."""
        return self.world.files.text(path)

    def counts_bom(self, path: str) -> bool:
        """An included file is read with its mark; the page itself is not."""
        return path != self.path

    def judge(self, changed: Mapping[str, str]) -> Sequence[Finding]:
        """See `Trial`."""
        with _files_of(self.world, ChangedFiles(self.world.files, self.reader, changed)):
            return check_page(self.reader.read(self.path, changed), self.world).findings


@contextmanager
def _files_of(world: World, files: Files) -> Iterator[None]:
    """The same world, with all that it has worked out of its facts, on other files for a while."""
    before = world.files
    world.files = files
    try:
        yield
    finally:
        world.files = before
