"""Lines that know the file they stand in, and keep knowing it on their way through the renderer's includes."""

from __future__ import annotations

import re
from typing import Any, SupportsIndex


class OriginLine(str):
    """A line of a file: the text that goes on, made of what stands in the file and what an include did to it.

    Attributes:
        raw: the line as it stands in the file.
        path, line: the file (POSIX, relative to the project) and its 1-based line.
        indent: what an include put in front.
        hidden: the 0-based place in `raw` of a `;` that escapes an include and is not shown, or -1.
        cut: characters that an include took off in front.
    """

    __slots__ = ("cut", "hidden", "indent", "line", "path", "raw")

    raw: str
    path: str
    line: int
    indent: str
    hidden: int
    cut: int

    @classmethod
    def at(cls, raw: str, path: str, line: int) -> OriginLine:
        """A line as it stands in a file."""
        made = cls(raw)
        made.raw, made.path, made.line, made.indent, made.hidden, made.cut = raw, path, line, "", -1, 0
        return made

    @classmethod
    def of(cls, other: OriginLine, text: str | None = None) -> OriginLine:
        """A line with another text and the origin of `other`."""
        made = cls(other if text is None else text)
        made.raw, made.path, made.line, made.indent = other.raw, other.path, other.line, other.indent
        made.hidden, made.cut = other.hidden, other.cut
        return made

    def __radd__(self, space: str) -> OriginLine:
        """The line behind the blanks that stand in front of an include."""
        made = OriginLine.of(self, str(space) + str(self))
        made.indent = space + self.indent
        return made

    def replace(self, old: str, new: str, count: SupportsIndex = -1, /) -> str:
        """The line without the first `;`, which is all that the renderer replaces."""
        if (old, new, count) == (";", "", 1) and old in self:
            return self.without(self.index(old))
        return super().replace(old, new, count)

    def without(self, place: int) -> OriginLine:
        """The line less the character at `place`."""
        made = OriginLine.of(self, self[:place] + self[place + 1 :])
        made.hidden = place - len(self.indent) + self.cut
        return made

    def dedented(self, text: str) -> OriginLine:
        """The line with only `text`, its end, left of it."""
        made = OriginLine.of(self, text)
        made.cut = self.cut + len(self) - len(text)
        return made


class _Whole(OriginLine):
    """The line that its own pieces are put together to, one after the other."""

    __slots__ = ()

    def __add__(self, _piece: str) -> _Whole:
        return self


class SectionMatch:
    """A match of a section's mark whose pieces, put together again, are still the line."""

    def __init__(self, found: re.Match[str], line: OriginLine) -> None:
        self._found = found
        self._line = line

    def group(self, name: str) -> Any:
        """The text of a group; the one before an escape stands for the whole line, less the escape."""
        if name == "pre" and self._found["escape"]:
            line = self._line.without(self._found.start("escape"))
            return _Whole.of(line)
        return self._found[name]
