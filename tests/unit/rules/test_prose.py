"""Bound words are compared by what they state."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_playbook.rules.prose import number_of, says


@pytest.mark.parametrize(
    ("shown", "value"),
    [
        ("three", 3),
        ("Three", 3),
        ("**3**", 3),
        ("1,000", 1000),
        ("twenty-one", 21),
        ("2.5", 2.5),
        ("both", 2),
        ("on", True),
        ("disabled", False),
        ("`consumer`", "consumer"),
        ("collection and project", ["collection", "project"]),
        ("`project`, `collection`", ["collection", "project"]),
        ("none", None),
        ("empty", ""),
    ],
)
def test_words_that_state_the_fact(shown: str, value: Any) -> None:
    """Digits, words, emphasis and the order of a list make no difference."""
    assert says(shown, value)


@pytest.mark.parametrize(
    ("shown", "value"),
    [
        ("four", 3),
        ("3", 30),
        ("three times", 3),
        ("off", True),
        ("Consumer", "consumer"),
        ("project", ["collection", "project"]),
        ("collection, project and model", ["collection", "project"]),
        ("", 0),
        ("sqlmesh_all", "sqlmesh_all_assets"),
        ("some", None),
    ],
)
def test_words_that_state_something_else(shown: str, value: Any) -> None:
    """Another number, another case, a missing or a further member is a drift."""
    assert not says(shown, value)


@given(st.integers(-999_999, 999_999_999))
def test_a_number_is_the_same_with_and_without_separators(number: int) -> None:
    """Digits state their number, with or without thousands separators."""
    assert number_of(str(number)) == number
    if number >= 0:
        assert number_of(f"{number:,}") == number
