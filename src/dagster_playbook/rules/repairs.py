"""The only place where a rule makes a fix: where an authority has exactly one right answer for what stands there.

The nearest of the names that a project has chosen (its jobs, models, tags, catalogs, targets, anchors) is a guess, and
so is every reading of a code span. A rule says "did you mean" there and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dagster_playbook.findings import Fix
from dagster_playbook.location import Location

#: shorter words are one slip from too many others
MIN_LENGTH = 4


def only_member(where: Location, word: str, members: Iterable[str]) -> Fix | None:
    """A fix to the one member of a closed set that `word` is a slip away from, None when there is not exactly one.

    The set has to be what an authority itself takes at that place and closed by it: the keys of a config schema, the
    options of a command.
    """
    if len(word) < MIN_LENGTH:
        return None
    found = [member for member in set(members) if is_one_slip(word, member)]
    return Fix(where, word, found[0]) if len(found) == 1 else None


def exact(where: Location, word: str, text: str) -> Fix:
    """A fix to what an authority wants for `word` where there is one way to write it."""
    return Fix(where, word, text)


def is_one_slip(word: str, meant: str) -> bool:
    """Whether a letter left out, added, mistaken or swapped, or letter case, is all that parts two words.

    Digits have to be equal: `v1` is no slip of `v2`.
    """
    if word == meant or re.sub(r"\D", "", word) != re.sub(r"\D", "", meant):
        return False
    one, other = sorted((word.lower(), meant.lower()), key=len)
    if one == other:
        return True
    start = next((i for i, letter in enumerate(one) if letter != other[i]), len(one))
    if len(one) < len(other):
        return one[start:] == other[start + 1 :]
    is_swap = one[start : start + 2] == other[start : start + 2][::-1] and one[start + 2 :] == other[start + 2 :]
    return len(one) == len(other) and (one[start + 1 :] == other[start + 1 :] or is_swap)
