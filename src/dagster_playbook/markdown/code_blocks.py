"""Indented code, and the blank lines in it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from dagster_playbook.markdown.fences import TOKEN_LINE
from dagster_playbook.markdown.source import STX, Line
from dagster_playbook.markdown.tree import TAB, Block, Node, detab

if TYPE_CHECKING:
    from dagster_playbook.markdown.blocks import BlockParser


def read_blank(_parser: BlockParser, parent: Node, blocks: deque[Block]) -> bool:
    """Take blank lines; in indented code before them they are part of the code."""
    block = blocks[0]
    if block.first:
        return False
    blocks.popleft()
    added = 2
    if not block.is_blank:
        added = 1
        rest = block.rest(block.start + 1)
        if not rest.is_blank:
            blocks.appendleft(rest)
    code = parent.last
    if code is not None and code.tag == "pre" and code.text:
        for _ in range(added):
            code.text.append(_line_after(code.text[-1]))
    return True


def _line_after(line: Line) -> Line:
    return Line("", line.row + 1, 0)


def read_code(parser: BlockParser, parent: Node, blocks: deque[Block]) -> bool:
    """Take an indented block as code, joined to the code right before it."""
    if not blocks[0].first.startswith(TAB):
        return False
    block = _without_fences(parser, blocks.popleft())
    taken, rest = detab(block)
    taken = _rstrip(taken)
    code = parent.last
    if code is not None and code.tag == "pre" and code.text:
        code.text += [_line_after(code.text[-1]), *taken]
    else:
        parent.add("pre", text=taken).mode = "raw"
    if not rest.is_blank:
        blocks.appendleft(rest)
    return True


def _rstrip(lines: list[Line]) -> list[Line]:
    while len(lines) > 1 and not lines[-1].text.strip():
        lines.pop()
    return [*lines[:-1], lines[-1]._replace(text=lines[-1].text.rstrip())]


def _without_fences(parser: BlockParser, block: Block) -> Block:
    """The block with the original lines of each fence in it: in indented code a fence is code."""
    lines = block.all()
    if not any(STX in line.text for line in lines):
        return block
    found: list[Line] = []
    for line in lines:
        token = TOKEN_LINE.match(line.text)
        if token and int(token.group(2)) not in parser.reverted:
            number = int(token.group(2))
            parser.reverted.add(number)
            found += parser.fences[number].restored(len(token.group(1)))
        else:
            found.append(line)
    return Block(found)
