"""The known name that was probably meant by an unknown one: as difflib says, found in a fraction of its time.

A page with thousands of unknown names asks for each of them in every list of names. So a list is sorted by length and
letters once, and only names that can be near enough by those are compared letter by letter.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

#: how alike two names are at least, as difflib's ratio
CUTOFF = 0.72
#: a longer word is no misspelled name
LONGEST = 200


@dataclass(frozen=True, slots=True)
class _Known:
    """Names by their lower case, and by length with their letters as bits."""

    spelled: dict[str, str]
    by_length: dict[int, list[tuple[str, int]]]


@lru_cache(maxsize=16_384)
def nearest(word: str, names: frozenset[str]) -> str:
    """The name that is most like `word`, letter case aside; "" when none is alike enough."""
    known, wanted = _known(names), word.lower()
    if wanted in known.spelled:
        return known.spelled[wanted]
    if not wanted or len(wanted) > LONGEST:
        return ""
    compared: difflib.SequenceMatcher[str] | None = None
    best = (CUTOFF, "")
    for candidate in _candidates(wanted, known):
        compared = compared or difflib.SequenceMatcher(b=wanted)
        compared.set_seq1(candidate)
        if compared.quick_ratio() >= best[0]:
            best = max(best, (compared.ratio(), candidate))
    return known.spelled.get(best[1], "")


@lru_cache(maxsize=64)
def _known(names: frozenset[str]) -> _Known:
    spelled = {name.lower(): name for name in sorted(names)}
    by_length: dict[int, list[tuple[str, int]]] = {}
    for name in spelled:
        by_length.setdefault(len(name), []).append((name, _letters(name)))
    return _Known(spelled, by_length)


def _candidates(wanted: str, known: _Known) -> Iterator[str]:
    """Names that are alike enough as far as lengths and letters tell; a letter that is not there matches nothing."""
    length, letters = len(wanted), _letters(wanted)
    for other, names in known.by_length.items():
        enough = CUTOFF * (length + other) / 2
        if min(length, other) < enough:
            continue
        for name, its_letters in names:
            missing = (letters & ~its_letters).bit_count()
            extra = (its_letters & ~letters).bit_count()
            if min(length - missing, other - extra) >= enough:
                yield name


def _letters(name: str) -> int:
    """One bit for each character that occurs; characters far from ASCII share bits, which only lets more through."""
    found = 0
    for character in name:
        found |= 1 << (ord(character) % 128)
    return found
