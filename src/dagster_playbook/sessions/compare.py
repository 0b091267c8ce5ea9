"""What a page shows of an output against what was printed: equal but for dates, ids, times and what is left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

#: what differs from one run to the next, and what stands for it while two lines are compared; the longest first
_PATTERNS = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{6}\b"), "<run>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,64}\b"), "<hash>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\b"), "<date>"),
    (re.compile(r"\b\d+(?:\.\d+)? ?(?:ms|s|seconds?|minutes?|min)\b"), "<time>"),
    (re.compile(r"(?<![\w.])/(?:tmp|var/folders)/[\w./-]+"), "<path>"),
)
_ELLIPSIS = re.compile(r"^[\s\u2500-\u257f]*(?:\.\.\.|\u2026)\s*$")
_IDS = re.compile("|".join(pattern.pattern for pattern, _ in _PATTERNS[:3]))
#: as many characters of an id are enough to mean it
_SHORTEST_ID = 8


@dataclass(frozen=True, slots=True)
class Compared:
    """The verdict: the first line of the page (0-based) that differs, -1 for none, what is printed there, and the whole
    output as the page should show it."""

    line: int
    printed: str
    right: tuple[str, ...]


def same_line(shown: str, printed: str) -> bool:
    """Whether a line is right: dates, ids and times may differ, and an ellipsis in it stands for any text."""
    left, right = _plain(shown), _plain(printed)
    if left == right:
        return True
    if "..." not in left and "\u2026" not in left:
        return False
    pieces = [re.escape(piece) for piece in re.split(r"\.\.\.|\u2026", left)]
    return re.fullmatch(".*?".join(pieces), right) is not None


def compared(shown: Sequence[str], printed: Sequence[str]) -> Compared:
    """Hold what is shown to what was printed; lines of nothing but an ellipsis leave out any number of lines."""
    page, real = [line.rstrip() for line in shown], _trimmed(printed)
    if not any(_ELLIPSIS.match(line) for line in page):
        return _piecewise(page, real, [(0, len(page), 0, len(real))])
    stretches = _stretches(page)
    found, at = [], 0
    for number, (start, stop) in enumerate(stretches):
        size, is_last = stop - start, stop == len(page)
        begin = 0 if number == 0 and start == 0 else _best(page[start:stop], real, at, is_last=is_last)
        end = len(real) if is_last else min(begin + size, len(real))
        found.append((start, stop, begin, end))
        at = end
    return _piecewise(page, real, found)


def _stretches(page: Sequence[str]) -> list[tuple[int, int]]:
    """Start and end of what stands between the ellipses."""
    found, start = [], 0
    for number, line in enumerate([*page, "..."]):
        if number == len(page) or _ELLIPSIS.match(line):
            if number > start:
                found.append((start, number))
            start = number + 1
    return found


def _best(lines: Sequence[str], real: Sequence[str], at: int, *, is_last: bool) -> int:
    """Where most of the lines stand in what was printed; of several such places the first, or the last for the end."""
    places = range(at, max(len(real) - len(lines), at) + 1)
    scores = {
        place: sum(same_line(line, real[place + k]) for k, line in enumerate(lines) if place + k < len(real))
        for place in places
    }
    return max(scores, key=lambda place: (scores[place], place if is_last else -place))


def _piecewise(page: list[str], real: list[str], pairs: list[tuple[int, int, int, int]]) -> Compared:
    right, wrong, printed, before = [], -1, "", 0
    for start, stop, begin, end in pairs:
        right += page[before:start]
        before = stop
        for k in range(max(stop - start, end - begin)):
            shown = page[start + k] if start + k < stop else None
            told = real[begin + k] if begin + k < end else None
            if shown is not None and told is not None and same_line(shown, told):
                right.append(shown)
                continue
            if wrong < 0:
                wrong, printed = min(start + k, len(page)), told or ""
            if told is not None:
                right.append(told)
    return Compared(wrong, printed, (*right, *page[before:]))


def ids_of(shown: Sequence[str], printed: Sequence[str]) -> dict[str, str]:
    """Ids on the page to those of this run: later commands of the page name the one, and mean the other."""
    found: dict[str, str] = {}
    for line in shown:
        if _IDS.search(line) and (told := next((other for other in printed if same_line(line, other)), None)):
            found.update(zip(_matches(line), _matches(told), strict=False))
    return found


def with_ids(word: str, ids: dict[str, str]) -> str:
    """A word of a command in which an id of the page, or the beginning of one, is that of this run."""
    for shown, real in ids.items():
        if len(word) >= _SHORTEST_ID and shown.startswith(word):
            return real[: len(word)]
    return word


def as_shown(line: str, ids: dict[str, str]) -> str:
    """A line of this run with the ids that the page has, so that all of a page speaks of one run."""
    for shown, real in ids.items():
        line = line.replace(real, shown)
        if len(real) == len(shown) > 2 * _SHORTEST_ID:
            short = re.compile(rf"\b{real[:_SHORTEST_ID]}[0-9a-f-]*\b")
            line = short.sub(lambda match, shown=shown: shown[: len(match.group())], line)  # type: ignore[misc]
    return line


def _matches(line: str) -> list[str]:
    return [match.group() for match in _IDS.finditer(line)]


def _plain(line: str) -> str:
    text = " ".join(line.split())
    for pattern, stands_for in _PATTERNS:
        text = pattern.sub(stands_for, text)
    return text


def _trimmed(lines: Sequence[str]) -> list[str]:
    """Without control characters, blanks at the ends of lines, and empty lines at the end."""
    shown = ["".join(c if c.isprintable() else " " for c in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line)).rstrip()
             for line in lines]  # fmt: skip
    while shown and not shown[-1]:
        shown.pop()
    return shown
