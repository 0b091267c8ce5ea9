"""Inline code spans of a text, by the pairing rules of Python-Markdown, in one pass over its backtick runs."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

_RUN = re.compile(r"`+")
_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)+(?=`)|(?<!\\)`")
_LANGUAGE = re.compile(r"(?::{3,}|#!)([\w#.+-]*)\s+")


@dataclass(frozen=True, slots=True)
class CodeSpan:
    """A span as offsets into the text: `begin` and `stop` with the backticks, `start` and `end` of what is shown.

    `#!yaml` or `:::yaml` in front is the language, and no part of `text`.
    """

    begin: int
    stop: int
    start: int
    end: int
    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Escape:
    """An even number of backslashes in front of a backtick: they escape each other, and hide from later rules."""

    begin: int
    stop: int


class _Runs:
    """The backtick runs of a text, and which one closes a span that opens at a place."""

    def __init__(self, text: str) -> None:
        self.starts: list[int] = []
        self.lengths: list[int] = []
        self.by_length: dict[int, list[int]] = {}
        for found in _RUN.finditer(text):
            start, end = found.span()
            self.by_length.setdefault(end - start, []).append(start)
            self.starts.append(start)
            self.lengths.append(end - start)
        self._longest = self._longest_later()

    def _longest_later(self) -> list[int]:
        """For each run the index of the first longest one from it on."""
        longest = [0] * len(self.starts)
        best = -1
        for index in range(len(self.starts) - 1, -1, -1):
            if best < 0 or self.lengths[index] >= self.lengths[best]:
                best = index
            longest[index] = best
        return longest

    def close(self, after: int, length: int) -> tuple[int, int] | None:
        """Start and length of the run that closes `length` backticks which end at `after`.

        Without a run of that length the longest shorter one closes, and the surplus belongs to the code.
        """
        same = self.by_length.get(length, [])
        index = bisect_left(same, after)
        if index < len(same):
            return same[index], length
        index = bisect_left(self.starts, after)
        if index == len(self.starts):
            return None
        best = self._longest[index]
        return (self.starts[best], self.lengths[best]) if self.lengths[best] < length else None


def find_code_spans(text: str) -> tuple[list[CodeSpan], list[Escape]]:
    """Code spans and escaped backslashes of a text, each in order."""
    spans: list[CodeSpan] = []
    escapes: list[Escape] = []
    if "`" not in text:
        return spans, escapes
    runs = _Runs(text)
    position = 0
    while found := _ESCAPE.search(text, position):
        begin = found.start()
        if text[begin] == "\\":
            escapes.append(Escape(begin, found.end()))
            begin = found.end()
        position = _open(text, begin, runs, spans)
    return spans, escapes


def _open(text: str, begin: int, runs: _Runs, spans: list[CodeSpan]) -> int:
    """Pair the backticks at `begin`; the place where the search goes on.

    Behind backticks that nothing closes the renderer skips as many characters again.
    """
    opened = _RUN.match(text, begin)
    after = opened.end() if opened else begin + 1
    closing = runs.close(after, after - begin)
    if closing is None:
        return 2 * after - begin
    close, length = closing
    spans.append(_shown(text, begin, begin + length, close, close + length))
    return close + length


def _shown(text: str, begin: int, start: int, end: int, stop: int) -> CodeSpan:
    language = ""
    if text.startswith((":::", "#!"), start) and (found := _LANGUAGE.match(text[start:end])):
        language = found.group(1)
        start += found.end(1)
    code = text[start:end]
    start += len(code) - len(code.lstrip())
    code = code.strip()
    return CodeSpan(begin, stop, start, start + len(code), code, language)
