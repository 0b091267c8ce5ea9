"""Marks in the text that lead back to where it stands in a file.

The renderer cuts its text up and forgets lines and columns. So marks are put in front of what may become a code span, a
link, a tag or a heading; they travel with the text, and where one comes out, it tells the place. A mark is two lone
surrogates: no UTF-8 file can hold one, and to the renderer it is neither blank nor part of a word.
"""

from __future__ import annotations

import re

from dagster_playbook.markdown.recorder.record import TooMuchWorkError
from dagster_playbook.markdown.source import Place

MARK = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_ANY = re.compile("[\ud800-\udfff]+")
_MOST = 1024 * 1024

_POINT = re.compile(
    r"(?P<heading>^[ >]*+(?:(?:[-*+:]|\d+\.)[ ]++)*+\#{1,6}[ ]*+(?=\S))"
    r"|(?P<target>\]\([ \n]*+<?)"
    r"|(?<!\\)(?P<slashes>\\*+)(?:(?P<ticks>`++)|(?P<open>!?\[++)|(?P<tag><(?=[a-zA-Z!/?])))",
    re.MULTILINE,
)
_SETEXT = re.compile(r"^[ >]*+(?![#!?=/<|]).*\S(?=[ ]*\n[ >]*+(?:=++|-++)[ ]*$)", re.MULTILINE)
_SYNTAX = re.compile(r"[^\[\]\n]{0,500}\]:|[ xX]\]|TOC\]|[=!]|%")
"""Behind a bracket: a definition, a task's box, the mark of the table of contents, a progress bar, a callout."""
_BEFORE_TARGET = re.compile(r"\](?:\([ \n]*|:[ \n]*)\Z")


def make_mark(number: int) -> str:
    """The mark with that number."""
    if number >= _MOST:
        raise TooMuchWorkError(f"it holds more than {_MOST:,} code spans, links and tags")
    return chr(0xD800 + (number >> 10)) + chr(0xDC00 + (number & 0x3FF))


def number_of(mark: str) -> int:
    """The number of a mark."""
    return ((ord(mark[0]) - 0xD800) << 10) + ord(mark[1]) - 0xDC00


def unmarked(text: str) -> str:
    """The text without marks."""
    return _ANY.sub("", text) if text and not text.isascii() else text


def find_points(text: str) -> list[int]:
    """Offsets before which a mark belongs, in order."""
    points = [found.end() for found in _SETEXT.finditer(text)]
    points += [at for found in _POINT.finditer(text) if (at := _point(found, text)) >= 0]
    return sorted(points)


def _point(found: re.Match[str], text: str) -> int:
    kind = found.lastgroup
    if kind in ("heading", "target"):
        # the tag parser cuts at `<`: a target in angle brackets carries its mark inside of them
        return found.end()
    start = found.start()
    if kind == "open":
        is_escaped = len(found["slashes"]) % 2 == 1 and not found["open"].startswith("!")
        is_second = text[start - 1 : start] == "]" or (text[start - 2 : start - 1] == "]" and text[start - 1].isspace())
        return -1 if is_escaped or is_second or _SYNTAX.match(text, found.end()) else start
    if kind == "tag" and (found["slashes"] or _BEFORE_TARGET.search(text, max(start - 80, 0), start)):
        return -1
    return start


def place_before(marks: list[Place], text: str, end: int) -> tuple[Place, int] | None:
    """The place of the last mark before `end`, and the offset behind it; None when there is none."""
    while end > 1:
        if "\udc00" <= text[end - 1] <= "\udfff" and "\ud800" <= text[end - 2] <= "\udbff":
            return marks[number_of(text[end - 2 : end])], end
        end -= 1
    return None
