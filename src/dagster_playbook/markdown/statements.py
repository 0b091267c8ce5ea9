"""What a page states outside of code: its sentences, the rows of its tables, its figures, each with its place."""

from __future__ import annotations

import enum
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Page
from dagster_playbook.markdown.tables import own_lines, tables_of


class Form(enum.StrEnum):
    """How something is stated."""

    SENTENCE = "sentence"
    ROW = "row"
    FIGURE = "figure"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; `text` is its Markdown without comments, on one line."""

    form: Form
    text: str
    location: Location


_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_CODE = re.compile(r"(`+)(?:(?!\1).)+?\1", re.DOTALL)
_IMAGE = re.compile(r"!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])(?:\{[^}]*\})?")
_ITEM = re.compile(r"(?P<indent>\s*)(?:[-*+]|\d+[.)])\s+(?:\[[ xX]\]\s+)?")
_NO_PROSE = re.compile(
    r"\s*(?:#{1,6}\s|[=-]{3,}\s*$|!!!|\?\?\?|===|\|?\s*:?-{3,}|--8<--|;--8<--|\[[^\]]+\]:\s|:::|</?\w|\{)"
)
_END = re.compile(r"[.!?:;](?:[\"')*_\]\u201d]+)?\s+(?=[\"'(*_\[\u201c]*[A-Z\x00])|[.!?](?=\s*\Z)")
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|cf|vs|Dr|No|approx)\.\s*\Z")
#: what a sentence that can be wrong speaks of: code, a number, or one of the systems
_STATES = re.compile(
    r"`|\d|\b(?:zero|two|three|four|five|six|seven|eight|nine|ten|once|twice|every|always|never|only|all|none|no|not|must"
    r"|cannot|Dagster|SQLMesh|Trino|Nessie|Iceberg|BigQuery|Postgre\w*|MkDocs|DuckDB|GitHub|pytest)\b",
)


def statements_of(page: Page) -> Iterator[Statement]:
    """The statements in the order of their kinds, each kind in reading order.

    A sentence without code, number, name of a system or word of certainty states nothing that could be checked.
    """
    lines = own_lines(page)
    for table in tables_of(page):
        for row in table.rows:
            if row:
                first, last = row[0].location, row[-1].location
                place = Location(page.path, first.line, first.column, last.line, last.end_column)
                yield Statement(Form.ROW, " | ".join(_COMMENT.sub("", cell.text).strip() for cell in row), place)
                lines[first.line - 1] = ""
        if table.header:
            lines[table.header[0].location.line - 1] = ""
    yield from _sentences(page.path, "\n".join(lines))
    for link in page.links:
        if link.is_image and link.location.path == page.path:
            yield Statement(Form.FIGURE, link.text or link.target, link.location)
    for fence in page.fences:
        if fence.language == "mermaid" and fence.location.path == page.path:
            yield Statement(Form.FIGURE, fence.body.split("\n")[0], fence.location)


def _sentences(path: str, text: str) -> Iterator[Statement]:
    shown = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    starts = [0]
    for line in shown.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    for begin, end in _paragraphs(shown):
        # a full stop in code ends no sentence
        masked = _CODE.sub(lambda match: "\0" * len(match.group()), shown[begin:end])
        at = 0
        for stop in [*_stops(masked), len(masked)]:
            piece = shown[begin + at : begin + stop]
            words = " ".join(piece.split())
            # an image by itself is a figure
            if _STATES.search(words) and len(_IMAGE.sub("", words).split()) > 2:
                first = begin + at + len(piece) - len(piece.lstrip())
                yield Statement(Form.SENTENCE, words, _place(path, first, begin + at + len(piece.rstrip()), starts))
            at = stop


def _stops(masked: str) -> Iterator[int]:
    for match in _END.finditer(masked):
        if not _ABBREVIATION.search(masked[: match.end()]):
            yield match.end()


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each paragraph and each list item."""
    begin, at = -1, 0
    for line in [*text.split("\n"), ""]:
        item = _ITEM.match(line)
        ends = not line.strip() or item or _NO_PROSE.match(line)
        if ends and begin >= 0:
            yield begin, at - 1
            begin = -1
        if line.strip() and begin < 0 and not _NO_PROSE.match(line):
            begin = at + (item.end() if item else len(line) - len(line.lstrip(" >")))
        at += len(line) + 1


def _place(path: str, start: int, end: int, starts: list[int]) -> Location:
    line, last = bisect_right(starts, start), bisect_right(starts, max(end - 1, start))
    return Location(path, line, start - starts[line - 1] + 1, last, end - starts[last - 1] + 1)
