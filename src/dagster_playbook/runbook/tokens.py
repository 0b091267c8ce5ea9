"""Where a text holds a token or a key of a known form, by the rules of gitleaks that maskerlogger brings."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

#: rules that begin so guess from a name nearby; they blacken ordinary words and take long on long lines
_GUESS = r"[\w.-]{0,50}?"
#: what has no form of its own and is a secret by its place, by a word in small letters that goes before it
_PLACES = {
    "://": re.compile(r"://[^\s/:@]{0,200}:([^\s/@]{1,500})@"),
    "authorization:": re.compile(r"(?i)authorization:\s*(?:bearer|basic|token)\s+([\w.~+/=-]{8,})"),
    "-----begin": re.compile(
        r"-----BEGIN[ A-Z0-9]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END[^\n]{0,80}-----|\Z)"
    ),
}


def secret_spans(text: str) -> Iterator[tuple[int, int]]:
    """Offsets of each secret part: its first character and the one behind its last."""
    lower = text.lower()
    patterns = {id(p): p for _, found in _matcher().automaton.iter(lower) for p in found if not _is_guess(p)}
    for pattern in (*patterns.values(), *(p for word, p in _PLACES.items() if word in lower)):
        for match in pattern.finditer(text):
            yield match.span(1) if match.lastindex == 1 else match.span()


def _is_guess(pattern: re.Pattern[str]) -> bool:
    return pattern.pattern.startswith(_GUESS)


@functools.cache
def _matcher() -> Any:
    from maskerlogger.ahocorasick_regex_match import RegexMatcher

    spec = find_spec("maskerlogger")
    assert spec is not None and spec.origin is not None
    return RegexMatcher(str(Path(spec.origin).parent / "config" / "gitleaks.toml"))
