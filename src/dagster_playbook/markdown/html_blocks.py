"""Cut raw HTML blocks out of the lines, as Python-Markdown does before it looks at blocks.

A block-level tag, a comment or a declaration at the start of a line (after at most three blanks) begins raw HTML;
everything up to its end is shown as it stands. A block-level tag with the attribute `markdown` (the extension
md_in_html) holds Markdown again. Everything else stays in the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dagster_playbook.markdown.html_output import LocatedText, Output
from dagster_playbook.markdown.html_sink import INNER_BLANK, HtmlSink
from dagster_playbook.markdown.html_tags import (
    BLOCK_TAGS,
    Tag,
    content_state,
    read_end_tag,
    read_start_tag,
    start_tag_end,
)
from dagster_playbook.markdown.source import Line

_TEXT_TAGS = frozenset({"script", "style"})
_VOID_TAGS = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_INTERESTING = re.compile(r"<(?=[a-zA-Z/!?])|&#(?!(?:[0-9]+|[xX][0-9a-fA-F]+)[^0-9a-fA-F])")
_COMMENT_END = re.compile(r"--!?>")
_SCAN_FACTOR = 8
_SCAN_FLOOR = 100_000
"""Tags that never end are searched for at most this many characters of the text: a bound on hostile input."""


@dataclass(slots=True)
class HtmlStage(HtmlSink):
    """One pass over a page's lines."""

    _allowance: int = 0
    _breaks: int = 0

    def cut(self, lines: list[Line]) -> list[Line]:
        """The lines with tokens in place of HTML blocks."""
        if not any("<" in line.text for line in lines):
            return lines
        self._source = LocatedText(lines)
        self._main = Output(self._source)
        self._allowance = _SCAN_FACTOR * len(self._source.text) + _SCAN_FLOOR
        position = 0
        while position < len(self._source.text):
            position = self._step(position)
        self._finish()
        return self._main.lines()

    def _step(self, position: int) -> int:
        text = self._source.text
        if self._in_raw and self._raw_tags and self._raw_tags[-1] in _TEXT_TAGS:
            return self._skip_text_content(position)
        found = _INTERESTING.search(text, position)
        start = found.start() if found else len(text)
        if start > position:
            self._data(position, start)
        if not found:
            return len(text)
        if found.group() == "&#":
            return self._broken_reference(start)
        following = text[start + 1]
        if following == "/":
            return self._end_tag(start)
        if following == "!":
            return self._comment(start) if text.startswith("<!--", start) else self._declaration(start)
        return self._instruction(start) if following == "?" else self._start_tag(start)

    def _broken_reference(self, start: int) -> int:
        """A malformed `&#` stops the HTML parser once; from the second one on all is text."""
        text = self._source.text
        self._breaks += 1
        if self._breaks > 1 or ";" not in text[start : start + 10_000]:
            self._data(start, len(text))
            return len(text)
        self._data(start, start + 2)
        return start + 2

    def _skip_text_content(self, position: int) -> int:
        """Script and style hold text up to their own end tag."""
        text = self._source.text
        end = re.compile(rf"</{self._raw_tags[-1]}\s*>", re.IGNORECASE).search(text, position)
        if end is None:
            self._data(position, len(text))
            return len(text)
        self._data(position, end.start())
        return self._end_tag(end.start())

    def _start_tag(self, start: int) -> int:
        text = self._source.text
        end = start_tag_end(text, start) if self._allowance > 0 else -1
        if end < 0:
            self._allowance -= len(text) - start
            self._data(start, start + 1)
            return start + 1
        tag = read_start_tag(text, start, end)
        if tag is None:
            self._data(start, end)
        elif tag.closed:
            self._empty(start, end, is_block=tag.name in BLOCK_TAGS)
        else:
            self._opened(tag, start)
        return end

    def _opened(self, tag: Tag, start: int) -> None:
        at_start = self._at_line_start(start)
        if tag.name == "hr" and (at_start or self._in_tail):
            self._empty(start, tag.end, is_block=True)
            return
        fresh = bool(self._open) and self._open[-1].is_fresh
        if tag.name in BLOCK_TAGS and (at_start or self._in_tail or fresh):
            state = content_state(tag, self._open[-1].state if self._open else "")
            if self._in_raw or (state == "off" and not self._open):
                self._raw_start(tag, start, at_start)
            else:
                self._element_start(tag, state)
        elif self._in_raw:
            self._raw_start(tag, start, at_start)
        else:
            self._data(start, tag.end)
            if tag.name not in BLOCK_TAGS and tag.name not in _VOID_TAGS:
                self._inline.append(tag.name)

    def _end_tag(self, start: int) -> int:
        text = self._source.text
        tag = read_end_tag(text, start)
        if tag is None:
            self._data(start, min(start + 2, len(text)))
            return start + 2
        if self._in_raw:
            self._raw_end(tag, start)
        elif tag.name in BLOCK_TAGS and any(item.node.tag == tag.name for item in self._open):
            self._close_element(tag.name, tag.end)
        else:
            self._data(start, tag.end)
            if tag.name in self._inline:
                while self._inline.pop() != tag.name:
                    pass
        return tag.end

    def _comment(self, start: int) -> int:
        text = self._source.text
        found = _COMMENT_END.search(text, start + 4) if self._allowance > 0 else None
        if not found:
            self._allowance -= len(text) - start
            self._data(start, start + 1)
            return start + 1
        holds_blank = INNER_BLANK.search(text, start, found.start()) is not None
        self._empty(start, found.end(), is_block=holds_blank or not self._closes_inline(found.end()))
        return found.end()

    def _closes_inline(self, position: int) -> bool:
        """Whether an inline tag that is open here is closed later in the same paragraph."""
        if not self._inline or self._allowance <= 0:
            return False
        blank = INNER_BLANK.search(self._source.text, position)
        end = blank.start() if blank else len(self._source.text)
        self._allowance -= end - position + len(self._inline)
        names = "|".join(re.escape(name) for name in set(self._inline))
        return re.compile(rf"</\s*(?:{names})\s*>", re.IGNORECASE).search(self._source.text, position, end) is not None

    def _declaration(self, start: int) -> int:
        text = self._source.text
        if not (self._at_line_start(start) or self._in_tail or self._open):
            self._data(start, start + 2)
            return start + 2
        is_data = text.startswith("<![CDATA[", start)
        mark = "]]>" if is_data else ">"
        close = text.find(mark, start + 2)
        if close == -1:
            self._data(start, start + 1)
            return start + 1
        end = close + len(mark)
        self._empty(start, end, is_block=is_data or text[start + 2 : start + 9].lower() == "doctype")
        return end

    def _instruction(self, start: int) -> int:
        close = self._source.text.find("?>", start + 2)
        if close == -1 or not (self._at_line_start(start) or self._in_tail or self._open):
            self._data(start, start + 2)
            return start + 2
        self._empty(start, close + 2, is_block=True)
        return close + 2
