"""Tables of a page's own file, cell by cell, each cell with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Page

_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*\Z")
_CELL = re.compile(r"(?:\\.|`+[^`]*`+|[^|\\`]|`)*")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its Markdown without the blanks around it."""

    text: str
    location: Location


@dataclass(frozen=True, slots=True)
class Table:
    """A table; rows are as wide as they are written."""

    header: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]


def own_lines(page: Page) -> list[str]:
    """The lines of a page's own file, those of front matter and of code blocks blanked."""
    lines = page.text.split("\n")
    blank = [(1, page.front_matter_lines)]
    blank += [(item.location.line, item.location.end_line) for item in page.fences if item.location.path == page.path]
    for first, last in blank:
        for number in range(first, min(last, len(lines)) + 1):
            lines[number - 1] = ""
    return lines


def tables_of(page: Page) -> Iterator[Table]:
    """The tables in reading order."""
    lines = own_lines(page) if "|" in page.text else []
    number = 1
    while number < len(lines):
        head, rule = lines[number - 1], lines[number]
        if "|" not in head or "-" not in rule or not _RULE.match(rule):
            number += 1
            continue
        stop = number + 1
        while stop < len(lines) and lines[stop].strip():
            stop += 1
        rows = tuple(_cells(page.path, lines[row], row + 1) for row in range(number + 1, stop))
        yield Table(_cells(page.path, head, number), rows)
        number = stop + 1


def _cells(path: str, line: str, number: int) -> tuple[Cell, ...]:
    start = len(line) - len(line.lstrip())
    start += line[start : start + 1] == "|"
    cells = []
    while start < len(line):
        match = _CELL.match(line, start)
        end = match.end() if match else len(line)
        text = line[start:end]
        left = start + len(text) - len(text.lstrip())
        if end < len(line) or text.strip():
            cells.append(Cell(text.strip(), Location(path, number, left + 1, number, left + len(text.strip()) + 1)))
        start = end + 1
    return tuple(cells)
