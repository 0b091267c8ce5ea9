"""Inline structure of a text: code spans, links, images, raw HTML, in the order in which Python-Markdown applies them.

Python-Markdown runs one pattern after the other over the whole text and puts a placeholder for each match. Here
a match is overwritten by as many marks as it has characters, so that every offset stays an offset into the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from dagster_playbook.markdown.code_spans import find_code_spans
from dagster_playbook.markdown.destinations import read_destination
from dagster_playbook.markdown.inline_text import Inline, InlineLink, mask

_ESCAPABLE = frozenset("\\`*_{}[]()>#+-.!|")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NOTE = re.compile(r"\[\^([^\]]*)\]")
_BRACKET = re.compile(r"[\[\]]")
_BLANKS = re.compile(r"\s+")
_AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]*://[^<>]*)>")
_AUTOMAIL = re.compile(r"<([^<> !]+@[^@<> ]+)>")
_HTML = re.compile(
    r"""<(?:/?+[a-zA-Z][^\s"'<>@]*+(?:\s+[^\s"'=<>]++(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s"'=<>]++))?+)*+\s*+/?"""
    r"|!--(?:(?!<!--|-->).)*--|[?](?:(?!<[?]|[?]>).)*[?]|!\[CDATA\[(?:(?!<!\[CDATA\[|\]\]>).)*\]\])>",
    re.DOTALL,
)
_SCAN_FACTOR = 8
_SCAN_FLOOR = 20_000
"""Unclosed links are searched for at most this many characters of a text: a bound on hostile input alone."""


@dataclass(slots=True)
class _Pass:
    """One segment of the text on its way through the patterns."""

    text: str
    base: int
    stage: int


_Found = tuple[int, str, tuple[int, int]]
"""End of a link, its target, and where the target stands ((-1, -1) for a reference)."""

_Resolve = Callable[[str, int, int], "_Found | int | None"]
"""Text, start and end of the bracketed part: what was found, where to go on without it, or None to look inside."""


@dataclass(slots=True)
class InlineParser:
    """Parses texts against a page's reference definitions (lower-case name to target) and its footnotes' names."""

    references: dict[str, str] = field(default_factory=dict)
    footnotes: set[str] = field(default_factory=set)
    _found: Inline = field(default_factory=lambda: Inline(""))
    _segments: list[_Pass] = field(default_factory=list)
    _allowance: int = 0

    def parse(self, text: str) -> Inline:
        """The inline structure of one block's text."""
        self._found = found = Inline(text)
        if not any(mark in text for mark in "`[<\\"):
            return found
        self._allowance = _SCAN_FACTOR * len(text) + _SCAN_FLOOR
        masked = self._notes(self._escapes(self._code(text)))
        self._segments.append(_Pass(masked, 0, 0))
        while self._segments:
            self._run(self._segments.pop())
        found.links.sort(key=lambda link: (link.begin, -link.stop))
        found.html.sort()
        return found

    def _code(self, text: str) -> str:
        spans, escapes = find_code_spans(text)
        self._found.spans = spans
        for span in spans:
            self._found.cuts.append((span.begin, span.stop, span.text))
        for escape in escapes:
            half = (escape.stop - escape.begin) // 2
            self._found.cuts.append((escape.begin, escape.stop, "\\" * half))
        marks = [(span.begin, span.stop) for span in spans]
        marks += [(escape.begin, escape.stop) for escape in escapes]
        return mask(text, sorted(marks))

    def _escapes(self, text: str) -> str:
        if "\\" not in text:
            return text
        marks = []
        for found in _ESCAPE.finditer(text):
            if found.group(1) in _ESCAPABLE:
                marks.append(found.span())
                self._found.cuts.append((found.start(), found.end(), found.group(1)))
        return mask(text, marks)

    def _notes(self, text: str) -> str:
        if not self.footnotes:
            return text
        marks = [found.span() for found in _NOTE.finditer(text) if found.group(1) in self.footnotes]
        self._found.cuts += [(*mark, "") for mark in marks]
        return mask(text, marks)

    def _run(self, part: _Pass) -> None:
        stages: tuple[tuple[str, _Resolve, bool], ...] = (
            ("[", self._full_reference, False),
            ("[", self._direct, False),
            ("![", self._direct, True),
            ("![", self._full_reference, True),
            ("[", self._short_reference, False),
            ("![", self._short_reference, True),
        )
        text = part.text
        for stage in range(part.stage, len(stages)):
            if "[" not in text:
                break
            mark, resolve, is_image = stages[stage]
            text = self._brackets(_Pass(text, part.base, stage), mark, resolve, is_image)
        if "<" in text:
            self._angles(text, part.base)

    def _brackets(self, part: _Pass, mark: str, resolve: _Resolve, is_image: bool) -> str:
        text = part.text
        closing = _closing_brackets(text)
        marks: list[tuple[int, int]] = []
        position = text.find(mark)
        while position != -1:
            inner = position + len(mark)
            position, start = inner, position
            close = closing.get(inner - 1, -1)
            if close >= 0 and (mark != "[" or start == 0 or text[start - 1] != "!"):
                verdict = resolve(text, inner, close)
                if isinstance(verdict, tuple):
                    self._record(part, (start, inner, close), verdict, is_image)
                    marks.append((start, verdict[0]))
                    position = verdict[0]
                elif verdict is not None:
                    position = verdict
            position = text.find(mark, position)
        return mask(text, marks)

    def _record(self, part: _Pass, place: tuple[int, int, int], verdict: _Found, is_image: bool) -> None:
        start, inner, close = place
        stop, target, target_at = verdict
        base = part.base
        if target_at[0] >= 0:
            target_at = (target_at[0] + base, target_at[1] + base)
            target = unescape(self._found.text[target_at[0] : target_at[1]])
        shown = (inner + base, close + base)
        self._found.links.append(InlineLink(start + base, stop + base, shown, target, is_image, target_at))
        if is_image:
            self._found.cuts.append((start + base, stop + base, ""))
            return
        self._found.cuts.append((start + base, inner + base, ""))
        self._found.cuts.append((close + base, stop + base, ""))
        self._segments.append(_Pass(part.text[inner:close], inner + base, part.stage + 1))

    def _full_reference(self, text: str, inner: int, close: int) -> _Found | int | None:
        start = close + 2 if text[close + 1 : close + 2].isspace() else close + 1
        if not text.startswith("[", start):
            return None
        end = text.find("]", start)
        if end == -1:
            return None
        return self._look_up(text[start + 1 : end] or text[inner:close], end + 1)

    def _short_reference(self, text: str, inner: int, close: int) -> _Found | int | None:
        return self._look_up(text[inner:close], close + 1)

    def _look_up(self, name: str, end: int) -> _Found | int:
        if not self.references:
            return end
        target = self.references.get(_BLANKS.sub(" ", name.lower()))
        return end if target is None else (end, target, (-1, -1))

    def _direct(self, text: str, _inner: int, close: int) -> _Found | None:
        if self._allowance <= 0:
            return None
        found = read_destination(text, close + 1, self._allowance)
        if found is None:
            if text.startswith("(", close + 1):
                self._allowance -= len(text) - close
            return None
        return found.stop, "", (found.start, found.end)

    def _angles(self, text: str, base: int) -> None:
        for pattern, prefix in ((_AUTOLINK, ""), (_AUTOMAIL, "mailto:")):
            marks = []
            for found in pattern.finditer(text):
                marks.append(found.span())
                start, end = found.start(1) + base, found.end(1) + base
                target = self._found.text[start:end]
                place = (found.start() + base, found.end() + base, (start, end))
                self._found.links.append(InlineLink(*place, prefix + target.removeprefix(prefix), False, (start, end)))
                self._found.cuts += [(place[0], start, ""), (end, place[1], "")]
            text = mask(text, marks)
        for found in _HTML.finditer(text):
            self._found.html.append((found.start() + base, found.end() + base))
            self._found.cuts.append((found.start() + base, found.end() + base, ""))


def unescape(text: str) -> str:
    """A target without the backslashes that escape its characters."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: found.group(1) if found.group(1) in _ESCAPABLE else found.group(), text)


def _closing_brackets(text: str) -> dict[int, int]:
    """For each opening bracket the offset of the one that closes it."""
    closing: dict[int, int] = {}
    opened: list[int] = []
    for found in _BRACKET.finditer(text):
        if found.group() == "[":
            opened.append(found.start())
        elif opened:
            closing[opened.pop()] = found.start()
    return closing
