"""Walk the tree of a page and write down what its readers see: fences, spans, headings, links."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from dagster_playbook.markdown.attributes import Pairs, match_at_end, match_inline
from dagster_playbook.markdown.fences import RawFence
from dagster_playbook.markdown.html_output import LocatedText
from dagster_playbook.markdown.inline import InlineParser
from dagster_playbook.markdown.inline_text import Inline
from dagster_playbook.markdown.model import Fence, Link, Span
from dagster_playbook.markdown.plain_text import element_bounds, plain_text
from dagster_playbook.markdown.raw_html import Comment, HtmlAnchor, HtmlLink, scan_html
from dagster_playbook.markdown.source import ETX, FILLER, STX, Line, Source
from dagster_playbook.markdown.tree import HEADING_TAGS, Node

_TOKEN = re.compile(f"{STX}([fh])([0-9]+){ETX}")
Key = tuple[int, int]
"""Row and column: where a thing stands in the whole text, includes and all."""


@dataclass(frozen=True, slots=True)
class FoundHeading:
    """A heading before its anchor is settled; `anchor` is what an attribute list gives it, or ""."""

    level: int
    text: str
    anchor: str
    start: Key
    end: Key


@dataclass(slots=True)
class Collector:
    """Everything found in a tree, each with its place.

    Attributes:
        quiet_rows: rows in indented code and in comments, where a broken fence is none for readers.
        code_blocks: first and last row of each code block.
        tree_ids: ids that the renderer knows of when it names the headings; `anchors` has those in raw HTML too.
    """

    source: Source
    raw_fences: list[RawFence]
    stash: dict[int, Node]
    inline: InlineParser
    fences: list[tuple[Key, Fence]] = field(default_factory=list)
    spans: list[tuple[Key, Span]] = field(default_factory=list)
    links: list[tuple[Key, Link]] = field(default_factory=list)
    headings: list[FoundHeading] = field(default_factory=list)
    anchors: list[tuple[Key, str]] = field(default_factory=list)
    tree_ids: set[str] = field(default_factory=set)
    comments: list[Comment] = field(default_factory=list)
    quiet_rows: set[int] = field(default_factory=set)
    code_blocks: list[tuple[int, int]] = field(default_factory=list)

    def collect(self, root: Node) -> None:
        """Take in everything at and below `root`."""
        waiting = [root]
        while waiting:
            node = waiting.pop()
            waiting += self._node(node)
            if node.tag != "hr":
                waiting += reversed(node.children)

    def _node(self, node: Node) -> list[Node]:
        if node.id:
            self.tree_ids.add(node.id)
            place = (node.text[0].row, node.text[0].column) if node.text else (0, 0)
            self.anchors.append((place, node.id))
        nested: list[Node] = []
        if node.tag == "pre" and node.mode == "raw":
            self._indented_code(node.text)
        elif node.mode == "raw":
            nested = self._raw(node.text)
        elif node.tag in HEADING_TAGS:
            self._heading(node)
        elif node.text:
            nested = self._text(node.text, elements=node.is_element)
        if node.tail:
            nested += self._text(node.tail)
        return nested

    def _indented_code(self, lines: list[Line]) -> None:
        while len(lines) > 1 and not lines[-1].text.strip():
            lines = lines[:-1]
        first, last = lines[0], lines[-1]
        self.quiet_rows.update(line.row for line in lines)
        self.code_blocks.append((first.row, last.row))
        place = self.source.location(first.row, first.column, last.row, last.column + len(last.text))
        origins = tuple(self.source.origin(line.row, line.column) for line in lines)
        body = "\n".join(line.text for line in lines)
        fence = Fence("", "", {"indented": ""}, body, place, origins)
        self.fences.append(((first.row, first.column), fence))

    def _fence(self, number: int) -> None:
        raw = self.raw_fences[number]
        first, last = raw.lines[0], raw.lines[-1]
        body = raw.body
        start = first.column + raw.indent
        place = self.source.location(first.row, start, last.row, last.column + len(last.text.rstrip()))
        origins = tuple(self.source.origin(line.row, line.column) for line in body)
        opening = raw.opening
        text = "\n".join(line.text for line in body)
        fence = Fence(opening.language, opening.info, opening.attributes, text, place, origins)
        self.fences.append(((first.row, start), fence))
        self.code_blocks.append((first.row, last.row))

    def _raw(self, lines: list[Line]) -> list[Node]:
        if not lines:
            return []
        located = LocatedText(lines)
        hidden = self._html(located, 0, len(located.text))
        return self._tokens(located.text, hidden, elements=False)

    def _tokens(self, text: str, hidden: list[tuple[int, int]], *, elements: bool) -> list[Node]:
        """Take in the fences and give back what else the tokens outside of comments stand for.

        An element with Markdown is parsed only as a block or within such an element; elsewhere it is raw HTML.
        """
        nested: list[Node] = []
        if STX not in text:
            return nested
        for found in _TOKEN.finditer(text):
            before = bisect_right(hidden, (found.start(), len(text)))
            if before and found.start() < hidden[before - 1][1]:
                continue
            number = int(found.group(2))
            if found.group(1) == "f":
                self._fence(number)
            elif number in self.stash:
                node = self.stash[number]
                nested.append(node if elements else Node("html", mode="raw", text=node.text))
        return nested

    def _html(self, located: LocatedText, start: int, end: int) -> list[tuple[int, int]]:
        """Take in links, anchors and comments of raw HTML; the stretches of its comments."""
        hidden = []
        for item in scan_html(located.text, start, end):
            first, last = located.place(item.start), located.place(item.end)
            if isinstance(item, HtmlLink):
                place = self.source.location(*first, *last)
                self.links.append((first, Link(item.target, item.text, item.is_image, place)))
            elif isinstance(item, HtmlAnchor):
                self.anchors.append((first, item.name))
            else:
                hidden.append((item.start, item.end))
                self.quiet_rows.update(range(first[0], last[0] + 1))
                self.comments.append(Comment(item.text, first, last))
        return hidden

    def _text(self, lines: list[Line], *, elements: bool = False) -> list[Node]:
        located = LocatedText(lines)
        found = self._inline(located)
        self._attribute_lists(found, located, len(located.text))
        hidden: list[tuple[int, int]] = []
        for start, end in found.html:
            hidden += self._html(located, start, end)
        return self._tokens(located.text, hidden, elements=elements)

    def _inline(self, located: LocatedText) -> Inline:
        found = self.inline.parse(located.text)
        for span in found.visible_spans():
            if STX in span.text:
                continue
            start, end = located.place(span.start), located.place(span.end)
            text = span.text.replace(FILLER, "")
            self.spans.append((start, Span(text, self.source.location(*start, *end), span.language)))
        for link in found.links:
            at = link.target_at if link.target_at[0] >= 0 else (link.begin, link.stop)
            start, end = located.place(at[0]), located.place(at[1])
            text = plain_text(found, *link.text)
            self.links.append((start, Link(link.target, text, link.is_image, self.source.location(*start, *end))))
        return found

    def _attribute_lists(self, found: Inline, located: LocatedText, limit: int) -> None:
        """Take off what stands in braces right behind a span or link, as far as `limit`."""
        if "{" not in located.text:
            return
        places = [(span.begin, span.stop) for span in found.spans]
        places = sorted(places + [(link.begin, link.stop) for link in found.links])
        starts = [begin for begin, _ in places]
        for _, stop in places:
            following = bisect_left(starts, stop)
            end = min(limit, starts[following]) if following < len(starts) else limit
            if matched := match_inline(located.text, stop, end):
                pairs, end, remainder = matched
                found.cuts.append((stop, end, remainder))
                self._name(pairs, located, stop)

    def _name(self, pairs: Pairs, located: LocatedText, offset: int) -> str:
        name = dict(pairs).get("id", "")
        if name:
            self.tree_ids.add(name)
            self.anchors.append((located.place(offset), name))
        return name

    def _heading(self, node: Node) -> None:
        located = LocatedText(node.text or [Line("", 0, 0)])
        found = self._inline(located)
        for start, end in found.html:
            self._html(located, start, end)
        for token in _TOKEN.finditer(located.text):
            if token.group(1) == "f":
                self._fence(int(token.group(2)))
                found.cuts.append((*token.span(), self.fences[-1][1].body))
        anchor, shown = self._heading_attributes(found, located)
        self._attribute_lists(found, located, shown)
        place = located.place(0), located.place(len(located.text))
        self.headings.append(FoundHeading(int(node.tag[1]), plain_text(found), anchor, *place))

    def _heading_attributes(self, found: Inline, located: LocatedText) -> tuple[str, int]:
        """Take an attribute list off: behind the last element in the heading, or else before the first one.

        Gives the anchor that it sets, and where the text that is shown ends.
        """
        first, last = element_bounds(found)
        length = len(located.text)
        start, end = (last, length) if last < length else (0, first)
        matched = match_at_end(located.text, start, end)
        if matched is None:
            return "", length
        pairs, at = matched
        shown = len(located.text[:at].rstrip("#").rstrip())
        found.cuts.append((max(shown, start), end, ""))
        return self._name(pairs, located, at), max(shown, start) if end == length else length
