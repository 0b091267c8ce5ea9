"""Where the pieces go that the HTML stage tells apart: the text, raw HTML, or an element that holds Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dagster_playbook.markdown.html_output import LocatedText, Output
from dagster_playbook.markdown.html_tags import BLOCK_TAGS, Tag
from dagster_playbook.markdown.source import ETX, STX, Line
from dagster_playbook.markdown.tree import Node

INNER_BLANK = re.compile(r"\n[ \t]*\n")
_REFERENCE = re.compile(r"&(?:[a-zA-Z][-.a-zA-Z0-9]*;|#(?:[0-9]+|[xX][0-9a-fA-F]+)(?:;|(?=[^0-9a-fA-F])))")
_BLANK_LINE = re.compile(r"(?:[ ]*\n){2}")


@dataclass(slots=True)
class _Element:
    """An open element whose content is Markdown (or, for state off, raw)."""

    node: Node
    state: str
    output: Output
    is_fresh: bool = True


@dataclass(slots=True)
class HtmlSink:
    """Takes stretches of a page's text in order.

    Attributes:
        stash: what each token stands for: raw HTML (tag `html`) or an element with Markdown.
    """

    stash: dict[int, Node] = field(default_factory=dict)
    _source: LocatedText = field(default_factory=lambda: LocatedText([]))
    _main: Output = field(default_factory=lambda: Output(LocatedText([])))
    _raw_tags: list[str] = field(default_factory=list)
    _cache: list[tuple[int, int]] = field(default_factory=list)
    _inline: list[str] = field(default_factory=list)
    _open: list[_Element] = field(default_factory=list)
    _in_raw: bool = False
    _in_tail: bool = False

    def _data(self, start: int, end: int) -> None:
        text = self._source.text
        if self._in_tail and not self._in_raw and not self._open:
            start = self._drop_references(start, end)
        if self._in_tail and text.find("\n", start, end) >= 0:
            self._in_tail = False
        if self._in_raw:
            self._cache.append((start, end))
        elif self._open:
            self._open[-1].is_fresh = False
            self._open[-1].output.add(start, end)
        else:
            if self._inline and INNER_BLANK.search(text, start, end):
                self._inline = []
            self._main.add(start, end)

    def _drop_references(self, start: int, end: int) -> int:
        """Entities behind an HTML block, on its last line, are not shown where they stand."""
        text = self._source.text
        stop = text.find("\n", start, end)
        for found in _REFERENCE.finditer(text, start, end if stop < 0 else stop):
            self._main.add(start, found.start())
            start = found.end()
        return start

    def _at_line_start(self, offset: int) -> bool:
        start = self._source.line_start(offset)
        return offset - start <= 3 and not self._source.text[start:offset].strip()

    def _raw_start(self, tag: Tag, start: int, at_start: bool) -> None:
        if tag.name in BLOCK_TAGS and (self._in_tail or (at_start and not self._in_raw)):
            self._in_raw = True
            self._put("\n", start)
        if self._in_raw:
            self._raw_tags.append(tag.name)
            self._cache.append((start, tag.end))
        else:
            self._main.add(start, tag.end)

    def _element_start(self, tag: Tag, state: str) -> None:
        if any(item.node.tag == "p" for item in self._open):
            self._close_element("p", tag.end)
        node = Node(tag.name, tag.attributes.get("class", ""), tag.attributes.get("id", ""), is_element=True)
        node.mode = {"block": "blocks", "span": "inline"}.get(state, "raw")
        self._open.append(_Element(node, state, Output(self._source)))

    def _raw_end(self, tag: Tag, start: int) -> None:
        self._cache.append((start, tag.end))
        if tag.name in self._raw_tags:
            while self._raw_tags.pop() != tag.name:
                pass
        if self._raw_tags:
            return
        self._in_raw = False
        self._in_tail = not _BLANK_LINE.match(self._source.text, tag.end)
        self._put(self._stash_cache(), start)
        self._put("\n\n", start)

    def _close_element(self, name: str, end: int) -> None:
        """Close the innermost element of that name and all that are open in it."""
        while self._open:
            item = self._open.pop()
            item.node.text = item.output.lines()
            token = self._token(item.node)
            if not self._open:
                self._put_block(token, end)
                self._in_tail = not _BLANK_LINE.match(self._source.text, end)
            else:
                outer = self._open[-1].output
                while not outer.ends_with("\n\n"):
                    outer.put("\n", end - 1)
                outer.put(f"{token}\n", end - 1)
            if item.node.tag == name:
                return

    def _put_block(self, token: str, end: int) -> None:
        if self._main.last.endswith("\n") and not self._main.last.endswith("\n\n"):
            self._main.put("\n", end - 1)
        self._main.put(f"{token}\n\n", end - 1)

    def _empty(self, start: int, end: int, *, is_block: bool) -> None:
        """A piece without content: an empty tag, a comment, a declaration."""
        at_start = self._at_line_start(start)
        if self._in_raw or (self._in_tail and not self._open):
            self._cache.append((start, end))
        elif self._open and at_start and is_block:
            self._open[-1].is_fresh = False
            self._open[-1].output.put(f"\n{self._raw(start, end)}\n\n", start)
        elif not self._open and at_start and is_block:
            self._in_tail = not _BLANK_LINE.match(self._source.text, end)
            self._put_block(self._raw(start, end), end)
        else:
            self._data(start, end)

    def _finish(self) -> None:
        end = len(self._source.text)
        if self._cache:
            token = self._stash_cache()
            self._main.put(token, end)
        if self._open:
            self._close_element(self._open[0].node.tag, end)

    def _put(self, text: str, offset: int) -> None:
        if self._open:
            self._open[-1].output.put(text, offset)
        else:
            self._main.put(text, offset)

    def _stash_cache(self) -> str:
        lines: list[Line] = []
        for start, end in self._cache:
            lines += self._source.cut(start, end)
        self._cache = []
        return self._token(Node("html", mode="raw", text=lines))

    def _raw(self, start: int, end: int) -> str:
        return self._token(Node("html", mode="raw", text=self._source.cut(start, end)))

    def _token(self, node: Node) -> str:
        number = len(self.stash)
        self.stash[number] = node
        return f"{STX}h{number}{ETX}"
