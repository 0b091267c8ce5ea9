"""What a reader sees of an inline text: no marks of emphasis, no targets, no tags."""

from __future__ import annotations

import html
import re

from dagster_playbook.markdown.inline_text import Inline, mask
from dagster_playbook.markdown.source import FILLER

_STARS = re.compile(r"\*+")
_UNDERSCORES = re.compile(r"_+")


def plain_text(found: Inline, start: int = 0, end: int = -1) -> str:
    """The shown text of a stretch, blanks collapsed."""
    text = found.text[start : len(found.text) if end < 0 else end]
    if not found.cuts and "*" not in text and "_" not in text and "&" not in text:
        return " ".join(text.replace(FILLER, "").split())
    inside = found.cuts_between(start, start + len(text))
    outer = _outermost([(first - start, last - start, shown) for first, last, shown in inside])
    masked = mask(text, [cut[:2] for cut in outer])
    outer += [(*stretch, "") for stretch in emphasis_marks(masked)]
    outer.sort()
    pieces = []
    position = 0
    for begin, stop, shown in outer:
        pieces += [html.unescape(text[position:begin]), shown]
        position = stop
    pieces.append(html.unescape(text[position:]))
    return " ".join("".join(pieces).replace(FILLER, "").split())


def element_bounds(found: Inline) -> tuple[int, int]:
    """Where the first inline element of a text begins and the last one ends; the text's end and start without any."""
    places = [(span.begin, span.stop) for span in found.spans]
    places += [(link.begin, link.stop) for link in found.links]
    masked = mask(found.text, [cut[:2] for cut in _outermost(found.cuts)])
    places += emphasis_marks(masked)
    if not places:
        return len(found.text), 0
    return min(start for start, _ in places), max(end for _, end in places)


def _outermost(cuts: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """The cuts that lie in no other one, in order."""
    outer: list[tuple[int, int, str]] = []
    for cut in sorted(cuts, key=lambda cut: (cut[0], -cut[1])):
        if not outer or cut[0] >= outer[-1][1]:
            outer.append(cut)
    return outer


def emphasis_marks(text: str) -> list[tuple[int, int]]:
    """Stretches of `*` and `_` that open or close emphasis."""
    return _pairs(text, _STARS, smart=False) + _pairs(text, _UNDERSCORES, smart=True)


def _pairs(text: str, pattern: re.Pattern[str], *, smart: bool) -> list[tuple[int, int]]:
    """Pair runs of one mark; a smart mark within a word is text."""
    taken: list[tuple[int, int]] = []
    opened: list[tuple[int, int]] = []
    for found in pattern.finditer(text):
        first, last = found.span()
        before = text[first - 1] if first > 0 else " "
        after = text[last] if last < len(text) else " "
        can_close = not before.isspace() and not (smart and after.isalnum())
        can_open = not after.isspace() and not (smart and before.isalnum())
        while can_close and opened and first < last:
            begin, stop = opened.pop()
            size = min(stop - begin, last - first)
            taken += [(stop - size, stop), (first, first + size)]
            first += size
            if stop - begin > size:
                opened.append((begin, stop - size))
        if can_open and first < last:
            opened.append((first, last))
    return taken
