"""Find fenced code blocks as pymdownx.superfences does: on the lines, before any other structure is known.

superfences runs before the block parser, so a fence is recognised by its marks behind any mix of blanks and `>`,
and later given back when it turns out to stand in an indented code block. `FenceFinder` cuts the fences out of
the lines and leaves one token line for each; `RawFence.restored` gives the original lines back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dagster_playbook.markdown.info_string import Opening, parse_opening
from dagster_playbook.markdown.model import Problem
from dagster_playbook.markdown.source import ETX, STX, Line, Source

_PREFIX = " >"
TOKEN_LINE = re.compile(f"([> ]*){STX}f([0-9]+){ETX}$")


@dataclass(frozen=True, slots=True)
class RawFence:
    """A fence cut out of the lines: its opening, closing and every line between, with their prefixes."""

    opening: Opening
    lines: tuple[Line, ...]
    indent: int

    @property
    def body(self) -> tuple[Line, ...]:
        """The code's lines, without the fence's own prefix."""
        return tuple(line.drop(self.indent) for line in self.lines[1:-1])

    def restored(self, prefix: int) -> list[Line]:
        """The original lines, less what the block parser had already taken off in front of the token.

        superfences gives an empty fence back with an empty line in it.
        """
        lines = list(self.lines)
        if len(lines) == 2:
            lines.insert(1, lines[0].drop(len(lines[0].text)))
        return [line.drop(self.indent - prefix) for line in lines]


@dataclass(slots=True)
class _Open:
    """A fence that is still waiting for its end."""

    opening: Opening
    start: int
    indent: int
    quotes: int
    blank_seen: bool = False


@dataclass(slots=True)
class FenceFinder:
    """One pass over a page's lines.

    Attributes:
        fences: what was cut out; a token's number is the index here.
        suspects: problems with the row they stand in; one inside an indented code block is none for readers.
    """

    source: Source
    fences: list[RawFence] = field(default_factory=list)
    suspects: list[tuple[int, Problem]] = field(default_factory=list)
    _refused: set[str] = field(default_factory=set)

    def cut(self, lines: list[Line]) -> list[Line]:
        """The lines with a token line in place of each fence."""
        kept: list[Line] = []
        current: _Open | None = None
        for line in lines:
            kept.append(line)
            if current is None:
                current = self._open(line, len(kept) - 1)
                continue
            verdict = _judge(current, line.text)
            if verdict == "end":
                self._close(current, kept)
                current = None
            elif verdict:
                self._unclosed(current, kept[current.start], line, verdict)
                current = None
        if current:
            self._unclosed(current, kept[current.start], None, "it is never closed")
        return kept

    def _open(self, line: Line, index: int) -> _Open | None:
        text = line.text
        if "```" not in text and "~~~" not in text:
            return None
        bare = text.lstrip(_PREFIX)
        opening = parse_opening(bare)
        if opening is None:
            return None
        indent = len(text) - len(bare)
        if opening.refusal:
            self._refuse(opening, line, indent)
            return None
        return _Open(opening, index, indent, text.count(">", 0, indent))

    def _refuse(self, opening: Opening, line: Line, indent: int) -> None:
        """Backticks in the info string make an inline code span; anything else was meant as a fence."""
        if opening.marks[0] == "`" and "`" in opening.info:
            return
        self._refused.add(opening.marks)
        place = self.source.location(line.row, line.column + indent, line.row, line.column + len(line.text))
        message = f"this fence is shown as text: {opening.refusal}"
        self.suspects.append((line.row, Problem("PB002", message, place, opening.info)))

    def _close(self, current: _Open, kept: list[Line]) -> None:
        lines = tuple(kept[current.start :])
        del kept[current.start :]
        first = lines[0]
        token = f"{first.text[: current.indent]}{STX}f{len(self.fences)}{ETX}"
        kept.append(Line(token, first.row, first.column))
        self.fences.append(RawFence(current.opening, lines, current.indent))

    def _unclosed(self, current: _Open, first: Line, at: Line | None, reason: str) -> None:
        if not current.opening.info and current.opening.marks in self._refused:
            return
        place = self.source.location(
            first.row, first.column + current.indent, first.row, first.column + len(first.text)
        )
        if at is not None:
            reason = f"{reason} in line {self.source.origin(at.row, 0).line}"
        message = f"this fence is shown as text: {reason}"
        self.suspects.append((first.row, Problem("PB002", message, place, current.opening.marks)))


def _judge(current: _Open, text: str) -> str:
    """What a line does to the open fence: "" is content, "end" closes it, else the reason why it breaks it."""
    bare = text[: current.indent].lstrip(_PREFIX)
    length = min(current.indent, len(text)) - len(bare)
    content = text[length:]
    quotes = text.count(">", 0, length)
    if current.quotes:
        return _judge_quoted(current, content, length, quotes)
    if quotes:
        return "a quoted line interrupts it"
    if not text.strip():
        return ""
    if length != current.indent and content:
        return "its content is less indented than its first line"
    return "end" if content.rstrip(" \t") == current.opening.marks else ""


def _judge_quoted(current: _Open, content: str, length: int, quotes: int) -> str:
    if quotes > current.quotes:
        return "a deeper quoted line interrupts it"
    if not content:
        current.blank_seen = True
        return ""
    if length < current.indent:
        return "its content is less indented than its first line"
    if current.blank_seen and quotes < current.quotes:
        return "the quote ends"
    if content.rstrip(" \t") == current.opening.marks:
        return "end"
    current.blank_seen = False
    return ""
