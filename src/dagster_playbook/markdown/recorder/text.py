"""What a reader sees of a piece of the renderer's tree: no tags, no placeholders, no marks."""

from __future__ import annotations

import html
import re
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.util import AMP_SUBSTITUTE, HTML_PLACEHOLDER_RE

_ORDINAL = re.compile("\x02([0-9]+)\x03")
_SYNTAX = re.compile(r"[`*_\[\]<>&\\!#]")
_TAG = re.compile(r"<!--.*?-->|</?[a-zA-Z][^<>]*>|<\?.*?\?>", re.DOTALL)


def shown_text(md: Any, element: Element) -> str:
    """The text of an element as it is shown, blanks collapsed, without the numbers of footnotes."""
    return " ".join(plain(md, "".join(_texts(element))).split())


def plain(md: Any, text: str) -> str:
    """Text out of the tree with what its placeholders stand for."""
    if "\x02" in text:
        text = _ORDINAL.sub(lambda found: chr(int(found.group(1))), text)
        text = text.replace(AMP_SUBSTITUTE, "&")
        text = HTML_PLACEHOLDER_RE.sub(lambda found: _stashed(md, int(found.group(1))), text)
    return html.unescape(text) if "&" in text else text


def _stashed(md: Any, number: int) -> str:
    stash = md.htmlStash.rawHtmlBlocks
    item = stash[number] if number < len(stash) else ""
    return _TAG.sub("", item) if isinstance(item, str) else "".join(item.itertext())


def _texts(element: Element) -> list[str]:
    found = [element.text or ""]
    for child in element:
        is_note = child.tag == "sup" and (child.get("id") or "").startswith("fnref")
        if isinstance(child.tag, str) and not is_note:
            found += _texts(child)
        found.append(child.tail or "")
    return found


def shown_words(text: str) -> str:
    """The words that a reader sees of a piece of Markdown within a sentence."""
    if not _SYNTAX.search(text):
        return " ".join(text.split())
    # a word in front: what begins a block elsewhere is text within a sentence
    shown = _plain_renderer().convert(f"x {text}")
    return " ".join(html.unescape(_TAG.sub("", shown)).split())[2:]


@lru_cache(maxsize=1)
def _plain_renderer() -> Any:
    return Markdown()
