"""Which row each line stands in, while the renderer's preprocessors change the lines."""

from __future__ import annotations

from difflib import SequenceMatcher

from dagster_playbook.markdown.recorder.origin import OriginLine
from dagster_playbook.markdown.recorder.record import Record


def take_rows(record: Record, lines: list[str], path: str) -> None:
    """Make the rows of the page from lines that know their files; what an extension made stands at its neighbour."""
    number = 1
    for line in lines:
        if isinstance(line, OriginLine):
            path, number = line.path, line.line
            record.source.add(line.raw, path, number, line.indent, line.hidden, line.cut)
        else:
            record.source.add(line, path, number)
    record.rows = list(range(len(lines)))
    record.budget.open(sum(map(len, lines)))


def follow_rows(record: Record, lines: list[str]) -> list[int]:
    """The row of each line: the lines of the page as they were taken, and two empty ones that the renderer adds.

    An extension in between may have taken lines out or put some in: those that are equal keep their rows.
    """
    rows = record.source.rows
    if not rows:
        return [0] * len(lines)
    last = len(rows) - 1
    if len(lines) == len(rows) + 2:
        return [*range(len(rows)), last, last]
    found: list[int] = []
    matcher = SequenceMatcher(None, [row.text for row in rows], list(lines), autojunk=False)
    for start, theirs, size in matcher.get_matching_blocks():
        found += [min(start, last)] * (theirs - len(found))
        found += range(start, start + size)
    return [*found, *[last] * (len(lines) - len(found))]
