"""Admonitions, collapsible blocks, content tabs and Markdown in HTML: blocks that hold indented blocks."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dagster_playbook.markdown.source import ETX, STX, TAB_LENGTH, Line
from dagster_playbook.markdown.tree import LIST_TAGS, TAB, Block, Node, detab, match_mark

if TYPE_CHECKING:
    from dagster_playbook.markdown.blocks import BlockParser

_TAB_SET = "tabbed-set tabbed-alternate"
_ITEM_PARENTS = (*LIST_TAGS, "dl")
ELEMENT_TOKEN = re.compile(f"{STX}h([0-9]+){ETX}")


@dataclass(frozen=True, slots=True)
class _Home:
    """Where an indented block belongs, and how far it is indented there."""

    node: Node
    indent: int


def read_container(parser: BlockParser, parent: Node, blocks: deque[Block]) -> bool:
    """Take a block that opens a container, or whose indent puts it into the one before."""
    block = blocks[0]
    if _open(parser, parent, blocks, "admonition", _admonition):
        return True
    last = parent.last
    if last is None or not block.first.startswith(TAB):
        home = None
    elif last.tag == "div" and "admonition" in last.css:
        home = _descend(last, last.last, block.first)
    else:
        home = None
    if home:
        return _fill(parser, blocks, home)
    if ELEMENT_TOKEN.match(block.first) and _element(parser, parent, blocks):
        return True
    if _open(parser, parent, blocks, "details", _details):
        return True
    if last is not None and last.tag == "details" and block.first.startswith(TAB):
        return _fill(parser, blocks, _descend(last, last.last, block.first))
    if _open(parser, parent, blocks, "tab", _tab):
        return True
    if last is not None and last.css == _TAB_SET and block.first.startswith(TAB):
        return _fill(parser, blocks, _descend_tabs(last, block.first))
    return False


def _open(
    parser: BlockParser,
    parent: Node,
    blocks: deque[Block],
    kind: str,
    add: Callable[[Node, Line], Node],
) -> bool:
    index = blocks[0].find(kind)
    if index < 0:
        return False
    block = blocks.popleft()
    if index > block.start:
        parser.parse_block(parent, block.lines[block.start : index])
    taken, rest = detab(block.rest(index + 1))
    parser.parse_lines(add(parent, block.lines[index]), taken or [_end_of(block.lines[index])])
    if not rest.is_blank:
        blocks.appendleft(rest)
    return True


def _end_of(line: Line) -> Line:
    return Line("", line.row, line.column + len(line.text))


def _admonition(parent: Node, line: Line) -> Node:
    found = match_mark("admonition", line)
    node = parent.add("div", f"admonition {found.group(1).lower()}")
    if found.group(2):
        node.add("p", "admonition-title", [_group(line, found, 2)])
    return node


def _details(parent: Node, line: Line) -> Node:
    found = match_mark("details", line)
    node = parent.add("details")
    summary = node.add("summary")
    if found.group(3):
        summary.text = [_group(line, found, 3)]
    return node


def _tab(parent: Node, line: Line) -> Node:
    found = match_mark("tab", line)
    group = parent.last
    if group is None or group.css != _TAB_SET or "!" in (found.group(1) or ""):
        group = parent.add("div", _TAB_SET)
        group.add("div", "tabbed-labels")
        group.add("div", "tabbed-content")
    labels, content = group.children
    labels.add("label", text=[_group(line, found, 2)] if found.group(2) else [])
    return content.add("div", "tabbed-block")


def _group(line: Line, found: re.Match[str], group: int) -> Line:
    return Line(found.group(group), line.row, line.column + found.start(group))


def _descend(home: Node, child: Node | None, first: str) -> _Home:
    """Follow the last list items as deep as the indent reaches."""
    indent = TAB_LENGTH
    while child is not None and first.startswith(TAB * 2) and child.tag in _ITEM_PARENTS:
        item = child.last
        if item is None:
            break
        home, child = item, item.last
        first = first[TAB_LENGTH:]
        indent += TAB_LENGTH
    return _Home(home, indent)


def _descend_tabs(group: Node, first: str) -> _Home:
    content = group.children[-1]
    block = content.last
    if block is None:
        return _Home(group, TAB_LENGTH)
    return _descend(block, block.last, first)


def _fill(parser: BlockParser, blocks: deque[Block], home: _Home) -> bool:
    """Parse the indented block into its home; an item's own text becomes its last paragraph, as the renderer has it."""
    taken, rest = detab(blocks.popleft(), home.indent)
    if home.node.tag in ("li", "dd") and home.node.text:
        home.node.add("p", text=home.node.text)
        home.node.text = []
    parser.parse_lines(home.node, taken)
    if not rest.is_blank:
        blocks.appendleft(rest)
    return True


def _element(parser: BlockParser, parent: Node, blocks: deque[Block]) -> bool:
    """Take an HTML element whose content is Markdown, which the HTML stage has cut out."""
    token = ELEMENT_TOKEN.match(blocks[0].first)
    element = parser.elements.get(int(token.group(1))) if token else None
    if token is None or element is None:
        return False
    block = blocks.popleft()
    parent.children.append(element)
    parse_element(parser, element)
    first = block.lines[block.start].drop(token.end())
    rest = Block([first, *block.lines[block.start + 1 :]])
    if not rest.is_blank:
        blocks.appendleft(rest)
    return True


def parse_element(parser: BlockParser, element: Node) -> None:
    """Parse an element's text as blocks, unless only inline Markdown or none counts in it."""
    if element.mode != "blocks":
        return
    lines, element.text, element.mode = element.text, [], "inline"
    while lines and not lines[-1].text:
        lines.pop()
    if lines:
        parser.parse_lines(element, lines)
