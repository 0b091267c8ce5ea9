"""Typos are typos: near the word, and never another real name."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from dagster_playbook.drift.misspelling import misspell

WORDS = st.from_regex(r"[a-z][a-z_0-9]{3,20}", fullmatch=True)


@given(WORDS, st.integers())
def test_a_typo_is_another_word_of_nearly_the_same_length(word: str, seed: int) -> None:
    """A misspelling differs from the word, by one letter more or less at most."""
    typo = misspell(word, Random(seed), set())
    assert typo is None or (typo != word and abs(len(typo) - len(word)) <= 1)


@given(WORDS, st.integers())
def test_a_typo_is_never_a_known_name(word: str, seed: int) -> None:
    """What a first typo would be is not chosen when it is a name."""
    first = misspell(word, Random(seed), set())
    second = misspell(word, Random(seed), {first.lower()} if first else set())
    assert first is None or second != first


def test_the_same_seed_makes_the_same_typo() -> None:
    """Two runs misspell alike."""
    assert misspell("sqlmesh_project", Random(7), set()) == misspell("sqlmesh_project", Random(7), set())


def test_a_word_without_letters_has_no_typo() -> None:
    """Punctuation alone cannot be misspelt."""
    assert misspell("--", Random(1), set()) is None
