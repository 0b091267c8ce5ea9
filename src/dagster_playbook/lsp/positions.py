"""Places between us and an editor: ours are 1-based code points, the protocol's 0-based units of its own encoding."""

from __future__ import annotations

from lsprotocol import types
from pygls.workspace import PositionCodec

from dagster_playbook.location import Location


class Lines:
    """A text by lines, with the encoding that the editor counts columns in."""

    def __init__(self, text: str, codec: PositionCodec) -> None:
        self._lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._codec = codec

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    def text(self, line: int) -> str:
        """A line (1-based), "" when there is none."""
        return self._lines[line - 1] if 0 < line <= len(self._lines) else ""

    def to_editor(self, line: int, column: int) -> types.Position:
        """The editor's position of a 1-based line and column."""
        return types.Position(line - 1, self._codec.client_num_units(self.text(line)[: column - 1]))

    def from_editor(self, position: types.Position) -> tuple[int, int]:
        """The 1-based line and column of an editor's position; one beyond a line's end is its end."""
        line = position.line + 1
        units = 0
        for index, character in enumerate(self.text(line)):
            if units >= position.character:
                return line, index + 1
            units += self._codec.client_num_units(character)
        return line, len(self.text(line)) + 1

    def range_of(self, place: Location) -> types.Range:
        """The editor's range of a place; an empty one is widened to the word, so that there is something to see."""
        end_line, end_column = place.end_line, place.end_column
        if (end_line, end_column) == (place.line, place.column):
            rest = self.text(place.line)[place.column - 1 :]
            end_column = place.column + max(len(rest.split(" ")[0]), 1)
        return types.Range(self.to_editor(place.line, place.column), self.to_editor(end_line, end_column))
