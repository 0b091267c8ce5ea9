"""Read a Markdown page as its readers see it: the one entry to this package."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from dagster_playbook.location import Location
from dagster_playbook.markdown.code_spans import CodeSpan
from dagster_playbook.markdown.fences import TOKEN_LINE, FenceFinder, RawFence
from dagster_playbook.markdown.front_matter import split_front_matter
from dagster_playbook.markdown.includes import Includer, UnreadableError, read_text
from dagster_playbook.markdown.inline import InlineParser
from dagster_playbook.markdown.model import Fence, Page, Problem, Span
from dagster_playbook.markdown.source import Line, Source

MAX_BYTES = 8 * 1024 * 1024


def read_page(root: Path, path: str, *, include_roots: tuple[str, ...] = (".",), max_bytes: int = MAX_BYTES) -> Page:
    """Read one page.

    Never raises for what stands in a file: what cannot be read is a Problem of the page.
    """
    page = Page(path=PurePosixPath(path).as_posix())
    try:
        text = read_text(root / path, max_bytes, "utf-8-sig")
    except UnreadableError as error:
        page.files = (page.path,)
        page.problems.append(Problem("PB003", f"page {error}", Location(page.path), page.path))
        return page
    lines = text.split("\n")
    front = split_front_matter(lines, page.path)
    page.front_matter, page.front_matter_lines = front.values, front.line_count
    if front.problem:
        page.problems.append(front.problem)
    includer = Includer(root, include_roots, max_bytes)
    includer.expand(lines[front.line_count :], page.path, front.line_count + 1)
    page.files = tuple(includer.files)
    page.problems += includer.problems
    finder = FenceFinder(includer.source)
    kept = finder.cut(includer.source.lines())
    page.fences = [_fence(includer.source, raw) for raw in finder.fences]
    page.problems += [problem for _, problem in finder.suspects]
    _paragraphs(kept, includer.source, page)
    return page


def _paragraphs(lines: list[Line], source: Source, page: Page) -> None:
    block: list[Line] = []
    for line in [*lines, Line("", 0, 0)]:
        if line.text.strip() and not TOKEN_LINE.match(line.text):
            block.append(line)
        elif block:
            text = "\n".join(item.text for item in block)
            for span in InlineParser().parse(text).visible_spans():
                page.spans.append(_span(source, block, text, span))
            block = []


def _span(source: Source, block: list[Line], text: str, span: CodeSpan) -> Span:
    ends = []
    for offset in (span.start, span.end):
        before = text.count("\n", 0, offset)
        ends += [block[before].row, block[before].column + offset - text.rfind("\n", 0, offset) - 1]
    return Span(span.text, source.location(*ends), span.language)


def _fence(source: Source, raw: RawFence) -> Fence:
    opening, first, last = raw.opening, raw.lines[0], raw.lines[-1]
    place = source.location(first.row, first.column + raw.indent, last.row, last.column + len(last.text.rstrip()))
    body = raw.body
    return Fence(
        opening.language,
        opening.info,
        opening.attributes,
        "\n".join(line.text for line in body),
        place,
        tuple(source.origin(line.row, line.column) for line in body),
    )
