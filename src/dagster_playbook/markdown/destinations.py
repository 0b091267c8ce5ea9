"""Where an inline link points: what stands between the parentheses of `[text](target "title")`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SIMPLE = re.compile(r"""\(\s*([^()<>\s'"]*)\s*(?:(?<=\s)"[^"()]*"\s*)?\)""")
_ANGLE = re.compile(r"""\(\s*<([^<>]*)>\s*(?:(?:'[^']*'|"[^"]*")\s*)?\)""")
_OPEN = re.compile(r"\(\s*")


@dataclass(frozen=True, slots=True)
class Destination:
    """Offsets of the target (stripped) and of the end behind the closing parenthesis; `cost` in characters read."""

    start: int
    end: int
    stop: int


@dataclass(slots=True)
class _Quote:
    """A quote mark seen inside the parentheses; between two of the same kind may stand the title."""

    mark: str = ""
    start: int = -1
    end: int = -1


def read_destination(text: str, index: int, limit: int) -> Destination | None:
    """The destination that begins at `index`, or None; reads at most `limit` characters."""
    if not text.startswith("(", index):
        return None
    if (simple := _SIMPLE.match(text, index)) or (simple := _ANGLE.match(text, index)):
        start, end = simple.span(1)
        return _stripped(text, start, end, simple.end())
    opened = _OPEN.match(text, index)
    return _scan(text, opened.end() if opened else index + 1, limit)


def _stripped(text: str, start: int, end: int, stop: int) -> Destination:
    target = text[start:end]
    start += len(target) - len(target.lstrip())
    return Destination(start, start + len(target.strip()), stop)


def _scan(text: str, start: int, limit: int) -> Destination | None:
    """Count parentheses; a first quote mark is taken to open a title, in which they do not count.

    When the title never closes, the parenthesis that would have closed the link without it does.
    """
    depth, outside, fallback, in_title = 1, 1, -1, False
    first, second = _Quote(), _Quote()
    previous = ""
    for index in range(start, min(len(text), start + limit)):
        character = text[index]
        if character == "(":
            if not in_title:
                depth += 1
            elif outside > 0:
                outside -= 1
        elif character == ")":
            if _ends(first, previous) or _ends(second, previous):
                depth = 0
            elif not in_title:
                depth -= 1
            elif outside > 0:
                outside -= 1
                fallback = index + 1 if outside == 0 else fallback
        elif character in "'\"":
            if not first.mark:
                in_title, outside, depth = True, depth, 1
            _note(first, second, character, index)
        if depth == 0:
            return _stripped(text, start, _target_end(first, second, previous, index), index + 1)
        if character != " ":
            previous = character
    if outside == 0 and fallback > 0:
        return _stripped(text, start, fallback - 1, fallback)
    return None


def _note(first: _Quote, second: _Quote, character: str, index: int) -> None:
    if not first.mark:
        first.mark, first.start = character, index
    elif character == first.mark:
        first.end = index
    elif not second.mark:
        second.mark, second.start = character, index
    else:
        second.end = index


def _ends(quote: _Quote, previous: str) -> bool:
    return quote.end >= 0 and quote.mark == previous


def _target_end(first: _Quote, second: _Quote, previous: str, index: int) -> int:
    for quote in (first, second):
        if _ends(quote, previous):
            return quote.start
    return index
