"""Anchors of headings, as Python-Markdown's table of contents makes them."""

from __future__ import annotations

import re
import unicodedata

_NOT_A_WORD = re.compile(r"[^\w\s-]")
_GAP = re.compile(r"[-\s]+")
_COUNTED = re.compile(r"(.*)_([0-9]+)$")


def slugify(text: str) -> str:
    """Lower-case ASCII words joined by dashes."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return _GAP.sub("-", _NOT_A_WORD.sub("", ascii_text).strip().lower())


class AnchorNames:
    """Keeps anchors apart: the second `name` is `name_1`; an anchor given by hand is taken from the start."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = set(taken)
        self._counts: dict[str, int] = {}

    def claim(self, text: str) -> str:
        """The anchor of a heading with that text."""
        name = slugify(text)
        if name and name not in self._taken:
            self._taken.add(name)
            return name
        counted = _COUNTED.match(name)
        base, count = (counted.group(1), int(counted.group(2))) if counted else (name, 0)
        known = self._counts.get(base, 0)
        runs_on = count <= known or count == known + 1
        count = (max(count, known) if runs_on else count) + 1
        while f"{base}_{count}" in self._taken:
            count += 1
        if runs_on:
            self._counts[base] = count
        name = f"{base}_{count}"
        self._taken.add(name)
        return name
