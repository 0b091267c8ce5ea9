from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from pygls.workspace import PositionCodec

from dagster_playbook.location import Location
from dagster_playbook.lsp.positions import Lines

_ENCODINGS = {
    types.PositionEncodingKind.Utf8: "utf-8",
    types.PositionEncodingKind.Utf16: "utf-16-le",
    types.PositionEncodingKind.Utf32: "utf-32-le",
}
_UNIT_BYTES = {"utf-8": 1, "utf-16-le": 2, "utf-32-le": 4}


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")), st.data(), st.sampled_from(list(_ENCODINGS)))
def test_there_and_back(text: str, data: st.DataObject, kind: types.PositionEncodingKind) -> None:
    """A column becomes the editor's units of the text before it, and that position is the column again."""
    text = text.removeprefix("\ufeff")
    column = data.draw(st.integers(1, len(text) + 1))
    lines = Lines(text, PositionCodec(kind))
    position = lines.to_editor(1, column)
    encoding = _ENCODINGS[kind]
    assert position.character == len(text[: column - 1].encode(encoding)) // _UNIT_BYTES[encoding]
    assert lines.from_editor(position) == (1, column)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines(line_end: str) -> None:
    """Lines end as the page's reader has it, and a line that is not there is empty."""
    lines = Lines(line_end.join(["one", "two"]), PositionCodec())
    assert [lines.text(number) for number in (0, 1, 2, 3)] == ["", "one", "two", ""]


def test_empty_place_is_widened() -> None:
    """A place without width is shown as the word that begins there."""
    found = Lines("run load_job now", PositionCodec()).range_of(Location("a.md", 1, 5))
    assert (found.start.character, found.end.character) == (4, 12)
