"""pymdownx.snippets, recorded: every line keeps its file, and what cannot be included is a problem at its place."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pymdownx.snippets import SnippetExtension, SnippetMissingError, SnippetPreprocessor

from dagster_playbook.location import Location
from dagster_playbook.markdown.files import UnreadableError, newlines, read_text
from dagster_playbook.markdown.model import Problem
from dagster_playbook.markdown.recorder.origin import OriginLine, SectionMatch
from dagster_playbook.markdown.recorder.record import Record

MAX_DEPTH = 40
"""Includes nested deeper than this are refused; the renderer stops near Python's recursion limit."""

_MAX_TARGET = 4096
"""Longer than any path that a file system takes."""


class _Watched(list[str]):
    """Lines that tell which of them is being looked at."""

    current: str = ""

    def __iter__(self) -> Iterator[str]:
        for line in super().__iter__():
            self.current = line
            yield line


class RecordingSnippets(SnippetPreprocessor):  # type: ignore[misc]
    """The include processor; `record` is the page that is being read."""

    record: Record

    def run(self, lines: list[str]) -> list[str]:
        """The page's lines with all includes in place."""
        self._stack: list[tuple[str, _Watched]] = []
        self._texts: dict[str, list[str]] = {}
        self._budget = 2 * self.record.max_bytes
        self._target = ""
        expanded: list[str] = super().run(lines)
        return expanded

    def parse_snippets(self, lines: list[str], file_name: str | None = None, **options: Any) -> list[str]:
        """Expand the lines of a file; its name stands among those that may not be included again."""
        name = file_name or os.path.normpath(self.record.root.absolute() / self.record.path)
        watched = _Watched(lines)
        self._stack.append((name, watched))
        expanded: list[str] = super().parse_snippets(watched, name, **options)
        self._stack.pop()
        return expanded

    def parse_snippet_target(self, path: str) -> dict[str, Any] | None:
        """What the notation asks for; None when that is no path at all."""
        self._target = path
        target: dict[str, Any] | None = None
        with contextlib.suppress(ValueError):  # a lone `-` is no number
            target = super().parse_snippet_target(path) if len(path) <= _MAX_TARGET else None
        if target is None:
            self._refuse("PB004", f"include {path!r}: no such file under {', '.join(self.record.roots)}", path)
        return target

    def get_snippet_path(self, path: str) -> str | None:
        """The file to include, or None and a problem."""
        found = self._find(path)
        if found is None:
            text = self._target
            self._refuse("PB004", f"include {text!r}: no such file under {', '.join(self.record.roots)}", text)
            return None
        names = [name for name, _ in self._stack]
        if found in names:
            chain = " -> ".join(self._relative(name) for name in [*names[names.index(found) :], found])
            self._refuse("PB005", f"include {self._target!r} includes itself: {chain}", self._target)
            return None
        if len(names) > MAX_DEPTH:
            self._refuse("PB005", f"include {self._target!r} is nested deeper than {MAX_DEPTH} includes", self._target)
            return None
        return found

    def read_lines(self, path: str) -> list[str]:
        """A file's lines, each with its origin; none and a problem when it cannot be read."""
        relative = self._relative(path)
        if path not in self._texts:
            try:
                changed = self.record.texts.get(relative)
                text = read_text(Path(path), self.record.max_bytes) if changed is None else newlines(changed)
            except UnreadableError as error:
                self._refuse("PB003", f"include {relative!r} {error}", relative)
                return []
            lines = text.split("\n") if text else []
            self._texts[path] = [OriginLine.at(line, relative, number) for number, line in enumerate(lines, 1)]
        if relative not in self.record.files:
            self.record.files.append(relative)
        return self._texts[path]

    def extract_section(self, section: str, lines: list[str]) -> list[str]:
        """The lines of a section; none and a problem when there is no such section."""
        self.check_paths = True
        try:
            chosen: list[str] = super().extract_section(section, lines)
        except SnippetMissingError:
            path = self._target.rpartition(":")[0].strip()
            self._refuse("PB004", f"include {path!r} has no section {section!r}", f"{path}:{section}")
            return []
        finally:
            self.check_paths = False
        return chosen

    def match_section(self, line: str) -> Any:
        """The mark of a section in the line."""
        found = super().match_section(line)
        return SectionMatch(found, line) if found and isinstance(line, OriginLine) else found

    def dedent(self, lines: list[str]) -> list[str]:
        """The lines less the indent that all of them have."""
        texts: list[str] = super().dedent(lines)
        pairs = zip(lines, texts, strict=True)
        return [line.dedented(text) if isinstance(line, OriginLine) else text for line, text in pairs]

    def process_snippet_lines(self, lines: list[str], target: dict[str, Any]) -> list[str]:
        """The lines that are going to be included; none and a problem when all includes together grow too large."""
        self._budget -= sum(len(line) + 1 for line in lines)
        if self._budget >= 0:
            return lines
        self._refuse("PB003", f"include {self._target!r} makes the page too large to read", self._target)
        return []

    def _find(self, path: str) -> str | None:
        """The first file with that name that lies under its root; also one that is there and cannot be read."""
        if "\0" in path:
            return None
        for folder in self.record.roots:
            base = os.path.normpath(self.record.root.absolute() / folder)
            file = os.path.normpath(os.path.join(base, path))  # noqa: PTH118 - a path that a page gives, not yet one
            is_there = os.path.lexists(file) or self._relative(file) in self.record.texts
            if file != base and Path(file).is_relative_to(base) and is_there:
                return file
        return None

    def _relative(self, path: str) -> str:
        return Path(os.path.relpath(path, self.record.root)).as_posix()

    def _refuse(self, rule: str, message: str, subject: str) -> None:
        line = self._stack[-1][1].current
        place = Location(self.record.path)
        if isinstance(line, OriginLine):
            column = max(line.raw.find(self._target), 0) + 1
            place = Location(line.path, line.line, column, line.line, column + len(self._target))
        self.record.problems.append(Problem(rule, message, place, subject))


class RecordingSnippetExtension(SnippetExtension):  # type: ignore[misc]
    """pymdownx.snippets with the recording processor; nothing is ever downloaded."""

    def extendMarkdown(self, md: Any) -> None:  # noqa: N802 - Python-Markdown's name
        """Register the processor."""
        self.md = md
        md.registerExtension(self)
        config = {**self.getConfigs(), "url_download": False, "check_paths": False}
        md.preprocessors.register(RecordingSnippets(config, md), "snippet", 32)
