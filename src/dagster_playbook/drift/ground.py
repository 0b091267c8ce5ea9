"""What mutations are made on: the pages as stretches of text that a check looks at, and the platform's sources."""

from __future__ import annotations

import bisect
import enum
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dagster_playbook.drift.model import Edit, Place
from dagster_playbook.facts.facts import Facts
from dagster_playbook.findings import Finding
from dagster_playbook.location import Location
from dagster_playbook.markdown.model import FactBinding, Fence, Page
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.rules.programs import STANDARD_PROGRAMS
from dagster_playbook.settings import Settings

#: attributes of example blocks that are wrong, or whole pages, on purpose
_EXAMPLES = ("fails", "passes")
_SOURCES = (".py", ".sql", ".yaml", ".yml", ".csv", ".json", ".properties")


class Part(enum.StrEnum):
    """Which part of a page a stretch is."""

    CODE = "code"
    INFO = "info"
    SPAN = "span"
    FACT = "fact"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of one line of a page that a check looks at; `start` is its 0-based offset in the file."""

    path: str
    line: int
    start: int
    text: str
    part: Part
    fence: Fence | None = None
    binding: FactBinding | None = None

    @property
    def language(self) -> str:
        """Of the fence that it belongs to, "" outside of one."""
        return self.fence.language if self.fence else ""

    @property
    def place(self) -> Place:
        """The place of its line."""
        return frozenset({(self.path, self.line)})

    def edit(self, start: int, end: int, new: str) -> Edit:
        """Replace a part of it, by offsets in `text`."""
        return Edit(self.path, self.start + start, self.start + end, new)


@dataclass(eq=False)
class PageText:
    """A page with its text; `sore` are the lines that a check already has something against."""

    path: str
    text: str
    page: Page
    sore: frozenset[int] = frozenset()

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return self.text.split("\n")

    def offset(self, line: int, column: int = 1) -> int:
        """The 0-based offset of a 1-based place."""
        return self._starts[min(line, len(self._starts)) - 1] + column - 1

    def line_at(self, offset: int) -> int:
        """The 1-based line of an offset."""
        return bisect.bisect_right(self._starts, offset)

    def line_span(self, first: int, last: int) -> tuple[int, int]:
        """The offsets of whole lines, the last one's end included."""
        end = self._starts[last] if last < len(self._starts) else len(self.text)
        return self.offset(first), end

    def edit_lines(self, first: int, last: int, new: str) -> Edit:
        """Replace whole lines."""
        return Edit(self.path, *self.line_span(first, last), new)

    @cached_property
    def fences(self) -> list[Fence]:
        """The fences that stand in this file itself and are neither exempt nor wrong on purpose."""
        return [
            fence
            for fence in self.page.fences
            if fence.location.path == self.path
            and not any(name in fence.attributes for name in _EXAMPLES)
            and fence.language not in ("markdown", "md")
            and all(origin.path == self.path for origin in fence.lines)
            and not any(self.is_off(line) for line in range(fence.location.line, fence.location.end_line + 1))
        ]

    def is_off(self, line: int) -> bool:
        """Whether a mutation there would prove nothing: the line is exempt with a reason, or wrong already."""
        return line in self.sore or any(
            item.location.path == self.path and item.first_line <= line <= item.last_line
            for item in self.page.suppressions
        )

    @cached_property
    def stretches(self) -> list[Stretch]:
        """Everything on the page that a check looks at, in reading order, less what is exempt or wrong already."""
        found = [*self._of_fences(), *self._of_prose()]
        return sorted((s for s in found if not self.is_off(s.line)), key=lambda s: (s.start, s.part))

    def _of_fences(self) -> Iterator[Stretch]:
        for fence in self.fences:
            opening = fence.location.line
            if fence.info:
                at = self.lines[opening - 1].find(fence.info)
                if at >= 0:
                    yield Stretch(self.path, opening, self.offset(opening, at + 1), fence.info, Part.INFO, fence)
            for origin, text in zip(fence.lines, fence.body.split("\n"), strict=False):
                start = self.offset(origin.line, origin.column)
                if text.strip() and self.text.startswith(text, start):
                    yield Stretch(self.path, origin.line, start, text, Part.CODE, fence)

    def _of_prose(self) -> Iterator[Stretch]:
        for span in self.page.spans:
            yield from self._stretch(span.location, span.text, Part.SPAN)
        for binding in self.page.bindings:
            for found in self._stretch(binding.location, binding.shown, Part.FACT):
                yield Stretch(found.path, found.line, found.start, found.text, Part.FACT, binding=binding)
        for link in self.page.links:
            yield from self._stretch(link.location, link.target, Part.LINK)

    def _stretch(self, place: Location, text: str, part: Part) -> Iterator[Stretch]:
        if place.path != self.path or not text.strip() or "\n" in text:
            return
        start = self.text.find(text, self.offset(place.line, place.column))
        if start >= 0 and self.line_at(start) == place.line:
            yield Stretch(self.path, place.line, start, text, part)


@dataclass(eq=False)
class Ground:
    """The project as it is before any change.

    Attributes:
        root: the copy that mutations are made in; origin: the project that it was copied from.
    """

    root: Path
    settings: Settings
    facts: Facts
    pages: dict[str, PageText]
    origin: Path = Path()
    _sources: dict[str, str] = field(default_factory=dict)

    @cached_property
    def stretches(self) -> list[Stretch]:
        """Of all pages, in order."""
        return [stretch for page in self.pages.values() for stretch in page.stretches]

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word, in lower case, that is a name somewhere: no misspelling may become one of these."""
        known: set[str] = {*_words_of(self.facts.as_dict()), *STANDARD_PROGRAMS}
        known.update(stretch.text.lower() for stretch in self.stretches)
        for stretch in self.stretches:
            known.update(re.findall(r"[\w-]+", stretch.text.lower()))
        return frozenset(known)

    def source(self, path: str) -> str:
        """The text of a source of the platform."""
        if path not in self._sources:
            self._sources[path] = (self.root / path).read_text(encoding="utf-8")
        return self._sources[path]

    def files(self, *folders: str) -> list[str]:
        """The source files below some folders, in order."""
        found = {
            path.relative_to(self.root).as_posix()
            for folder in folders
            for path in sorted((self.root / folder).rglob("*"))
            if path.is_file() and path.suffix in _SOURCES and "__pycache__" not in path.parts
        }
        return sorted(found)

    def pages_of(self, places: Iterable[Place]) -> tuple[str, ...]:
        """The pages that some places stand on."""
        return tuple(dict.fromkeys(path for place in places for path, _ in sorted(place)))


def read_ground(root: Path, settings: Settings, facts: Facts, findings: dict[str, list[Finding]]) -> Ground:
    """Read the pages of a copy; `findings` are what the check has against each of them as it is."""
    pages = {}
    for path, against in findings.items():
        data = (root / path).read_bytes()
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            continue
        if "\r" in text or text.startswith("﻿"):
            continue
        page = read_page(root, path, include_roots=settings.include_roots)
        sore = frozenset(finding.location.line for finding in against if finding.location.path == path)
        pages[path] = PageText(path, text, page, sore)
    return Ground(root, settings, facts, pages)


def _words_of(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _words_of(key)
            yield from _words_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from _words_of(item)
    elif isinstance(value, str) and len(value) < 200:
        yield value.lower()
        yield from re.findall(r"[\w-]+", value.lower())
