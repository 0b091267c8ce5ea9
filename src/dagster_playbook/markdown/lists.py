"""Lists: their items, tight or loose, and the indented blocks that belong to an item met before."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from dagster_playbook.markdown.source import TAB_LENGTH, Line
from dagster_playbook.markdown.tree import LIST_TAGS, TAB, Block, Node, detab, loose_detab, match_mark

if TYPE_CHECKING:
    from dagster_playbook.markdown.blocks import BlockParser

_ITEM = re.compile(r" {0,3}(?:\d+\.|[*+-]) +")
_LAZY = re.compile(r" {0,3}[^ :]")
_NESTED_ITEM = re.compile(r" {4,7}(?:\d+\.|[*+-]) +")


def read_indented(parser: BlockParser, parent: Node, blocks: deque[Block]) -> bool:
    """Take an indented block into the list item or the definition before it."""
    if not blocks[0].first.startswith(TAB) or parser.within("detabbed"):
        return False
    last = parent.last
    tag = last.tag if last is not None else ""
    if parent.tag == "li" or tag in LIST_TAGS:
        return _read_indented(parser, parent, blocks, (("li",), LIST_TAGS))
    if parent.tag == "dd" or tag == "dl":
        return _read_indented(parser, parent, blocks, (("dd", "li"), ("dl", *LIST_TAGS)))
    return False


_Tags = tuple[tuple[str, ...], tuple[str, ...]]


def _read_indented(parser: BlockParser, parent: Node, blocks: deque[Block], tags: _Tags) -> bool:
    items, lists = tags
    block = blocks.popleft()
    level, sibling = _find_level(parser, parent, block.first, tags)
    lines = loose_detab(block.all(), level)
    parser.state.append("detabbed")
    if parent.tag in items:
        last = parent.last
        parser.parse_block(last if last is not None and last.tag in lists else parent, lines)
    elif sibling.tag in items:
        parser.parse_block(sibling, lines)
    elif sibling.last is not None and sibling.last.tag in items:
        _loosen(sibling.last)
        parser.parse_lines(sibling.last, lines)
    else:
        parser.parse_block(sibling.add("dd" if "dd" in items else "li"), lines)
    parser.state.pop()
    return True


def _find_level(parser: BlockParser, parent: Node, first: str, tags: _Tags) -> tuple[int, Node]:
    """How many lists deep the block is, as far as its indent reaches, and the node at that level."""
    wanted = (len(first) - len(first.lstrip(" "))) // TAB_LENGTH
    level = 1 if parser.within("list") else 0
    node = parent
    while wanted > level:
        child = node.last
        if child is None or (child.tag not in tags[0] and child.tag not in tags[1]):
            break
        if child.tag in tags[1]:
            level += 1
        node = child
    return level, node


def _loosen(item: Node) -> None:
    """Give an item's own text a paragraph."""
    if item.text:
        item.children.insert(0, Node("p", text=item.text))
        item.text = []


def read_list(parser: BlockParser, parent: Node, blocks: deque[Block]) -> bool:
    """Take a block that begins with a list item."""
    if not _ITEM.match(blocks[0].first):
        return False
    block = blocks.popleft()
    tag = "ol" if block.first.lstrip(" ")[0].isdigit() else "ul"
    items = _split_items(block.all())
    last = parent.last
    if last is not None and last.tag in LIST_TAGS:
        target = last
        _loosen_last(target)
        item = target.add("li")
        parser.state.append("looselist")
        parser.parse_block(item, items.pop(0))
        parser.state.pop()
    elif parent.tag in LIST_TAGS:
        target = parent
    else:
        target = parent.add(tag)
    parser.state.append("list")
    for lines in items:
        nested = lines[0].text.startswith(TAB) and target.last is not None
        item = target.last if nested and target.last is not None else target.add("li")
        parser.parse_block(item, lines)
    parser.state.pop()
    return True


def _loosen_last(target: Node) -> None:
    """The item before one that follows a blank line gets paragraphs for its text and its trailing text."""
    item = target.last
    if item is None:
        return
    _loosen(item)
    last = item.last
    if last is not None and last.tail:
        tail, last.tail = last.tail, []
        item.add("p", text=[tail[0].lstrip(), *tail[1:]])


def _split_items(lines: list[Line]) -> list[list[Line]]:
    """Lines of each item; lines of an indented item stand for themselves, to be parsed into the item before."""
    items: list[list[Line]] = []
    for line in lines:
        found = _ITEM.match(line.text)
        if found:
            items.append([line.drop(found.end())])
        elif _NESTED_ITEM.match(line.text) and not items[-1][0].text.startswith(TAB):
            items.append([line])
        else:
            items[-1].append(line)
    return items


def read_definition(parser: BlockParser, parent: Node, blocks: deque[Block]) -> bool:
    """Take a definition, `: text` under the terms that it explains."""
    index = blocks[0].find("colon")
    if index < 0:
        return False
    block = blocks[0]
    terms = [_trimmed(line) for line in block.lines[block.start : index] if line.text.strip()]
    last = parent.last
    if not terms and last is None:
        return False
    blocks.popleft()
    line = block.lines[index]
    mark = match_mark("colon", line)
    rest = block.rest(index + 1)
    lazy = _LAZY.match(rest.first) is not None
    taken, left = (rest.all(), None) if lazy else detab(rest)
    state = "list"
    if not terms and last is not None and last.tag == "p":
        state = "looselist"
        terms = [_trimmed(item) for item in last.text]
        parent.children.pop()
        last = parent.last
    group = last
    if group is None or group.tag != "dl":
        group = parent.add("dl")
    elif not terms and group.last is not None and group.last.tag == "dd" and group.last.children:
        state = "looselist"
    for term in terms:
        group.add("dt", text=[term])
    parser.state.append(state)
    parser.parse_block(group.add("dd"), [line.drop(mark.end()), *taken])
    parser.state.pop()
    if left is not None and not left.is_blank:
        blocks.appendleft(left)
    return True


def _trimmed(line: Line) -> Line:
    return line.lstrip()._replace(text=line.text.strip())
