"""The block structure of a page: nodes that hold lines, and blocks of lines still to be understood."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from dagster_playbook.markdown.source import TAB_LENGTH, Line

TAB = " " * TAB_LENGTH
LIST_TAGS = ("ul", "ol")
HEADING_TAGS = ("h1", "h2", "h3", "h4", "h5", "h6")

_MARKS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("!", "admonition", re.compile(r"!!! ?([\w\-]+(?: +[\w\-]+)*)(?: +\"(.*?)\")? *$")),
    (
        "?",
        "details",
        re.compile(r"\?{3}(\+)? ?(?:([\w\-]+(?: +[\w\-]+)*?)?(?: +\"(.*?)\")|([\w\-]+(?: +[\w\-]+)*?)) *$"),
    ),
    ("=", "tab", re.compile(r"={3}(\+|\+!|!\+|!)? +\"(.*?)\" *$")),
    ("#", "heading", re.compile(r"(#{1,6})((?:\\.|[^\\#]|#+(?=[^#]))*?)#*$")),
    ("-", "rule", re.compile(r" {0,3}-(?: {0,2}-){2,} *$")),
    ("_", "rule", re.compile(r" {0,3}_(?: {0,2}_){2,} *$")),
    ("*", "rule", re.compile(r" {0,3}\*(?: {0,2}\*){2,} *$")),
    (":", "colon", re.compile(r" {0,3}: {1,3}")),
    ("[", "note", re.compile(r" {0,3}\[\^([^\]]*)\]: *")),
    (">", "quote", re.compile(r" {0,3}> ?")),
)
_BY_FIRST = {first: (kind, pattern) for first, kind, pattern in _MARKS}
_PATTERNS = {kind: pattern for _, kind, pattern in _MARKS}
_DEFINITION = re.compile(
    r"^ {0,3}\[([^\[\]]*)\]: *(?:\n *)?([^\s]+) *(?:\n *)?(?:([\"'])(.*)\3 *|\((.*)\) *)?$", re.MULTILINE
)
_FIRST = re.compile(r" {0,3}([!?=#\-_*>:\[])")


@dataclass(slots=True, eq=False)
class Node:
    """An element: a tag, its own text before the children, and the text that follows it in its parent.

    Attributes:
        css: value of its class attribute.
        id: an id that the page gives it.
        is_element: it is written as an HTML element whose content is Markdown.
        mode: `inline` text, `blocks` still to be parsed, or `raw`: shown as it stands (code, and HTML).
    """

    tag: str
    css: str = ""
    id: str = ""
    mode: str = "inline"
    is_element: bool = False
    text: list[Line] = field(default_factory=list)
    tail: list[Line] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    @property
    def last(self) -> Node | None:
        """The last child, if any."""
        return self.children[-1] if self.children else None

    def add(self, tag: str, css: str = "", text: Sequence[Line] = ()) -> Node:
        """Append a new child."""
        child = Node(tag, css, text=list(text))
        self.children.append(child)
        return child


@dataclass(frozen=True, slots=True)
class Definition:
    """A reference definition, `[name]: target "title"`: the lines it takes (first, last) and what it says."""

    first: int
    last: int
    name: str
    target: str


class Block:
    """Lines between two blank ones, from `start` on.

    What is left of a block shares its lines and what is known of them, so that cutting costs nothing and every
    line is looked at once.
    """

    __slots__ = ("_known", "lines", "start")

    def __init__(self, lines: list[Line], start: int = 0, known: _Known | None = None) -> None:
        self.lines = lines
        self.start = start
        self._known = _Known(_classify(lines)) if known is None else known

    @property
    def first(self) -> str:
        """The text of the first line."""
        return self.lines[self.start].text if self.start < len(self.lines) else ""

    @property
    def is_blank(self) -> bool:
        """Whether there is no text at all, not even a line end."""
        left = len(self.lines) - self.start
        return left <= 0 or (left == 1 and not self.lines[self.start].text)

    def rest(self, index: int) -> Block:
        """What is left from line `index` of `lines` on."""
        return Block(self.lines, index, self._known)

    def rest_without_blanks(self, index: int) -> Block:
        """What is left from line `index` on, without empty lines in front."""
        while index < len(self.lines) and not self.lines[index].text:
            index += 1
        return Block(self.lines, index, self._known)

    def all(self) -> list[Line]:
        """The lines of this block."""
        return self.lines[self.start :] if self.start else self.lines

    def find(self, kind: str) -> int:
        """Index in `lines` of the first line with such a mark, or -1."""
        places = self._known.marks.get(kind)
        if not places:
            return -1
        index = bisect_left(places, self.start)
        return places[index] if index < len(places) else -1

    def definitions(self) -> list[Definition]:
        """The first reference definitions of this block that follow each other without other text between."""
        if self.find("definition") < 0:
            return []
        if self._known.definitions is None:
            self._known.definitions = _find_definitions(self.lines)
        known = self._known.definitions
        index = bisect_left(known, self.start, key=lambda item: item.first)
        run = known[index : index + 1]
        for item in known[index + 1 :]:
            between = self.lines[run[-1].last + 1 : item.first]
            if item.last > item.first or any(line.text for line in between):
                break
            run.append(item)
        return run


@dataclass(slots=True)
class _Known:
    """What has been found out about a list of lines."""

    marks: dict[str, list[int]]
    definitions: list[Definition] | None = None


def _classify(lines: list[Line]) -> dict[str, list[int]]:
    """Which lines carry a mark that block rules look for anywhere in a block."""
    marks: dict[str, list[int]] = {}
    for index, line in enumerate(lines):
        text = line.text
        found = _FIRST.match(text)
        if found:
            kind, pattern = _BY_FIRST[found.group(1)]
            if pattern.match(text):
                marks.setdefault(kind, []).append(index)
        elif text.startswith(TAB):
            marks.setdefault("tabbed", []).append(index)
        if "]:" in text:
            marks.setdefault("definition", []).append(index)
    return marks


def _find_definitions(lines: list[Line]) -> list[Definition]:
    text = "\n".join(line.text for line in lines)
    found = []
    line = offset = 0
    for match in _DEFINITION.finditer(text):
        first = line + text.count("\n", offset, match.start())
        line = first + text.count("\n", match.start(), match.end())
        offset = match.end()
        name, target = match.group(1).strip().lower(), match.group(2).lstrip("<").rstrip(">")
        found.append(Definition(first, line, name, target))
    return found


def match_mark(kind: str, line: Line) -> re.Match[str]:
    """The match of a line that `Block.find` gave for the kind."""
    found = _PATTERNS[kind].match(line.text)
    if found is None:
        raise AssertionError(f"{line} has no {kind} mark")
    return found


def split_blocks(lines: list[Line]) -> list[Block]:
    """Cut lines into blocks where the renderer does: at each pair of line ends, left to right."""
    blocks: list[Block] = []
    current: list[Line] = []
    last = len(lines) - 1
    for index, line in enumerate(lines):
        if not line.text and current and index < last:
            blocks.append(Block(current))
            current = []
        else:
            current.append(line)
    blocks.append(Block(current))
    return blocks


def detab(block: Block, width: int = TAB_LENGTH) -> tuple[list[Line], Block]:
    """The leading lines that are indented by `width` (or blank), without it, and what is left of the block."""
    indent = " " * width
    taken: list[Line] = []
    for index in range(block.start, len(block.lines)):
        line = block.lines[index]
        if line.text.startswith(indent):
            taken.append(line.drop(width))
        elif not line.text.strip():
            taken.append(Line("", line.row, line.column))
        else:
            return taken, block.rest(index)
    return taken, block.rest(len(block.lines))


def loose_detab(lines: list[Line], level: int = 1) -> list[Line]:
    """The lines less `level` tabs where they have them."""
    indent = TAB * level
    return [line.drop(len(indent)) if line.text.startswith(indent) else line for line in lines]
