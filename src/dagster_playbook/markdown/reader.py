"""Read a Markdown page as its readers see it: the one entry to this package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from dagster_playbook.location import Location
from dagster_playbook.markdown.directives import Directives
from dagster_playbook.markdown.files import UnreadableError, newlines, read_text
from dagster_playbook.markdown.front_matter import split_front_matter
from dagster_playbook.markdown.model import Page, Problem
from dagster_playbook.markdown.recorder.record import Record
from dagster_playbook.markdown.swallowed import swallowed_tags

MAX_BYTES = 8 * 1024 * 1024
"""Files above this size are not read: nobody reads such a page, and nothing that is checked needs one."""
NOWHERE = Path(__file__) / "nowhere"
"""The root of a text that belongs to no project: below a file nothing can be, so it includes nothing."""
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
    Never raises for what stands in a file: what cannot be read is a Problem of the page.
    """
    page = Page(path=PurePosixPath(path).as_posix())
    try:
        text = read_text(root / path, max_bytes, "utf-8-sig") if text is None else _lines_of_editor(text)
    except UnreadableError as error:
        page.files = (page.path,)
        page.problems.append(Problem("PB003", f"page {error}", Location(page.path), page.path))
        return page
    page.text, lines = text, text.split("\n")
    front = split_front_matter(lines, page.path)
    page.front_matter, page.front_matter_lines = front.values, front.line_count
    page.front_matter_text = front.text
    if front.problem:
        page.problems.append(front.problem)
    first = front.line_count
    while first < len(lines) and not lines[first]:
        first += 1
    record = Record(root, page.path, include_roots, max_bytes, files=[page.path], texts=included)
    _render(page, lines[first:], first + 1, record)
    page.problems += swallowed_tags(page, text)
    page.problems.sort(key=lambda item: (item.location.path != page.path, item.location, item.rule))
    return page


def _lines_of_editor(text: str) -> str:
    return newlines(text.removeprefix("\ufeff"))


def _render(page: Page, lines: list[str], first_line: int, record: Record) -> None:
    """Let the renderer read the lines; what it cannot read at all is a problem."""
    # the renderer is imported when a page is really read: a check that finds nothing changed never needs it
    from dagster_playbook.markdown.recorder.collect import Collector
    from dagster_playbook.markdown.recorder.extensions import config_of, include_folders
    from dagster_playbook.markdown.recorder.origin import OriginLine
    from dagster_playbook.markdown.recorder.renderer import read_lines
    from dagster_playbook.markdown.recorder.text import shown_words

    located = [OriginLine.at(line, page.path, number) for number, line in enumerate(lines, first_line)]
    config, extensions = config_of(record.root, page.path)
    record.roots = tuple(dict.fromkeys([*record.roots, *include_folders(config, extensions)]))
    read = read_lines(extensions, located, record)
    page.files = (*record.files, config) if config else tuple(record.files)
    page.problems += record.problems
    if read is None:
        return
    collector = Collector(*read, record)
    collector.write(page)
    page.problems += collector.broken_fences()
    directives = Directives(record.source, collector.code_blocks, shown_words)
    directives.read(record.comments)
    page.bindings, page.suppressions, page.marks = directives.bindings, directives.suppressions, directives.marks
    page.recordings = directives.recordings
    page.problems += directives.problems
