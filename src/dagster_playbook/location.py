"""Where something stands in the file that a person edits, and what a line of it is.

A line ends with a newline, a carriage return, or both. `str.splitlines` ends one at eight other characters too (form
feed, U+001C to U+001E, U+0085, U+2028 ...), so a place that is counted by it drifts: lines are counted here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A stretch of one file; lines and columns are 1-based, columns count code points, the end is exclusive."""

    path: str
    line: int = 1
    column: int = 1
    end_line: int = 0
    end_column: int = 0

    def __post_init__(self) -> None:
        if self.end_line == 0:
            object.__setattr__(self, "end_line", self.line)
        if self.end_column == 0:
            object.__setattr__(self, "end_column", self.column)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class LineOrigin:
    """Where one line of an extracted text stands: `column` is where its first character is in the file."""

    path: str
    line: int
    column: int = 1


def lines_of(text: str) -> list[str]:
    """The lines of a text without their ends; a text that ends with a line end has an empty last line."""
    return LINE_END.split(text)


def lines_with_ends(text: str) -> list[str]:
    """The lines of a text with their ends: joined they are the text again, and none is empty."""
    starts = line_starts(text)
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True) if start < end]


def line_starts(text: str) -> list[int]:
    """The 0-based offset, in code points, at which each line begins."""
    return [0, *(match.end() for match in LINE_END.finditer(text))]
