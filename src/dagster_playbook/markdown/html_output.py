"""What the HTML stage leaves: stretches of the text, made back into lines that know where they stand."""

from __future__ import annotations

from bisect import bisect_right

from dagster_playbook.markdown.source import FILLER, Line


class LocatedText:
    """Lines joined to one text whose offsets lead back to rows and columns."""

    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines
        self.text = "\n".join(line.text for line in lines)
        self.starts = [0]
        for line in lines:
            self.starts.append(self.starts[-1] + len(line.text) + 1)
        self.starts.pop()

    def line_start(self, offset: int) -> int:
        """Offset of the first character of the line that holds `offset`."""
        return self.starts[bisect_right(self.starts, offset) - 1]

    def place(self, offset: int) -> tuple[int, int]:
        """Row and column of an offset."""
        index = bisect_right(self.starts, offset) - 1
        line = self.lines[index]
        return line.row, line.column + offset - self.starts[index]

    def cut(self, start: int, end: int) -> list[Line]:
        """The stretch as lines."""
        found = []
        for text in self.text[start:end].split("\n"):
            row, column = self.place(start)
            found.append(Line(text, row, column))
            start += len(text) + 1
        return found


class Output:
    """Lines put together from stretches of a text and from made-up text such as tokens."""

    def __init__(self, source: LocatedText) -> None:
        self._source = source
        self._lines: list[list[Line]] = [[]]
        self.last = ""

    def add(self, start: int, end: int) -> None:
        """Append a stretch of the source."""
        if start >= end:
            return
        first, *others = self._source.cut(start, end)
        if first.text or not self._lines[-1]:
            self._lines[-1].append(first)
        self._lines += [[line] for line in others]
        self.last = self._source.text[max(start, end - 2) : end]

    def put(self, text: str, offset: int) -> None:
        """Append made-up text that stands for what is at `offset`."""
        row, column = self._source.place(offset)
        first, *others = text.split("\n")
        if first:
            self._lines[-1].append(Line(first, row, column))
        self._lines += [[Line(part, row, column)] for part in others]
        self.last = text[-2:]

    def ends_with(self, text: str) -> bool:
        """Whether all of it, not only the last piece, ends with line ends as in `text`."""
        wanted = text.count("\n")
        for pieces in reversed(self._lines):
            empty = not any(piece.text for piece in pieces)
            if wanted == 0:
                return True
            if not empty:
                return False
            wanted -= 1
        return wanted == 0

    def lines(self) -> list[Line]:
        """All lines; a line of several pieces keeps the place of its first one that has text."""
        return [_joined(pieces) for pieces in self._lines]


def _joined(pieces: list[Line]) -> Line:
    """One line of several pieces; what was cut out between two of them is filled up, so that places stay true."""
    if len(pieces) == 1:
        return pieces[0]
    found = [piece for piece in pieces if piece.text] or pieces
    if not found:
        return Line("", 0, 0)
    first = found[0]
    text = first.text
    for piece in found[1:]:
        hole = piece.column - first.column - len(text) if piece.row == first.row else 0
        text += FILLER * hole + piece.text
    return Line(text, first.row, first.column)
