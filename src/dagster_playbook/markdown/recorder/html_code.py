"""Code that stands on a page as raw HTML: readers see `<pre>`, `<code>`, `<tt>`, `<samp>` and `<kbd>` as any other."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dagster_playbook.markdown.model import Fence, Span
from dagster_playbook.markdown.source import Place, Source

_NAMES = frozenset({"pre", "code", "tt", "samp", "kbd"})
_LANGUAGE = re.compile(r"(?:^|\s)(?:language|lang|highlight|source)-(?P<name>[\w+#-]+)")
_MARKUP = re.compile(r"<!--.*?-->|</?[A-Za-z][^<>]*>")
_LEADING = re.compile(r"(?:</?[A-Za-z][^<>]*>)*")
#: keys of a keyboard are what `<kbd>` is for; they name nothing else
_KEYS = re.compile(
    r"(?:(?:[^\w\s]|\w|F\d{1,2}|Ctrl|Control|Cmd|Command|Alt|Option|Opt|Shift|Meta|Win|Windows|Super|Fn|Enter|Return|Esc"
    r"|Escape|Tab|Space|Backspace|Del|Delete|Ins|Insert|Home|End|Up|Down|Left|Right|Page ?(?:Up|Down)|Arrow\w*)"
    r"(?:\s*[+\u2013-]\s*|\s+|\Z))+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class CodeTag:
    """A tag that begins or ends code, with the language that it names and the places around it."""

    name: str
    is_end: bool
    language: str
    start: Place
    end: Place


def note_code(
    tags: list[CodeTag], name: str, attrs: Sequence[tuple[str, str | None]] | None, start: Place, end: Place
) -> None:
    """Write a tag down when it is one of code; `attrs` are None for an end tag."""
    if name not in _NAMES:
        return
    values = dict(attrs or ())
    named = _LANGUAGE.search(values.get("class") or "")
    language = named["name"] if named else values.get("lang") or ""
    tags.append(CodeTag(name, attrs is None, language.lower(), start, end))


def html_code(tags: Iterable[CodeTag], source: Source) -> Iterator[tuple[Place, Fence | Span]]:
    """The blocks and spans between the tags, in the order of the text; a tag that is never closed begins none."""
    ordered = sorted(dict.fromkeys(tags), key=lambda tag: tag.start)
    ends = Counter(tag.name for tag in ordered if tag.is_end)
    opened, language = None, ""
    for tag in ordered:
        ends[tag.name] -= tag.is_end
        if not tag.is_end:
            # an inner tag only says more of the language; an outer one of the same name was never closed
            if opened is None or opened.name == tag.name:
                opened, language = (tag, tag.language) if ends[tag.name] else (None, "")
            else:
                language = language or tag.language
        elif opened is not None and tag.name == opened.name:
            found = _block(opened, tag, language, source) if tag.name == "pre" else _span(opened, tag, language, source)
            if found is not None:
                yield opened.end, found
            opened = None


def _lines(start: Place, end: Place, source: Source) -> Iterator[tuple[int, int, str]]:
    """Row, column and text of each line between two places."""
    for row in range(start[0], end[0] + 1):
        first = start[1] if row == start[0] else 0
        text = source.rows[row].text
        yield row, first, text[first : end[1]] if row == end[0] else text[first:]


def _shown(text: str) -> str:
    return html.unescape(_MARKUP.sub("", text))


def _block(opened: CodeTag, closed: CodeTag, language: str, source: Source) -> Fence | None:
    lines = list(_lines(opened.end, closed.start, source))
    while lines and not _shown(lines[0][2]).strip():
        del lines[0]
    while lines and not _shown(lines[-1][2]).strip():
        del lines[-1]
    if not lines:
        return None
    origins = []
    for row, column, text in lines:
        leading = _LEADING.match(text)
        origins.append(source.origin(row, column + (leading.end() if leading else 0)))
    place = source.location(*opened.start, *closed.end)
    body = "\n".join(_shown(text) for _, _, text in lines)
    return Fence(language, "", {}, body, place, tuple(origins), is_html=True)


def _span(opened: CodeTag, closed: CodeTag, language: str, source: Source) -> Span | None:
    text = " ".join(_shown(" ".join(piece for _, _, piece in _lines(opened.end, closed.start, source))).split())
    if not text or (opened.name == "kbd" and _KEYS.fullmatch(text)):
        return None
    return Span(text, source.location(*opened.end, *closed.start), language, is_html=True)
