"""The text of a page after its includes, row by row, each row knowing the file and line it came from.

Everything that a renderer cuts out of the text (a list item's content, a fence's body, an inline code span) is led back
to a row and a column. So a place in the text is always a place in a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dagster_playbook.location import LineOrigin, Location

TAB_LENGTH = 4

STX = "\x02"
ETX = "\x03"
"""Around what stands for something that was cut out; the renderer drops both from the text, and so do we."""

Place = tuple[int, int]
"""Row and column, both 0-based: where a thing stands in the whole text, includes and all."""


@dataclass(frozen=True, slots=True)
class Comment:
    """An HTML comment: its inner text, and row and column of its start and end."""

    text: str
    start: Place
    end: Place


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the page as the renderer sees it.

    Attributes:
        text: tabs expanded, blank-only rows empty.
        path, line: the file (POSIX, relative to the project) and its 1-based line.
        indent: characters in front that an include added and that are not in the file.
        raw: the line as it stands in the file when `text` cannot be mapped by counting, else None.
        hidden: the 0-based place in `raw` of a mark that is not shown (it escapes an include), or -1.
        cut: characters of the file's line that an include took off in front.
    """

    text: str
    path: str
    line: int
    indent: int = 0
    raw: str | None = None
    hidden: int = -1
    cut: int = 0

    def column(self, offset: int) -> int:
        """The 1-based column in the file of a 0-based offset in `text`."""
        if self.raw is None:
            return max(offset - self.indent + self.cut, 0) + 1
        width = self.indent
        for index, character in enumerate(self.raw):
            if index == self.hidden or index < self.cut:
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

    def add(self, raw: str, path: str, line: int, indent: str = "", hidden: int = -1, cut: int = 0) -> None:
        """Append a line of a file, less the character at `hidden` and `cut` in front, as the renderer normalises it."""
        mapped: str | None = None
        text = raw[cut:]
        if hidden >= 0:
            mapped = raw
            text = raw[cut:hidden] + raw[hidden + 1 :]
        text = indent + text
        if "\t" in text or STX in text or ETX in text:
            mapped = raw
            text = text.replace(STX, "").replace(ETX, "").expandtabs(TAB_LENGTH)
        if self.rows and not text.strip(" "):
            text = ""
        self.rows.append(Row(text, path, line, len(indent), mapped, hidden, cut))

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
