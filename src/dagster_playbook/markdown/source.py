"""The text of a page after its includes, row by row, each row knowing the file and line it came from.

Everything that later stages cut out of the text (a list item's content, a fence's body, an inline code span)
is a `Line`: some text and where in a row it begins. So a place in the text is always a place in a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from dagster_playbook.location import LineOrigin, Location

TAB_LENGTH = 4

STX = "\x02"
"""Opens a token that stands for something already cut out; the renderer drops it from the text, and so do we."""

ETX = "\x03"

FILLER = ETX
"""Stands for a character that is not shown where it is written; no page can hold it."""


class Line(NamedTuple):
    """A stretch of one row: its text, the 0-based row, and the 0-based offset of its first character there."""

    text: str
    row: int
    column: int

    def drop(self, count: int) -> Line:
        """The line without its first `count` characters."""
        if count <= 0:
            return self
        text = self.text[count:]
        return Line(text, self.row, self.column + len(self.text) - len(text))

    def lstrip(self) -> Line:
        """The line without leading blanks."""
        text = self.text.lstrip()
        return Line(text, self.row, self.column + len(self.text) - len(text))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the page as the renderer sees it.

    Attributes:
        text: tabs expanded, blank-only rows empty.
        path, line: the file (POSIX, relative to the project) and its 1-based line.
        indent: characters in front that an include added and that are not in the file.
        raw: the line as it stands in the file when `text` cannot be mapped by counting, else None.
        hidden: the 0-based place in `raw` of a mark that is not shown (it escapes an include), or -1.
    """

    text: str
    path: str
    line: int
    indent: int = 0
    raw: str | None = None
    hidden: int = -1

    def column(self, offset: int) -> int:
        """The 1-based column in the file of a 0-based offset in `text`."""
        if self.raw is None:
            return max(offset - self.indent, 0) + 1
        width = self.indent
        for index, character in enumerate(self.raw):
            if index == self.hidden:
                continue
            if width >= offset:
                return index + 1
            if character == "\t":
                width += TAB_LENGTH - width % TAB_LENGTH
            elif character not in (STX, ETX):
                width += 1
        return len(self.raw) + 1


@dataclass(slots=True)
class Source:
    """All rows of a page, in reading order."""

    rows: list[Row] = field(default_factory=list)

    def add(self, raw: str, path: str, line: int, indent: str = "", hidden: int = -1) -> None:
        """Append a line of a file, without the character at `hidden`, normalised as the renderer does it."""
        mapped: str | None = None
        text = raw
        if hidden >= 0:
            mapped = raw
            text = raw[:hidden] + raw[hidden + 1 :]
        text = indent + text
        if "\t" in text or STX in text or ETX in text:
            mapped = raw
            text = text.replace(STX, "").replace(ETX, "").expandtabs(TAB_LENGTH)
        if self.rows and not text.strip(" "):
            text = ""
        self.rows.append(Row(text, path, line, len(indent), mapped, hidden))

    def lines(self) -> list[Line]:
        """All rows as lines, with the two empty ones that the renderer adds at the end."""
        found = [Line(row.text, index, 0) for index, row in enumerate(self.rows)]
        last = max(len(self.rows) - 1, 0)
        found += [Line("", last, 0)] * 2
        return found

    def origin(self, row: int, offset: int) -> LineOrigin:
        """The file, line and column of a place in a row."""
        if not self.rows:
            return LineOrigin("", 1, 1)
        found = self.rows[row]
        return LineOrigin(found.path, found.line, found.column(offset))

    def location(self, row: int, offset: int, end_row: int, end_offset: int) -> Location:
        """A stretch between two places; it stays on the first line when the end lies in another file."""
        start = self.origin(row, offset)
        stop = self.origin(end_row, end_offset)
        if stop.path != start.path or stop.line < start.line:
            end = len(self.rows[row].text) if self.rows else 0
            stop = self.origin(row, max(end, offset))
        return Location(start.path, start.line, start.column, stop.line, stop.column)
