"""The renderer's HTML stage, recorded: which tags and comments it takes for raw HTML, and marks in all other text."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import Any

from markdown.extensions.md_in_html import HTMLExtractorExtra
from markdown.htmlparser import HTMLExtractor
from markdown.preprocessors import HtmlBlockPreprocessor
from markdown.util import HTML_PLACEHOLDER_RE

from dagster_playbook.markdown.model import Link
from dagster_playbook.markdown.recorder.html_code import note_code
from dagster_playbook.markdown.recorder.marks import find_points, make_mark
from dagster_playbook.markdown.recorder.record import Record, TooMuchWorkError
from dagster_playbook.markdown.recorder.rows import follow_rows
from dagster_playbook.markdown.source import Comment, Place

_TARGETS = {"a": "href", "img": "src", "iframe": "src", "video": "src", "audio": "src", "source": "src"}
_VALUE = r"""(?<=[\s'"/]){}\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))"""


class MarkedText:
    """A text in lines, each with its row, and the offsets in it where marks belong."""

    def __init__(self, record: Record, lines: list[str]) -> None:
        self.record = record
        self.text = "\n".join(lines)
        self.rows = record.rows if len(record.rows) == len(lines) else follow_rows(record, lines)
        self.starts = [0]
        for line in lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.starts.pop()
        self.points = find_points(self.text)

    def row(self, offset: int) -> int:
        """The row of an offset."""
        return self.rows[bisect_right(self.starts, offset) - 1]

    def place(self, offset: int) -> Place:
        """Row and column of an offset."""
        index = bisect_right(self.starts, offset) - 1
        return self.rows[index], offset - self.starts[index]

    def marked(self, start: int, end: int) -> str:
        """A stretch of the text with its marks; one at the end belongs to what follows, unless a line ends there."""
        first, last = bisect_left(self.points, start), bisect_left(self.points, end)
        if first == last:
            return self.text[start:end]
        pieces, marks = [], self.record.marks
        for point in self.points[first:last]:
            pieces += [self.text[start:point], make_mark(len(marks))]
            marks.append(self.place(point))
            start = point
        pieces.append(self.text[start:end])
        return "".join(pieces)


class _Clean(list[str]):
    """The text that is left: pieces that are written so in the source get their marks, the rest is made up."""

    def __init__(self, parser: Any) -> None:
        super().__init__()
        self.parser = parser
        self.rows = [0]

    def append(self, piece: str) -> None:
        """Add a piece, and take note of the rows that its lines stand in."""
        parser = self.parser
        is_text = piece is parser.marked
        shown = parser.marked_piece(piece)
        super().append(shown)
        source, start = parser.source, parser.offset_now()
        at = bisect_right(source.starts, start) - 1
        is_text = is_text or shown is parser.marked
        for line in range(1, shown.count("\n") + 1):
            self.rows.append(source.rows[min(at + line, len(source.rows) - 1) if is_text else at])


class RecordingTags:
    """Mixed into the renderer's extractors of raw HTML; `source` is the text, set before it is fed."""

    source: MarkedText
    marked: str
    _is_text: bool

    def reset(self) -> None:
        """Begin anew."""
        super().reset()  # type: ignore[misc]
        self.cleandoc = _Clean(self)
        self._is_text = False
        self.marked = ""

    def offset_now(self) -> int:
        """Where in the source the parser stands."""
        lineno, offset = self.getpos()  # type: ignore[attr-defined]
        starts = self.source.starts
        return int(starts[min(lineno, len(starts)) - 1] + offset)

    def marked_piece(self, piece: str) -> str:
        """The piece with marks when it stands so in the source, else as it is."""
        if piece is self.marked:
            return piece
        start = self.offset_now()
        if not piece or not self.source.text.startswith(piece, start):
            return piece
        self._is_text = True
        self.marked = self.source.marked(start, start + len(piece))
        return self.marked

    def handle_data(self, data: str) -> None:
        """Text that is no tag."""
        super().handle_data(data if self.inraw else self.marked_piece(data))  # type: ignore[misc,attr-defined]

    def parse_starttag(self, i: int) -> int:
        """A tag that never ends is looked for to the end of the text."""
        end = int(super().parse_starttag(i))  # type: ignore[misc]
        rest = len(self.rawdata) - i  # type: ignore[attr-defined]
        self.source.record.budget.spend(rest // 2 if end <= i + 1 else rest // 64)
        return end

    def inline_close_follows(self, text: str) -> bool:
        """Whether a tag that is open here is closed later in the paragraph: all of them are looked for."""
        rest = len(self.source.text) - self.offset_now()
        self.source.record.budget.spend(len(self.inline_stack) * rest // 8)  # type: ignore[attr-defined]
        return bool(super().inline_close_follows(text))  # type: ignore[misc]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag: part of the text, or of raw HTML."""
        self._is_text = False
        super().handle_starttag(tag, attrs)  # type: ignore[misc]
        if not self._is_text:
            self._note_tag(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag that closes itself."""
        self._is_text = False
        super().handle_startendtag(tag, attrs)  # type: ignore[misc]
        if not self._is_text:
            self._note_tag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """The end of an element."""
        self._is_text = False
        start = self.offset_now()
        super().handle_endtag(tag)  # type: ignore[misc]
        if not self._is_text:
            text = self.get_endtag_text(tag)  # type: ignore[attr-defined]
            places = self.source.place(start), self.source.place(start + len(text))
            note_code(self.source.record.code_tags, tag, None, *places)

    def handle_comment(self, data: str) -> None:
        """A comment; the fences in it are seen by nobody."""
        self._is_text = False
        super().handle_comment(data)  # type: ignore[misc]
        if self._is_text:
            return
        record, start = self.source.record, self.offset_now()
        end = self.source.text.find("-->", start + 4)
        end = end + 3 if end >= 0 else start + len(data) + 7
        record.comments.append(Comment(data, self.source.place(start), self.source.place(end)))
        hide_fences(record, data)

    def _note_tag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        text = self.get_starttag_text()  # type: ignore[attr-defined]
        start = self.offset_now()
        places = {
            key: (self.source.place(start + first), self.source.place(start + last))
            for key, (first, last) in value_places(text, [name for name, _ in attrs]).items()
        }
        note_tag(self.source.record, tag, attrs, places)
        note_code(
            self.source.record.code_tags, tag, attrs, self.source.place(start), self.source.place(start + len(text))
        )


class RecordingExtractor(RecordingTags, HTMLExtractor):  # type: ignore[misc]
    """Raw HTML alone."""


class RecordingExtractorExtra(RecordingTags, HTMLExtractorExtra):  # type: ignore[misc]
    """Raw HTML, and elements that hold Markdown."""


class RecordingHtml(HtmlBlockPreprocessor):  # type: ignore[misc]
    """The stage itself; `extractor` is the kind that the extensions ask for."""

    record: Record
    extractor: type[RecordingExtractor] | type[RecordingExtractorExtra]

    def run(self, lines: list[str]) -> list[str]:
        """The lines with placeholders for raw HTML, and marks."""
        source = MarkedText(self.record, lines)
        if "<" not in source.text and "&" not in source.text:
            self.record.rows = source.rows
            return source.marked(0, len(source.text)).split("\n")
        parser = self.extractor(self.md)
        parser.source = source
        try:
            parser.feed(source.text)
            parser.close()
        except TooMuchWorkError as error:
            error.row = source.row(parser.offset_now())
            raise
        self.record.rows = parser.cleandoc.rows
        return "".join(parser.cleandoc).split("\n")


def hide_fences(record: Record, text: str) -> None:
    """Take note that the fences in a text are seen by nobody."""
    for found in HTML_PLACEHOLDER_RE.finditer(text):
        number = record.stashed.get(int(found.group(1)))
        if number is not None:
            record.hidden.add(number)


def value_places(text: str, names: list[str]) -> dict[str, tuple[int, int]]:
    """Start and end of the value of each attribute in the text of a tag."""
    places = {}
    for name in names:
        if name not in ("href", "src", "id", "name"):
            continue
        found = re.search(_VALUE.format(re.escape(name)), text, re.IGNORECASE)
        places[name] = found.span(found.lastindex or 0) if found else (0, len(text))
    return places


def note_tag(
    record: Record, tag: str, attrs: list[tuple[str, str | None]], places: dict[str, tuple[Place, Place]]
) -> None:
    """Write down what a tag links to, and the anchors that it sets."""
    values = {key: value for key, value in reversed(attrs) if value}
    key = _TARGETS.get(tag)
    if key and key in values:
        start, end = places[key]
        text = values.get("alt", "") if tag == "img" else ""
        place = record.source.location(*start, *end)
        record.links.append((start, Link(values[key].strip(), text, tag != "a", place)))
    for key in ("id", "name") if tag == "a" else ("id",):
        if key in values:
            record.anchors.append((places[key][0], values[key]))
