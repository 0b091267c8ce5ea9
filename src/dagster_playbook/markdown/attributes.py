"""Attribute lists in braces, `{#id .class key="value"}`, as the extension attr_list reads them."""

from __future__ import annotations

import re

_ATTRIBUTE = re.compile(r"""([^ =}]+)="(.*?)"|([^ =}]+)='(.*?)'|([^ =}]+)=([^ =}]+)|([^ =}]+)| """)
_INLINE = re.compile(r"\{:? *([^}\n ][^\n]*)\}")
_AT_END = re.compile(r" +\{:? *([^}\n ][^\n]*)\} *$")
_MAX_LENGTH = 4096

Pairs = list[tuple[str, str]]


def read_attributes(text: str) -> tuple[Pairs, str]:
    """Pairs of an attribute list, and what follows a closing brace in it.

    A class has the key `.`, an id the key `id`, a bare word the value "".
    """
    pairs: Pairs = []
    position = 0
    while position < len(text) and (found := _ATTRIBUTE.match(text, position)):
        position = found.end()
        double, double_value, single, single_value, bare, bare_value, word = found.groups()
        if word:
            special = {".": ".", "#": "id"}.get(word[0])
            pairs.append((special, word[1:]) if special else (word, ""))
        elif key := double or single or bare:
            pairs.append((key, double_value or single_value or bare_value or ""))
    brace = text.find("}", position)
    return pairs, text[brace:] if brace >= 0 else ""


def match_inline(text: str, start: int, limit: int) -> tuple[Pairs, int, str] | None:
    """The attribute list that directly follows an inline element, the offset behind it, and what is left of it."""
    if not text.startswith("{", start):
        return None
    found = _INLINE.match(text, start, min(start + _MAX_LENGTH, limit))
    if not found:
        return None
    pairs, remainder = read_attributes(found.group(1))
    return pairs, found.end(), remainder


def match_at_end(text: str, start: int, end: int) -> tuple[Pairs, int] | None:
    """The attribute list at the end of a stretch of a heading's text, and the offset that it begins at."""
    if not text[start:end].rstrip(" ").endswith("}"):
        return None
    found = _AT_END.search(text, max(start, end - _MAX_LENGTH), end)
    if not found:
        return None
    pairs, remainder = read_attributes(found.group(1))
    return None if remainder else (pairs, found.start())
