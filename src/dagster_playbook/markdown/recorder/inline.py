"""The renderer's inline patterns, recorded: code spans, links and raw HTML, each led back to its place by a mark."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

from markdown.inlinepatterns import BacktickInlineProcessor, InlineProcessor
from markdown.treeprocessors import InlineProcessor as InlineStage
from markdown.util import INLINE_PLACEHOLDER_RE

from dagster_playbook.markdown.recorder.marks import MARK, number_of, place_before, unmarked
from dagster_playbook.markdown.recorder.record import Record, TooMuchWorkError
from dagster_playbook.markdown.source import Place

_PIECE = re.compile(f"{MARK.pattern}|{INLINE_PLACEHOLDER_RE.pattern}")
_LANGUAGE = re.compile(r"(?::{3,}|#!)([\w#.+-]*)\s+")
_TRAILING = re.compile(rf"(?:\s|{MARK.pattern})++\Z")
_AUTOMATIC = ("autolink", "automail")
#: what a text must hold for a pattern of the renderer's own to match at all
_TRIGGERS = {
    "backtick": "`",
    "escape": "\\",
    **dict.fromkeys(("reference", "link", "short_reference"), "["),
    **dict.fromkeys(("image_link", "image_reference", "short_image_ref"), "!["),
    **dict.fromkeys(("autolink", "automail", "html"), "<"),
    "linebreak": "  \n",
    "entity": "&",
}
_DRAWN = frozenset({"emojione", "twemoji", "gemoji"})


def _any_language(_language: str) -> bool:
    return True


def _code_element(**_options: Any) -> Element:
    return Element("code")


class FoundSpan:
    """A code span as the pattern met it: its element, and the places of its text."""

    __slots__ = ("element", "end", "language", "start", "text")

    def __init__(self, element: Element, text: str, language: str, start: Place, end: Place) -> None:
        self.element, self.text, self.language, self.start, self.end = element, text, language, start, end


class FoundLink:
    """A link or image as the pattern met it: `target_at` is the start of the target, None for a reference."""

    __slots__ = ("element", "kind", "start", "stop", "target_at")

    def __init__(self, element: Element, kind: str, start: Place, stop: Place, target_at: Place | None) -> None:
        self.element, self.kind, self.start, self.stop, self.target_at = element, kind, start, stop, target_at


class FoundHtml:
    """A piece of raw HTML within a text."""

    __slots__ = ("start", "text")

    def __init__(self, text: str, start: Place) -> None:
        self.text, self.start = text, start


class RecordingInline(InlineStage):  # type: ignore[misc]
    """The inline stage; `record` is the page that is being read."""

    def __init__(self, md: Any) -> None:
        super().__init__(md)
        self.record: Record
        self.spans: list[FoundSpan] = []
        self.links: list[FoundLink] = []
        self.html: list[FoundHtml] = []
        self._triggers: dict[int, str] = {}
        for name in list(md.inlinePatterns._data):
            pattern = md.inlinePatterns[name]
            if type(pattern).__module__ in ("markdown.inlinepatterns", "pymdownx.inlinehilite") and name in _TRIGGERS:
                self._triggers[id(pattern)] = _TRIGGERS[name]
            if isinstance(pattern, InlineProcessor):
                pattern.handleMatch = self._watched(name, pattern, pattern.handleMatch)

    def open(self, record: Record) -> None:
        """Begin a page."""
        self.record = record
        self.spans, self.links, self.html = [], [], []
        self._sizes: dict[str, int] = {}
        self._size_of_node: dict[int, int] = {}
        self._last_size = 0
        self._data = ""

    def run(self, tree: Element, ancestors: list[str] | None = None) -> Element:
        """Apply the patterns to a tree."""
        try:
            applied: Element = super().run(tree, ancestors)
        except TooMuchWorkError as error:
            if found := MARK.search(self._data):
                error.row = self.record.marks[number_of(found.group())][0]
            raise
        return applied

    # the two methods below stand under the names that Python gives the renderer's private ones

    def _InlineProcessor__applyPattern(self, pattern: Any, data: str, index: int, start: int = 0) -> Any:  # noqa: N802
        trigger = self._triggers.get(id(pattern))
        if trigger and trigger not in data:
            return data, False, 0
        self._data = data
        self.record.budget.spend(len(data) // 512)
        return super()._InlineProcessor__applyPattern(pattern, data, index, start)

    def _InlineProcessor__stashNode(self, node: Any, kind: str) -> str:  # noqa: N802
        placeholder: str = super()._InlineProcessor__stashNode(node, kind)
        size = self._last_size if isinstance(node, str) else self._size_of_node.pop(id(node), 0)
        self._sizes[placeholder] = size
        return placeholder

    def _watched(self, name: str, pattern: Any, handle: Callable[..., Any]) -> Callable[..., Any]:
        """The pattern's own work, and a note of what it found."""
        if isinstance(pattern, BacktickInlineProcessor) or hasattr(pattern, "find_code_spans"):
            find = pattern.find_code_spans

            def remembering(start: int, text: str) -> Any:
                begin, end = pattern.last_found = find(start, text)
                self.record.budget.spend((len(text) if end is None else end) - start)
                return begin, end

            pattern.find_code_spans = remembering
        for method in ("getText", "getLink"):
            if hasattr(pattern, method):
                setattr(pattern, method, self._counted(getattr(pattern, method)))
        if hasattr(pattern, "formatters"):
            # no highlighter: it takes long, and what it makes is thrown away
            pattern.formatters = [{"name": "*", "test": _any_language, "formatter": _code_element}]

        def watched(match: re.Match[str], data: str) -> Any:
            node, start, end = handle(match, data)
            if node is None or start is None or end is None:
                return node, start, end
            size = self._length(data, start, end)
            if isinstance(node, str):
                self._last_size = size
                if name == "html":
                    self.html.append(FoundHtml(match.group(1), self._place(data, start)))
            else:
                self._size_of_node[id(node)] = size
                self._note(name, pattern, node, data, (start, end))
            return node, start, end

        return watched

    def _counted(self, scan: Callable[..., Any]) -> Callable[..., Any]:
        """A method that reads on from an index, and says as its last but one result how far: that many looks."""

        def counted(data: str, index: int) -> Any:
            found = scan(data, index)
            self.record.budget.spend(found[-2] - index)
            return found

        return counted

    def _note(self, name: str, pattern: Any, node: Element, data: str, stretch: tuple[int, int]) -> None:
        start, end = stretch
        if node.tag == "code" and name == "backtick":
            self._note_span(pattern, node, data)
        elif node.tag in ("a", "img") and not _DRAWN & set((node.get("class") or "").split()):
            target_at = None
            if name in _AUTOMATIC:
                target_at = self._place(data, start + 1)
            elif name in ("link", "image_link"):
                found = MARK.match(node.get("src" if node.tag == "img" else "href") or "")
                target_at = self.record.marks[number_of(found.group())] if found else None
            self.links.append(FoundLink(node, name, self._place(data, start), self._place(data, end), target_at))

    def _note_span(self, pattern: Any, node: Element, data: str) -> None:
        start, end = pattern.last_found
        code, language = data[start:end], ""
        if not isinstance(pattern, BacktickInlineProcessor) and (found := _LANGUAGE.match(code)):
            language = found.group(1)
            start += found.end(1)
            code = data[start:end]
        plain = unmarked(code)
        text = plain.strip()
        first = self._place(data, start + len(code) - len(code.lstrip()))
        trailing = plain[len(plain.rstrip()) :]
        if not text:
            last = first
        elif "\n" in trailing:
            last = self._place(data, start + len(_TRAILING.sub("", code)))
        else:
            row, column = self._place(data, end)
            last = (row, column - len(trailing))
        # a mark in front of the closing backticks keeps the renderer from stripping the blanks before it
        node.text = self.md.htmlStash.store(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
        self.spans.append(FoundSpan(node, text, language, first, last))

    def _length(self, data: str, start: int, end: int) -> int:
        """How many characters of the page a stretch stands for."""
        size = end - start
        piece = data[start:end]
        if piece.isascii() and "\x02" not in piece:
            return size
        for found in _PIECE.finditer(piece):
            size += self._sizes.get(found.group(), 0) - len(found.group())
        return size

    def _place(self, data: str, offset: int) -> Place:
        """Where an offset stands: counted from the last mark before it, or back from the first one behind it."""
        known = place_before(self.record.marks, data, offset)
        if known:
            (row, column), behind = known
            return self._forward(data[behind:offset], data[offset:], row, column, self._length(data, behind, offset))
        found = MARK.search(data, offset)
        if not found:
            return self._by_text(data, offset)
        row, column = self.record.marks[number_of(found.group())]
        lines = data.count("\n", offset, found.start())
        if lines == 0:
            return row, max(column - self._length(data, offset, found.start()), 0)
        return self._in_row(max(row - lines, 0), data[offset:])

    def _forward(self, between: str, following: str, row: int, column: int, size: int) -> Place:
        lines = between.count("\n")
        if lines == 0:
            return row, column + size
        row = min(row + lines, len(self.record.source.rows) - 1)
        tail = between[between.rfind("\n") + 1 :]
        if not tail.strip():
            return self._in_row(row, following)
        shown = tail.lstrip(" ")
        return row, self._in_row(row, shown)[1] + self._length(shown, 0, len(shown))

    def _in_row(self, row: int, text: str) -> Place:
        """The first characters of a text, found in a row that they stand in."""
        head = re.split("[\n\x02]", unmarked(text.lstrip(" ")[:60]), maxsplit=1)[0]
        return row, max(self.record.source.rows[row].text.find(head), 0)

    def _by_text(self, data: str, offset: int) -> Place:
        """Where an offset in a text without any mark stands: its lines are looked for among the rows."""
        heads = [line.partition("\x02")[0].strip() for line in data.split("\n")]
        rows = self.record.source.rows
        index = data.count("\n", 0, offset)
        for row in range(len(rows) - len(heads) + 1):
            if all(head in rows[row + k].text for k, head in enumerate(heads)):
                shown = data[data.rfind("\n", 0, offset) + 1 : offset].lstrip(" ")
                begin = max(rows[row + index].text.find(heads[index]), 0)
                return row + index, begin + self._length(shown, 0, len(shown))
        return 0, 0
