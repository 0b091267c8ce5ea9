"""From the renderer's tree and the record of a page to the page: what its readers see, in the order of the text."""

from __future__ import annotations

import dataclasses
import html
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from xml.etree.ElementTree import Element

from markdown.util import AMP_SUBSTITUTE

from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Fence, Heading, Link, Page, Problem, Span
from dagster_playbook.markdown.recorder.html import hide_fences, note_tag, value_places
from dagster_playbook.markdown.recorder.html_code import html_code, note_code
from dagster_playbook.markdown.recorder.inline import FoundHtml, FoundLink
from dagster_playbook.markdown.recorder.marks import unmarked
from dagster_playbook.markdown.recorder.record import Record
from dagster_playbook.markdown.recorder.text import plain, shown_text
from dagster_playbook.markdown.source import Comment, Place

_END_TAG = re.compile(r"</([A-Za-z]+)")
_CLOSING = re.compile(r"[ ]*(?<!\\)#*[ ]*\Z")


class _Tag(HTMLParser):
    """The name and attributes of one start tag."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tag = ""
        self.attrs: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tag, self.attrs = tag, attrs


@dataclass(slots=True)
class Collector:
    """What was found, part by part.

    Attributes:
        code_blocks: first and last row of each code block.
        quiet_rows: rows in indented code and in comments, where a broken fence is none for readers.
    """

    md: Any
    root: Element
    record: Record
    code_blocks: dict[int, int] = dataclasses.field(default_factory=dict)
    quiet_rows: set[int] = dataclasses.field(default_factory=set)

    def write(self, page: Page) -> None:
        """Put everything into the page."""
        alive = {id(element): element for element in self.root.iter()}
        self._raw_html()
        self._spans(alive)
        self._links(alive)
        headings = self._headings(alive)
        fences = self._fences()
        for place, code in html_code(self.record.code_tags, self.record.source):
            if isinstance(code, Fence):
                fences.append((place, code))
            else:
                self.record.spans.append((place, code))
        fences.sort(key=lambda item: item[0])
        _sections(page, headings, fences)
        record = self.record
        page.spans = [span for _, span in sorted(record.spans, key=lambda item: item[0])]
        page.links = [link for _, link in sorted(record.links, key=lambda item: item[0])]
        page.anchors = [name for _, name in sorted(record.anchors)] + self._ids()
        for comment in record.comments:
            self.quiet_rows.update(range(comment.start[0], comment.end[0] + 1))

    def _ids(self) -> list[str]:
        """Anchors that attribute lists and the extensions set, beside those of headings."""
        headings = {id(element) for element, _ in self.md.blocks.headings}
        known = {name for _, name in self.record.anchors}
        names = [element.get("id") for element in self.root.iter() if id(element) not in headings]
        return [plain(self.md, name) for name in names if name and name not in known]

    def broken_fences(self) -> list[Problem]:
        """Fences that readers see as text; one inside indented code or a comment is meant to be text."""
        record = self.record
        found = [problem for row, problem in record.suspects if row not in self.quiet_rows]
        for number in sorted(record.reverted):
            (row, column), fence = record.fences[number]
            if self._touches_code(number):
                continue
            place = record.source.location(row, column, row, len(record.source.rows[row].text))
            message = "this fence is shown as text: no blank line parts it from the indented code above"
            marks = re.match(r"`+|~+", record.source.rows[row].text[column:])
            found.append(Problem("PB002", message, place, marks.group() if marks else fence.info))
        return found

    def _touches_code(self, number: int) -> bool:
        return self.record.fence_rows[number][0] in self.quiet_rows

    def _fences(self) -> list[tuple[Place, Fence]]:
        record = self.record
        for number in record.reverted:
            record.hidden.add(number)
        found = [fence for number, fence in enumerate(record.fences) if number not in record.hidden]
        for number, rows in enumerate(record.fence_rows):
            if number not in record.hidden:
                self.code_blocks[rows[0]] = rows[1]
        for place, fence, rows in self.md.blocks.indented_code():
            found.append((place, fence))
            self.code_blocks[rows[0]] = rows[1]
            self.quiet_rows.update(self._rows_of(fence, rows))
        return sorted(found, key=lambda item: item[0])

    def _rows_of(self, fence: Fence, rows: tuple[int, int]) -> range:
        return range(rows[0], rows[1] + 1)

    def _spans(self, alive: dict[int, Element]) -> None:
        for found in self.md.inline.spans:
            if id(found.element) in alive and "\x02" not in found.text:
                place = self.record.source.location(*found.start, *found.end)
                self.record.spans.append((found.start, Span(found.text, place, found.language)))

    def _links(self, alive: dict[int, Element]) -> None:
        for found in self.md.inline.links:
            if id(found.element) not in alive:
                continue
            is_image = found.element.tag == "img"
            value = found.element.get("src" if is_image else "href") or ""
            target = self._target(found, value)
            text = found.element.get("alt") or "" if is_image else shown_text(self.md, found.element)
            start, place = self._link_place(found, target)
            self.record.links.append((start, Link(target, plain(self.md, text), is_image, place)))

    def _target(self, found: FoundLink, value: str) -> str:
        target = unmarked(value)
        if found.kind in ("automail", "magic-mail"):
            target = html.unescape(target.replace(AMP_SUBSTITUTE, "&"))
        return plain(self.md, target) if "\x02" in target else target

    def _link_place(self, found: FoundLink, target: str) -> tuple[Place, Location]:
        source = self.record.source
        if found.target_at is None:
            return found.start, source.location(*found.start, *found.stop)
        row, column = found.target_at
        written = target.removeprefix("mailto:") if found.kind == "automail" else target
        end = _end_of(source.rows[row].text, column, written)
        return found.target_at, source.location(row, column, row, end)

    def _headings(self, alive: dict[int, Element]) -> list[tuple[Place, Heading]]:
        found = []
        for element, (row, column) in self.md.blocks.headings:
            if id(element) not in alive:
                continue
            text = self.record.source.rows[row].text if row >= 0 else ""
            end = column + len(_CLOSING.sub("", text[column:]))
            place = self.record.source.location(max(row, 0), column, max(row, 0), end)
            anchor = plain(self.md, element.get("id") or "")
            shown = self.md.heading_texts.get(id(element), "")
            found.append(((row, column), Heading(int(element.tag[1]), shown, anchor, place)))
        return sorted(found, key=lambda item: item[0])

    def _raw_html(self) -> None:
        """Take in the links, anchors and comments of raw HTML within texts."""
        for found in self.md.inline.html:
            text = plain(self.md, unmarked(found.text))
            if text.startswith("<!--"):
                self._comment(found)
            elif text[1:2].isalpha():
                self._tag(text, found.start)
            elif closing := _END_TAG.match(text):
                note_code(self.record.code_tags, closing[1].lower(), None, found.start, self._tag_end(found.start))

    def _comment(self, found: FoundHtml) -> None:
        row, column = found.start
        rows = self.record.source.rows
        hide_fences(self.record, found.text)
        end, start = row, column + 4
        while end < len(rows):
            close = rows[end].text.find("-->", start)
            if close >= 0:
                break
            end, start = end + 1, 0
        else:
            end, close = row, column + 4
        if end == row:
            text = rows[row].text[column + 4 : close]
        else:
            middle = [known.text for known in rows[row + 1 : end]]
            text = "\n".join([rows[row].text[column + 4 :], *middle, rows[end].text[:close]])
        self.record.comments.append(Comment(text, found.start, (end, close + 3)))

    def _tag(self, text: str, start: Place) -> None:
        parser = _Tag()
        parser.feed(text)
        row, column = start
        places = {
            name: ((row, column + first), (row, column + last))
            for name, (first, last) in value_places(text, [name for name, _ in parser.attrs]).items()
        }
        if parser.tag:
            note_tag(self.record, parser.tag, parser.attrs, places)
            note_code(self.record.code_tags, parser.tag, parser.attrs, start, self._tag_end(start))

    def _tag_end(self, start: Place) -> Place:
        """The place behind a tag; one that goes on over the end of its line ends there for us."""
        row, column = start
        text = self.record.source.rows[row].text
        end = text.find(">", column)
        return row, end + 1 if end >= 0 else len(text)


def _sections(page: Page, headings: list[tuple[Place, Heading]], fences: list[tuple[Place, Fence]]) -> None:
    """Write the headings and the fences, each of these with the headings that it stands under."""
    page.headings = [heading for _, heading in headings]
    above = iter([*headings, None])
    following = next(above)
    section: list[tuple[int, str]] = []
    for place, fence in fences:
        while following is not None and following[0] <= place:
            heading = following[1]
            section = [item for item in section if item[0] < heading.level] + [(heading.level, heading.text)]
            following = next(above)
        page.fences.append(dataclasses.replace(fence, section=tuple(text for _, text in section)))


def _end_of(text: str, start: int, target: str) -> int:
    """Where a target ends that begins at `start`; backslashes and backticks in it are not part of what it says."""
    at = start
    for character in target:
        while text[at : at + 1] in ("\\", "`") and text[at] != character:
            at += 1
        if text[at : at + 1] != character:
            break
        at += 1
    else:
        return at + (text[at : at + 1] == "`")
    return start + len(target)
