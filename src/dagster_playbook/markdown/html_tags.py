"""Raw HTML as a renderer tells it apart: where a tag ends, its name and its attributes."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

BLOCK_TAGS = frozenset(
    "address article aside blockquote body canvas center colgroup dd details div dl dt fieldset figcaption figure "
    "footer form group h1 h2 h3 h4 h5 h6 header hgroup hr html iframe legend li main map math menu nav noscript "
    "object ol option output p pre progress script section style summary table tbody td textarea tfoot th thead "
    "tr ul video".split()
)
_SPAN_TAGS = frozenset("address dd dt h1 h2 h3 h4 h5 h6 legend li p summary td th".split())
_RAW_TAGS = frozenset("canvas math option pre script style textarea".split())

_START_TAG = re.compile(
    r"""<[a-zA-Z][^`\t\n\r\f />\x00]*+(?:[\s/]*+(?:(?<=['"\s/])[^`\s/>][^\s/=>]*+"""
    r"""(?:\s*+=++\s*+(?:'[^']*+'|"[^"]*+"|(?!['"])[^`>\s]*+)(?:\s*+,)*+)?+(?:\s|/(?!>))*+)*+)?+\s*+"""
)
_NAME = re.compile(r"([a-zA-Z][^\t\n\r\f />\x00]*)(?:\s|/(?!>))*")
_ATTRIBUTE = re.compile(r"""((?<=['"\s/])[^\s/>][^\s/=>]*)(\s*=+\s*('[^']*'|"[^"]*"|(?!['"])[^>\s]*))?(?:\s|/(?!>))*""")
_END_TAG = re.compile(r"</\s*([a-zA-Z][-.a-zA-Z0-9:_]*)")


@dataclass(frozen=True, slots=True)
class Tag:
    """A start or end tag: lower-case name, attributes, and the offset behind it.

    Attributes:
        places: start and end of each attribute's value in the text.
        closed: whether it ends in `/>`.
    """

    name: str
    end: int
    attributes: dict[str, str]
    places: dict[str, tuple[int, int]]
    closed: bool = False


def start_tag_end(text: str, start: int) -> int:
    """The offset behind the start tag at `start`, or -1 when no tag begins there."""
    found = _START_TAG.match(text, start)
    if not found:
        return -1
    end = found.end()
    following = text[end : end + 1]
    if following == ">":
        return end + 1
    if following == "/" and text.startswith("/>", end):
        return end + 2
    if not following or following in "/=" or (following.isascii() and following.isalpha()):
        return -1
    return end


def read_start_tag(text: str, start: int, end: int) -> Tag | None:
    """Name and attributes of the tag between the offsets; None when it is not a whole tag."""
    name = _NAME.match(text, start + 1, end)
    if not name:
        return None
    attributes: dict[str, str] = {}
    places: dict[str, tuple[int, int]] = {}
    position = name.end()
    while position < end:
        found = _ATTRIBUTE.match(text, position, end)
        if not found:
            break
        key, value = found.group(1).lower(), found.group(3)
        first, last = found.span(3)
        if found.group(2) and value[:1] in ("'", '"') and value[:1] == value[-1:] and len(value) > 1:
            value, first, last = value[1:-1], first + 1, last - 1
        if key not in attributes:
            attributes[key] = html.unescape(value) if found.group(2) else key
            places[key] = (first, last)
        position = found.end()
    closing = text[position:end].strip()
    if closing not in (">", "/>"):
        return None
    return Tag(name.group(1).lower(), end, attributes, places, closing == "/>")


def read_end_tag(text: str, start: int) -> Tag | None:
    """The end tag at `start`; its end is behind the next `>`."""
    found = _END_TAG.match(text, start)
    close = text.find(">", start)
    if not found or close == -1:
        return None
    return Tag(found.group(1).lower(), close + 1, {}, {})


def content_state(tag: Tag, outer: str) -> str:
    """How the content of a block-level element is read: as `block` or `span` Markdown, or not (`off`).

    The attribute `markdown` asks for it; `outer` is the state of the element around it, which may forbid it.
    """
    wanted = tag.attributes.get("markdown", "0")
    wanted = "1" if wanted == "markdown" else wanted
    if outer == "off" or (outer == "span" and wanted != "0"):
        wanted = outer
    if tag.name in _RAW_TAGS:
        return "off"
    is_span = tag.name in _SPAN_TAGS
    if wanted == "block" or (wanted == "1" and not is_span):
        return "block"
    return "span" if wanted == "span" or (wanted == "1" and is_span) else "off"
