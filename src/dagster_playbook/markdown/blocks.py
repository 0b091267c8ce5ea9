"""The block parser: which lines are headings, lists, quotes, code, containers, paragraphs.

It follows Python-Markdown's block processors in their order of priority, on lines that know where they stand.
Each rule either takes the first of the blocks and says so, or leaves it to the next rule.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from dagster_playbook.markdown.code_blocks import read_blank, read_code
from dagster_playbook.markdown.containers import read_container
from dagster_playbook.markdown.fences import RawFence
from dagster_playbook.markdown.footnotes import read_footnotes
from dagster_playbook.markdown.lists import read_definition, read_indented, read_list
from dagster_playbook.markdown.source import Line
from dagster_playbook.markdown.tables import read_table
from dagster_playbook.markdown.tree import Block, Node, loose_detab, match_mark, split_blocks

MAX_DEPTH = 200
"""Containers within containers; deeper, Python-Markdown itself comes near its recursion limit."""

_SETEXT = re.compile(r"(?:=+|-+) *$")

Blocks = deque[Block]


@dataclass(slots=True)
class BlockParser:
    """Turns lines into a tree of nodes.

    Attributes:
        fences: what the fence tokens in the lines stand for.
        elements: what the tokens of Markdown-in-HTML elements stand for, by number.
        references: lower-case name to target of the reference definitions met so far.
        footnotes: name to the lines of the footnotes met so far.
        reverted: numbers of the fences that were given back because they stand in or at indented code.
        too_deep: the first line that is nested deeper than MAX_DEPTH.
    """

    fences: list[RawFence] = field(default_factory=list)
    elements: dict[int, Node] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    footnotes: dict[str, list[Line]] = field(default_factory=dict)
    reverted: set[int] = field(default_factory=set)
    too_deep: Line | None = None
    state: list[str] = field(default_factory=list)
    depth: int = 0

    def parse_page(self, lines: list[Line]) -> Node:
        """The tree of a whole page, its footnotes last."""
        root = Node("div")
        self.parse_lines(root, lines)
        read = 0
        while read < len(self.footnotes):
            for name in list(self.footnotes)[read:]:
                self.parse_lines(root.add("aside", "footnote"), self.footnotes[name])
                read += 1
        return root

    def parse_lines(self, parent: Node, lines: list[Line]) -> None:
        """Parse lines that may hold several blocks into children of `parent`."""
        self.parse(parent, deque(split_blocks(lines)))

    def parse(self, parent: Node, blocks: Blocks) -> None:
        """Parse blocks into children of `parent`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self._flatten(parent, blocks)
        while blocks:
            for rule in _RULES:
                if rule(self, parent, blocks):
                    break
        self.depth -= 1

    def parse_block(self, parent: Node, lines: list[Line]) -> None:
        """Parse lines that are one block, whatever blank lines are in them."""
        self.parse(parent, deque([Block(lines)]))

    def within(self, state: str) -> bool:
        """Whether the innermost state is this one."""
        return bool(self.state) and self.state[-1] == state

    def _flatten(self, parent: Node, blocks: Blocks) -> None:
        if self.too_deep is None:
            self.too_deep = next((line for block in blocks for line in block.all() if line.text), None)
        for block in blocks:
            parent.add("p", text=block.all())
        blocks.clear()


def _table(_parser: BlockParser, parent: Node, blocks: Blocks) -> bool:
    if not read_table(parent, blocks[0]):
        return False
    blocks.popleft()
    return True


def _heading(parser: BlockParser, parent: Node, blocks: Blocks) -> bool:
    index = blocks[0].find("heading")
    if index < 0:
        return False
    block = blocks.popleft()
    if index > block.start:
        parser.parse_block(parent, block.lines[block.start : index])
    line = block.lines[index]
    found = match_mark("heading", line)
    level = len(found.group(1))
    parent.add(f"h{level}", text=[_part(line, *found.span(2))])
    rest = block.rest(index + 1)
    if not rest.is_blank:
        if parser.within("looselist") and rest.find("tabbed") >= 0:
            rest = Block(loose_detab(rest.all()))
        blocks.appendleft(rest)
    return True


