"""Read a Markdown page as its readers see it: the one entry to this package."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from dagster_playbook.location import Location
from dagster_playbook.markdown.blocks import MAX_DEPTH, BlockParser
from dagster_playbook.markdown.collect import Collector
from dagster_playbook.markdown.directives import Directives
from dagster_playbook.markdown.fences import FenceFinder
from dagster_playbook.markdown.front_matter import split_front_matter
from dagster_playbook.markdown.html_blocks import HtmlStage
from dagster_playbook.markdown.includes import Includer, UnreadableError, read_text
from dagster_playbook.markdown.inline import InlineParser
from dagster_playbook.markdown.model import Heading, Page, Problem
from dagster_playbook.markdown.slugs import AnchorNames
from dagster_playbook.markdown.source import Source
from dagster_playbook.markdown.swallowed import swallowed_tags

MAX_BYTES = 8 * 1024 * 1024
"""Files above this size are not read: nobody reads such a page, and nothing that is checked needs one."""
_AS_ON_DISK: Mapping[str, str] = {}


def read_page(
    root: Path,
    path: str,
    *,
    include_roots: tuple[str, ...] = (".",),
    max_bytes: int = MAX_BYTES,
    text: str | None = None,
    included: Mapping[str, str] = _AS_ON_DISK,
) -> Page:
    """Read one page.

    `path` and `include_roots` are relative to `root`; `text` is what stands in an editor and not yet in the file,
    `included` likewise for includes, by their path in the project.
    Never raises for what stands in a file: what cannot be read is a Problem of the page, with one of the rules
    PB002 unclosed-fence, PB003 unreadable-page, PB004 missing-include, PB005 include-cycle, PB010
    bad-front-matter, PB011 malformed-directive, PB022 broken-sentence, PB025 swallowed-text.
    """
    page = Page(path=PurePosixPath(path).as_posix())
    try:
        text = read_text(root / path, max_bytes, "utf-8-sig") if text is None else _lines_of_editor(text)
    except UnreadableError as error:
        page.files = (page.path,)
        page.problems.append(Problem("PB003", f"page {error}", Location(page.path), page.path))
        return page
    includer = Includer(root, include_roots, max_bytes)
    includer.replace(included)
    _expand(page, text, includer)
    _read(page, includer.source)
    page.problems += swallowed_tags(page, text)
    page.problems.sort(key=lambda item: (item.location.path != page.path, item.location, item.rule))
    return page


def _lines_of_editor(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _expand(page: Page, text: str, includer: Includer) -> None:
    """Cut off the front matter and resolve the includes."""
    lines = text.split("\n")
    front = split_front_matter(lines, page.path)
    page.front_matter, page.front_matter_lines = front.values, front.line_count
    page.front_matter_text = front.text
    if front.problem:
        page.problems.append(front.problem)
    first = front.line_count
    while first < len(lines) and not lines[first]:
        first += 1
    includer.expand(lines[first:], page.path, first + 1)
    page.files = tuple(includer.files)
    page.problems += includer.problems


def _read(page: Page, source: Source) -> None:
    finder = FenceFinder(source)
    html = HtmlStage()
    lines = html.cut(finder.cut(source.lines()))
    parser = BlockParser(finder.fences, html.stash)
    root = parser.parse_page(lines)
    if parser.too_deep:
        line = parser.too_deep
        place = source.location(line.row, line.column, line.row, line.column + len(line.text))
        page.problems.append(Problem("PB003", f"nested deeper than {MAX_DEPTH} blocks", place, page.path))
    collector = Collector(source, finder.fences, html.stash, InlineParser(parser.references, set(parser.footnotes)))
    collector.collect(root)
    _write(page, collector)
    page.problems += _broken_fences(finder, parser, collector)
    directives = Directives(source, dict(collector.code_blocks))
    directives.read(collector.comments)
    page.bindings, page.suppressions = directives.bindings, directives.suppressions
    page.problems += directives.problems


def _write(page: Page, found: Collector) -> None:
    """Put what was found into the page in the order of the text, headings with their anchors first."""
    source = found.source
    names = AnchorNames(found.tree_ids)
    anchors = {item.start: item.anchor or names.claim(item.text) for item in found.headings}
    headings = sorted(found.headings, key=lambda item: item.start)
    for heading in headings:
        place = source.location(*heading.start, *heading.end)
        page.headings.append(Heading(heading.level, heading.text, anchors[heading.start], place))
    above = iter([*headings, None])
    following = next(above)
    section: list[tuple[int, str]] = []
    for key, fence in sorted(found.fences, key=lambda item: item[0]):
        while following is not None and following.start <= key:
            level = following.level
            section = [item for item in section if item[0] < level] + [(level, following.text)]
            following = next(above)
        page.fences.append(dataclasses.replace(fence, section=tuple(text for _, text in section)))
    page.spans = [span for _, span in sorted(found.spans, key=lambda item: item[0])]
    page.links = [link for _, link in sorted(found.links, key=lambda item: item[0])]
    page.anchors = [name for _, name in sorted(found.anchors)]


def _broken_fences(finder: FenceFinder, parser: BlockParser, found: Collector) -> list[Problem]:
    """Fences that readers see as text; one inside indented code or a comment is meant to be text."""
    problems = [problem for row, problem in finder.suspects if row not in found.quiet_rows]
    for number in sorted(parser.reverted):
        raw = finder.fences[number]
        first = raw.lines[0]
        if first.row not in found.quiet_rows:
            start = first.column + raw.indent
            place = finder.source.location(first.row, start, first.row, first.column + len(first.text))
            message = "this fence is shown as text: no blank line parts it from the indented code above"
            problems.append(Problem("PB002", message, place, raw.opening.marks))
    return problems
