"""Typos as people make them: two letters swapped, one lost, one doubled, one beside it on the keyboard."""

from __future__ import annotations

from collections.abc import Collection
from random import Random

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = {letter: row[max(at - 1, 0) : at] + row[at + 1 : at + 2] for row in _ROWS for at, letter in enumerate(row)}
_ATTEMPTS = 40


def misspell(word: str, random: Random, known: Collection[str]) -> str | None:
    """A misspelling of `word` that is none of the `known` words (lower case), or None when none was found."""
    for _ in range(_ATTEMPTS):
        letters = [at for at, letter in enumerate(word) if letter.isalnum()]
        if not letters:
            return None
        typo = random.choice((_swapped, _lost, _doubled, _beside))(word, random.choice(letters), random)
        if typo != word and typo.lower() not in known and typo.lower() != word.lower() and len(typo) > 1:
            return typo
    return None


def _swapped(word: str, at: int, _: Random) -> str:
    if at + 1 >= len(word) or not word[at + 1].isalnum():
        return word
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _lost(word: str, at: int, _: Random) -> str:
    return word[:at] + word[at + 1 :] if len(word) > 3 else word


def _doubled(word: str, at: int, _: Random) -> str:
    return word[: at + 1] + word[at:]


def _beside(word: str, at: int, random: Random) -> str:
    near = _BESIDE.get(word[at].lower(), "")
    if not near:
        return word
    letter = random.choice(near)
    return word[:at] + (letter.upper() if word[at].isupper() else letter) + word[at + 1 :]
