"""The notation of includes, as pymdownx.snippets defines it: `--8<-- "file:3:7"`, blocks of paths, sections."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_MARK = re.compile(r"([ \t]*)(;*)(-+8<-+)")
_QUOTED = re.compile(r"""[ \t]+("(?:\\"|[^"\n\r])+"|'(?:\\'|[^'\n\r])+')$""")
_SECTION = re.compile(r"(?<!-)-+8<-+[ \t]+\[[ \t]*(start|end)[ \t]*:[ \t]*([a-z][-_0-9a-z]*)[ \t]*\]", re.IGNORECASE)
_RANGES = re.compile(r"-?[0-9]*(?::-?[0-9]*)?(?:,(?=[-0-9:])-?[0-9]*(?::-?[0-9]*)?)*$")
_NAME = re.compile(r"[a-z][-_0-9a-z]*$", re.IGNORECASE)

_MAX_TARGET = 4096
"""Longer than any path that a file system takes."""

Ranges = tuple[tuple[int | None, int | None], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """An include on a line: `inline` names its target itself, `block` opens or closes a list of targets."""

    kind: Literal["inline", "block", "escaped"]
    indent: str
    target: str = ""
    column: int = 0


@dataclass(frozen=True, slots=True)
class SectionMark:
    """`--8<-- [start:name]` or `[end:name]` in an included file; `escape` is the place of a `;` before it, or -1."""

    kind: str
    name: str
    escape: int


@dataclass(frozen=True, slots=True)
class Target:
    """What to include: a path, and either ranges of lines (0-based starts, Python slices) or a section."""

    path: str
    ranges: Ranges = ()
    section: str = ""


def match_mark(line: str) -> Mark | None:
    """The include notation that a whole line consists of."""
    if "8<-" not in line or not (found := _MARK.match(line)):
        return None
    rest = line[found.end() :]
    quoted = _QUOTED.match(rest)
    if rest and not quoted:
        return None
    if found.group(2):
        return Mark("escaped", found.group(1))
    if not quoted:
        return Mark("block", found.group(1))
    target = quoted.group(1)[1:-1]
    column = found.end() + quoted.start(1) + 1 + len(target) - len(target.lstrip())
    return Mark("inline", found.group(1), target.strip(), column)


def match_section(line: str) -> SectionMark | None:
    """The first section notation in a line; it may stand in a comment of any language."""
    if "8<-" not in line or not (found := _SECTION.search(line)):
        return None
    before = line[: found.start()]
    escape = len(before.rstrip(";")) if before.endswith(";") else -1
    return SectionMark(found.group(1).lower(), found.group(2), escape)


def parse_target(text: str) -> Target | None:
    """Split `file.md:1:5`, `file.md:1:2,8:9` or `file.md:section`; None when no path is left."""
    if len(text) > _MAX_TARGET:
        return None
    colon = text.find(":")
    while colon != -1:
        rest = text[colon + 1 :]
        path = text[:colon].strip()
        if _RANGES.match(rest):
            return Target(path, _ranges(rest)) if path else None
        if _NAME.match(rest):
            return Target(path, section=rest) if path else None
        colon = text.find(":", colon + 1)
    path = text.strip()
    return Target(path) if path else None


def _ranges(text: str) -> Ranges:
    found = []
    for item in text.split(","):
        first, _, last = item.partition(":")
        start = int(first) if first not in ("", "-") else None
        if start is not None and start >= 0:
            start = max(0, start - 1)
        found.append((start, int(last) if last not in ("", "-") else None))
    return tuple(found)


def select_ranges(ranges: Ranges, total: int) -> list[int]:
    """The 0-based line numbers that the ranges name, out of `total`; negative numbers count from the end."""
    chosen: list[int] = []
    for start, end in ranges:
        first = min(max(total + start, 0), total) if start and start < 0 else start
        last = min(max(total + 1 + end, 0), total) if end and end < 0 else end
        chosen.extend(range(*slice(first, last).indices(total)))
    return chosen
