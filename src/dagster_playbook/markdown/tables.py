"""Tables: which blocks are one, and the cells of a row with the pipes in code spans left alone."""

from __future__ import annotations

import re

from dagster_playbook.markdown.source import Line
from dagster_playbook.markdown.tree import Block, Node

_PIPES = re.compile(r"\\\\|(\\`+)|(`+)|\\\||(\|)")
_RIGHT_BORDER = re.compile(r"(?<!\\)(?:\\\\)*\|$")
_RULE = frozenset("|:- ")


def read_table(parent: Node, block: Block) -> bool:
    """Add the block to `parent` as a table when it is one."""
    if "|" not in block.first or len(block.lines) - block.start < 2:
        return False
    lines = [_stripped(line) for line in block.all()]
    bordered = _has_border(lines[0].text)
    header = _cells(lines[0], bordered)
    if len(header) < 2 and not (bordered and all(_has_border(line.text) for line in lines[1:])):
        return False
    rule = _cells(lines[1], bordered)
    if len(rule) != len(header) or not all(set(cell.text) <= _RULE for cell in rule):
        return False
    table = parent.add("table")
    _add_row(table.add("thead"), "th", header, len(rule))
    body = table.add("tbody")
    for line in lines[2:]:
        _add_row(body, "td", _cells(line, bordered), len(rule))
    return True


def _stripped(line: Line) -> Line:
    return line.drop(len(line.text) - len(line.text.lstrip(" ")))._replace(text=line.text.strip(" "))


def _has_border(text: str) -> bool:
    return text.startswith("|") or _RIGHT_BORDER.search(text) is not None


def _add_row(parent: Node, tag: str, cells: list[Line], count: int) -> None:
    row = parent.add("tr")
    for index in range(count):
        text = [_stripped(cells[index])] if index < len(cells) else []
        row.add(tag, text=[line for line in text if line.text])


def _cells(line: Line, bordered: bool) -> list[Line]:
    """The cells of a row; an outer pipe belongs to the border when the table has one."""
    if bordered:
        if line.text.startswith("|"):
            line = line.drop(1)
        if border := _RIGHT_BORDER.search(line.text):
            line = line._replace(text=line.text[: border.start()])
    cells = []
    start = 0
    for pipe in [*_separators(line.text), len(line.text)]:
        cells.append(Line(line.text[start:pipe], line.row, line.column + start))
        start = pipe + 1
    return cells


def _separators(text: str) -> list[int]:
    """Offsets of the pipes that part cells: neither escaped nor between backtick runs of one length."""
    pipes: list[int] = []
    runs: list[tuple[int, int, int, int]] = []
    for found in _PIPES.finditer(text):
        escaped, ticks, pipe = found.groups()
        if escaped:
            runs.append((len(escaped) - 1, 1, found.start(), found.end() - 1))
        elif ticks:
            runs.append((len(ticks), 0, found.start(), found.end() - 1))
        elif pipe:
            pipes.append(found.start())
    regions = _regions(runs) if pipes else []
    kept = []
    index = 0
    for pipe_at in pipes:
        while index < len(regions) and regions[index][1] < pipe_at:
            index += 1
        if index == len(regions) or pipe_at < regions[index][0]:
            kept.append(pipe_at)
    return kept


def _regions(runs: list[tuple[int, int, int, int]]) -> list[tuple[int, int]]:
    """Stretches between a run (its length less an escape) and the next run of that length."""
    by_length: dict[int, list[int]] = {}
    for index in range(len(runs) - 1, -1, -1):
        by_length.setdefault(runs[index][0], []).append(index)
    regions = []
    position = 0
    while position < len(runs):
        size = runs[position][0] - runs[position][1]
        later = by_length.get(size, [])
        while later and later[-1] <= position:
            later.pop()
        if size and later:
            closing = later[-1]
            regions.append((runs[position][2], runs[closing][3]))
            position = closing + 1
        else:
            position += 1
    return regions
