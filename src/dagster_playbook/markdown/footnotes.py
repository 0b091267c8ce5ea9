"""Footnotes: `[^name]: text` and the indented blocks below it, shown at the end of the page."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from dagster_playbook.markdown.source import Line
from dagster_playbook.markdown.tree import TAB, Block, Node, match_mark

if TYPE_CHECKING:
    from dagster_playbook.markdown.blocks import BlockParser


def read_footnotes(parser: BlockParser, _parent: Node, blocks: deque[Block]) -> bool:
    """Take the first footnote of a block, with what continues it in this block and the next ones."""
    block = blocks[0]
    first = block.find("note")
    if first < 0:
        return False
    blocks.popleft()
    line = block.lines[first]
    found = match_mark("note", line)
    lines = [line.drop(found.end())]
    following = block.rest(first + 1).find("note")
    end = following if following >= 0 else len(block.lines)
    lines += _dedent(block.lines[first + 1 : end])
    if following >= 0:
        blocks.appendleft(block.rest(following))
    else:
        _continue(blocks, lines)
    parser.footnotes[found.group(1)] = lines
    before = block.lines[block.start : first]
    if any(item.text.strip() for item in before):
        blocks.appendleft(Block(before))
    return True


def _dedent(lines: list[Line]) -> list[Line]:
    return [line.drop(len(TAB)) if line.text.startswith(TAB) else line for line in lines]


def _continue(blocks: deque[Block], lines: list[Line]) -> None:
    """Indented blocks after the footnote belong to it, up to the next footnote in one of them."""
    while blocks and blocks[0].first.startswith(TAB):
        block = blocks.popleft()
        lines.append(Line("", block.lines[block.start].row, 0))
        note = block.find("note")
        if note >= 0:
            lines += _dedent(block.lines[block.start : note])
            blocks.appendleft(block.rest(note))
            return
        lines += _dedent(block.all())
