"""Resolve the includes of a page, so that each row knows the file and line that a person edits."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dagster_playbook.location import Location, lines_of
from dagster_playbook.markdown.include_syntax import (
    Target,
    match_mark,
    match_section,
    parse_target,
    select_ranges,
)
from dagster_playbook.markdown.model import Problem
from dagster_playbook.markdown.source import TAB_LENGTH, Source

MAX_DEPTH = 40
"""Includes nested deeper than this are refused; the renderer stops near Python's recursion limit."""


class UnreadableError(Exception):
    """A file cannot be read as text; the message says why."""


def read_text(file: Path, max_bytes: int, encoding: str = "utf-8") -> str:
    """The text of a file with every kind of line end turned into a newline.

    Raises UnreadableError for a missing, special, oversized, looping or non-UTF-8 file.
    """
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise UnreadableError("is not a regular file")
        with file.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableError(f"cannot be read: {cause}") from error
    if len(data) > max_bytes:
        raise UnreadableError(f"is larger than {max_bytes:,} bytes")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableError(f"is not UTF-8: byte {data[error.start]:#04x} in line {line}") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(slots=True)
class _Selected:
    """A line of a file that is going to be included; the mark at `escape`, if any, is not shown."""

    text: str
    line: int
    escape: int = -1


@dataclass(slots=True)
class Includer:
    """Expands includes under `roots` (folders relative to `root`) into a `Source`.

    Attributes:
        files: paths of what was read, the page first, then includes in order of first use.
        budget: characters that all includes together may still add.
    """

    root: Path
    roots: tuple[str, ...]
    max_bytes: int
    source: Source = field(default_factory=Source)
    files: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    budget: int = 0
    _texts: dict[str, list[str]] = field(default_factory=dict)
    _stack: list[str] = field(default_factory=list)

    def replace(self, texts: Mapping[str, str]) -> None:
        """Read these texts, by path in the project, where the files of that name would be read."""
        self._texts |= {path: lines_of(text) if text else [] for path, text in texts.items()}

    def expand(self, lines: list[str], path: str, first_line: int) -> None:
        """Add a page's lines to the source; `first_line` is the number of the first one in its file."""
        self.budget = 2 * self.max_bytes
        self.files.append(path)
        self._stack.append(path)
        selected = [_Selected(text, first_line + index) for index, text in enumerate(lines)]
        self._expand(selected, path, "", is_section=False)
        self._stack.pop()

    def _expand(self, lines: list[_Selected], path: str, indent: str, *, is_section: bool) -> None:
        in_block = False
        for item in lines:
            mark = match_mark(item.text)
            if mark is None and not in_block:
                self._add_text(item, path, indent, is_section=is_section)
            elif mark is None:
                self._add_listed(item, path, indent)
            elif mark.kind == "escaped":
                self.source.add(item.text, path, item.line, indent, item.text.index(";"))
            elif mark.kind == "block":
                in_block = not in_block
            elif not in_block:
                place = Location(path, item.line, mark.column + 1, item.line, mark.column + 1 + len(mark.target))
                self._include(mark.target, place, indent + mark.indent.expandtabs(TAB_LENGTH))

    def _add_text(self, item: _Selected, path: str, indent: str, *, is_section: bool) -> None:
        section = None if is_section else match_section(item.text)
        if section and section.escape < 0:
            return
        self.source.add(item.text, path, item.line, indent, section.escape if section else item.escape)

    def _add_listed(self, item: _Selected, path: str, indent: str) -> None:
        target = item.text.lstrip(" \t")
        space = item.text[: len(item.text) - len(target)]
        if not target.strip():
            self.source.add("", path, item.line, indent)
            return
        column = len(space) + 1
        place = Location(path, item.line, column, item.line, column + len(target.rstrip()))
        self._include(target.strip(), place, indent + space.expandtabs(TAB_LENGTH))

    def _include(self, text: str, place: Location, indent: str) -> None:
        if text.startswith(";"):
            return
        target = parse_target(text)
        found = self._find(target.path) if target else None
        if target is None or found is None:
            self._problem("PB004", f"include {text!r}: no such file under {', '.join(self.roots)}", place, text)
            return
        if found in self._stack:
            chain = " -> ".join([*self._stack[self._stack.index(found) :], found])
            self._problem("PB005", f"include {text!r} includes itself: {chain}", place, text)
            return
        if len(self._stack) > MAX_DEPTH:
            self._problem("PB005", f"include {text!r} is nested deeper than {MAX_DEPTH} includes", place, text)
            return
        lines = self._read(found, place)
        chosen = self._select(lines, target, place) if lines is not None else []
        self.budget -= sum(len(item.text) + len(indent) + 1 for item in chosen)
        if self.budget < 0:
            self._problem("PB003", f"include {text!r} makes the page too large to read", place, text)
            return
        self._stack.append(found)
        self._expand(chosen, found, indent, is_section=bool(target.section))
        self._stack.pop()

    def _find(self, path: str) -> str | None:
        """The path, relative to the project, of the first file with that name that lies under its root."""
        if "\0" in path:
            return None
        for folder in self.roots:
            base = Path(os.path.normpath(self.root.absolute() / folder))
            file = Path(os.path.normpath(base / path))
            inside = file != base and file.is_relative_to(base)
            if inside and os.path.lexists(file):
                return Path(os.path.relpath(file, self.root)).as_posix()
        return None

    def _read(self, path: str, place: Location) -> list[str] | None:
        if path not in self._texts:
            try:
                text = read_text(self.root / path, self.max_bytes)
            except UnreadableError as error:
                self._problem("PB003", f"include {path!r} {error}", place, path)
                return None
            self._texts[path] = text.split("\n") if text else []
        if path not in self.files:
            self.files.append(path)
        return self._texts[path]

    def _select(self, lines: list[str], target: Target, place: Location) -> list[_Selected]:
        if not lines or not (target.ranges or target.section):
            return [_Selected(text, index + 1) for index, text in enumerate(lines)]
        if target.ranges:
            return [_Selected(lines[index], index + 1) for index in select_ranges(target.ranges, len(lines))]
        chosen = _section(lines, target.section)
        if chosen is None:
            message = f"include {target.path!r} has no section {target.section!r}"
            self._problem("PB004", message, place, f"{target.path}:{target.section}")
        return chosen or []

    def _problem(self, rule: str, message: str, place: Location, subject: str) -> None:
        self.problems.append(Problem(rule, message, place, subject))


def _section(lines: list[str], name: str) -> list[_Selected] | None:
    """The lines between the section's marks, without the marks of other sections; None when it never starts."""
    chosen: list[_Selected] | None = None
    for index, text in enumerate(lines):
        mark = match_section(text)
        if mark and mark.escape < 0 and mark.name == name:
            if mark.kind == "end":
                break
            chosen = [] if chosen is None else chosen
        elif chosen is not None and (mark is None or mark.escape >= 0):
            chosen.append(_Selected(text, index + 1, mark.escape if mark else -1))
    return chosen
