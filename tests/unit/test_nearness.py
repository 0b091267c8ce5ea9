"""The name that was meant is the one that difflib finds, found sooner."""

from __future__ import annotations

import difflib

from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_playbook.nearness import CUTOFF, LONGEST, nearest

WORDS = st.text(alphabet="abcdE_.é", max_size=9)


def _by_difflib(word: str, names: frozenset[str]) -> str:
    spelled = {name.lower(): name for name in sorted(names)}
    if word.lower() in spelled:
        return spelled[word.lower()]
    found = difflib.get_close_matches(word.lower(), list(spelled), n=1, cutoff=CUTOFF)
    return spelled[found[0]] if found else ""


@settings(max_examples=500, deadline=None)
@given(word=WORDS, names=st.frozensets(WORDS, max_size=12))
def test_it_is_what_difflib_finds(word: str, names: frozenset[str]) -> None:
    """Letter case aside, the same name, and none where difflib finds none."""
    assert nearest(word, names) == _by_difflib(word, names)


def test_a_very_long_word_is_no_misspelled_name() -> None:
    """It is not even compared: that would take the square of its length."""
    name = "a" * (LONGEST + 1)
    assert nearest(name + "b", frozenset({name})) == ""
    assert nearest(name, frozenset({name})) == name