def _part(line: Line, start: int, end: int) -> Line:
    """A stretch of a line without blanks around it."""
    text = line.text[start:end]
    start += len(text) - len(text.lstrip())
    return Line(text.strip(), line.row, line.column + start)


def _setext(_parser: BlockParser, parent: Node, blocks: Blocks) -> bool:
    block = blocks[0]
    if len(block.lines) - block.start < 2:
        return False
    line, rule = block.lines[block.start : block.start + 2]
    if rule.text[:1] not in ("=", "-") or not _SETEXT.match(rule.text):
        return False
    parent.add("h1" if rule.text.startswith("=") else "h2", text=[_part(line, 0, len(line.text))])
    blocks.popleft()
    if len(block.lines) - block.start > 2:
        blocks.appendleft(block.rest(block.start + 2))
    return True


def _rule(parser: BlockParser, parent: Node, blocks: Blocks) -> bool:
    index = blocks[0].find("rule")
    if index < 0:
        return False
    block = blocks.popleft()
    before = block.lines[block.start : index]
    while before and not before[-1].text:
        before.pop()
    if before:
        parser.parse_block(parent, before)
    parent.add("hr")
    rest = block.rest_without_blanks(index + 1)
    if not rest.is_blank:
        blocks.appendleft(rest)
    return True


def _quote(parser: BlockParser, parent: Node, blocks: Blocks) -> bool:
    index = blocks[0].find("quote")
    if index < 0:
        return False
    block = blocks.popleft()
    quoted = [_unquoted(line) for line in block.lines[index:]]
    if index > block.start:
        parser.parse_block(parent, block.lines[block.start : index])
        quoted.insert(0, Line("", block.lines[index].row, 0))
    quote = parent.last
    if quote is None or quote.tag != "blockquote":
        quote = parent.add("blockquote")
    parser.state.append("blockquote")
    parser.parse_lines(quote, quoted)
    parser.state.pop()
    return True


def _unquoted(line: Line) -> Line:
    if line.text.strip() == ">":
        return Line("", line.row, line.column + len(line.text))
    mark = line.text.lstrip(" ")
    width = len(line.text) - len(mark)
    if width > 3 or not mark.startswith(">"):
        return line
    return line.drop(width + (2 if mark.startswith("> ") else 1))


def _reference(parser: BlockParser, _parent: Node, blocks: Blocks) -> bool:
    block = blocks[0]
    definitions = block.definitions()
    if not definitions:
        return False
    blocks.popleft()
    for item in definitions:
        parser.references[item.name] = item.target
    rest = block.rest_without_blanks(definitions[-1].last + 1)
    if any(line.text.strip() for line in rest.all()):
        blocks.appendleft(rest)
    before = block.lines[block.start : definitions[0].first]
    if any(line.text.strip() for line in before):
        blocks.appendleft(Block(before))
    return True


def _paragraph(parser: BlockParser, parent: Node, blocks: Blocks) -> bool:
    lines = blocks.popleft().all()
    while lines and not lines[0].text.strip():
        lines = lines[1:]
    if not lines:
        return True
    if not parser.within("list"):
        parent.add("p", text=[lines[0].lstrip(), *lines[1:]])
    elif parent.last is not None:
        parent.last.tail += lines
    elif parent.text:
        parent.text += lines
    else:
        parent.text = [lines[0].lstrip(), *lines[1:]]
    return True


_Rule = Callable[[BlockParser, Node, Blocks], bool]
_RULES: tuple[_Rule, ...] = (
    read_container,
    read_blank,
    read_indented,
    read_code,
    _table,
    _heading,
    _setext,
    _rule,
    read_list,
    read_definition,
    _quote,
    read_footnotes,
    _reference,
    _paragraph,
)
