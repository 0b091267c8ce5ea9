"""Links, anchors and comments in raw HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dagster_playbook.markdown.html_tags import Tag, read_start_tag, start_tag_end

_TARGETS = {"a": "href", "img": "src", "iframe": "src", "video": "src", "audio": "src", "source": "src"}
_SCAN_FACTOR = 8
_SCAN_FLOOR = 100_000


@dataclass(frozen=True, slots=True)
class Comment:
    """An HTML comment: its inner text, and row and column of its start and end."""

    text: str
    start: tuple[int, int]
    end: tuple[int, int]


@dataclass(frozen=True, slots=True)
class HtmlComment:
    """A comment as offsets; `text` is what stands between the dashes."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class HtmlLink:
    """The target of an `href` or `src`, as offsets of its value."""

    start: int
    end: int
    target: str
    text: str
    is_image: bool


@dataclass(frozen=True, slots=True)
class HtmlAnchor:
    """The value of an `id`, or of the `name` of an `<a>`."""

    start: int
    end: int
    name: str


HtmlItem = HtmlComment | HtmlLink | HtmlAnchor


def scan_html(text: str, start: int, end: int) -> Iterator[HtmlItem]:
    """What a stretch of raw HTML holds, in order."""
    allowance = _SCAN_FACTOR * (end - start) + _SCAN_FLOOR
    position = text.find("<", start, end)
    while position != -1 and allowance > 0:
        following = position + 1
        if text.startswith("<!--", position):
            close = text.find("-->", position + 4, end)
            if close == -1:
                allowance -= end - position
            else:
                following = close + 3
                yield HtmlComment(position, following, text[position + 4 : close])
        elif text[position + 1 : position + 2].isalpha():
            stop = start_tag_end(text, position)
            allowance -= 0 if 0 <= stop <= end else end - position
            tag = read_start_tag(text, position, stop) if 0 <= stop <= end else None
            if tag:
                following = stop
                yield from _tag_items(tag)
        position = text.find("<", following, end)


def _tag_items(tag: Tag) -> Iterator[HtmlLink | HtmlAnchor]:
    key = _TARGETS.get(tag.name)
    if key and key in tag.attributes:
        text = tag.attributes.get("alt", "") if tag.name == "img" else ""
        start, end = tag.places[key]
        yield HtmlLink(max(start, 0), max(end, 0), tag.attributes[key].strip(), text, tag.name != "a")
    for key in ("id", "name") if tag.name == "a" else ("id",):
        if tag.attributes.get(key):
            start, end = tag.places[key]
            yield HtmlAnchor(max(start, 0), max(end, 0), tag.attributes[key])
