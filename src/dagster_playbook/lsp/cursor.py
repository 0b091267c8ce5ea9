"""What stands at a cursor: a block with the place in it, inline code, a bound fact, or running text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dagster_playbook.markdown.model import Fence, Page

#: what a name of the platform may be made of; a selector's signs stand around it
_WORD = re.compile(r"[\w.=/-]+")
_CODE_MARKS = re.compile(r"`+")
_OPEN_FACT = re.compile(r"<!--\s*fact:\s*(?P<text>\S*)$")
_FENCE_LINE = re.compile(r"^[\s>]*(?:`{3,}|~{3,})")
_ATTRIBUTE = re.compile(r"""(?P<name>\w+)=["'](?P<text>[^"']*)$""")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a page; `line` and `column` are 1-based, in the block's body for a block, else in the file.

    Attributes:
        before: the text of the line up to the cursor, without the block's own indent.
        fence: the block that the cursor stands in.
        attribute: the attribute of a block's opening line whose value is being written.
        is_fact: whether a fact's key is being written.
        is_code: whether inline code is being written.
    """

    line: int
    column: int
    before: str
    fence: Fence | None = None
    attribute: str = ""
    is_fact: bool = False
    is_code: bool = False

    @property
    def token(self) -> str:
        """The name that is being written, up to the cursor."""
        found = re.search(r"[\w.=/*:-]*$", self.before)
        text = found.group() if found else ""
        return text.lstrip("-") if self.fence is not None and not text.startswith("--") else text


def cursor_at(page: Page, text: str, line: int, column: int) -> Cursor:
    """The cursor at a 1-based line and column of the page's own file; `text` is that line."""
    before = text[: column - 1]
    for fence in page.fences:
        for number, origin in enumerate(fence.lines, 1):
            if origin.path == page.path and origin.line == line and column >= origin.column:
                return Cursor(number, column - origin.column + 1, before[origin.column - 1 :], fence)
    if _FENCE_LINE.match(text):
        found = _ATTRIBUTE.search(before)
        return Cursor(line, column, before, attribute=found["name"] if found else "")
    is_fact = bool(_OPEN_FACT.search(before))
    is_open = len(_CODE_MARKS.findall(before)) % 2 == 1
    return Cursor(line, column, before, is_fact=is_fact, is_code=is_open and not is_fact)


def word_at(text: str, column: int) -> tuple[str, int]:
    """The name at a 1-based column of a line and its first column; "" when there is none."""
    for found in _WORD.finditer(text):
        if found.start() < column <= found.end() + 1:
            word = found.group().strip(".")
            return word, found.start() + 1
    return "", column
