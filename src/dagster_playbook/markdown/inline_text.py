"""What is known of the inline structure of a text, as offsets into it."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from dagster_playbook.markdown.code_spans import CodeSpan
from dagster_playbook.markdown.source import FILLER


@dataclass(frozen=True, slots=True)
class InlineLink:
    """A link or image as offsets: all of it, what is shown, and its target in the text (-1 for a reference)."""

    begin: int
    stop: int
    text: tuple[int, int]
    target: str
    is_image: bool
    target_at: tuple[int, int] = (-1, -1)


@dataclass(slots=True)
class Inline:
    """What a text holds; all numbers are offsets into `text`.

    Attributes:
        html: stretches of raw HTML: tags, comments, processing instructions.
        cuts: stretches that are shown otherwise than written, with what is shown.
    """

    text: str
    spans: list[CodeSpan] = field(default_factory=list)
    links: list[InlineLink] = field(default_factory=list)
    html: list[tuple[int, int]] = field(default_factory=list)
    cuts: list[tuple[int, int, str]] = field(default_factory=list)
    _sorted: list[tuple[int, int, str]] = field(default_factory=list)

    def cuts_between(self, start: int, end: int) -> list[tuple[int, int, str]]:
        """The cuts that lie wholly in a stretch, in order."""
        if len(self._sorted) != len(self.cuts):
            self._sorted = sorted(self.cuts)
        found = []
        for index in range(bisect_left(self._sorted, (start, 0, "")), len(self._sorted)):
            cut = self._sorted[index]
            if cut[0] >= end:
                break
            if cut[1] <= end:
                found.append(cut)
        return found

    def visible_spans(self) -> list[CodeSpan]:
        """Code spans that are neither part of raw HTML nor of a target nor of an image's alternative text."""
        hidden = list(self.html)
        for link in self.links:
            if link.is_image:
                hidden.append((link.begin, link.stop))
            else:
                hidden.append((link.text[1], link.stop))
        if not hidden:
            return self.spans
        hidden.sort()
        visible: list[CodeSpan] = []
        index, reach = 0, -1
        for span in self.spans:
            while index < len(hidden) and hidden[index][0] <= span.begin:
                reach = max(reach, hidden[index][1])
                index += 1
            if span.begin >= reach:
                visible.append(span)
        return visible


def mask(text: str, marks: list[tuple[int, int]]) -> str:
    """The text with each stretch (in order, apart from each other) overwritten by marks of the same length."""
    if not marks:
        return text
    pieces = []
    position = 0
    for start, end in marks:
        pieces += [text[position:start], FILLER * (end - start)]
        position = end
    pieces.append(text[position:])
    return "".join(pieces)
