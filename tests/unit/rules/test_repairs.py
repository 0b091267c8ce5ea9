"""Which answers are the only one: a single slip in a closed set, and a value in the words of its sentence."""

from __future__ import annotations

from typing import Any

import pytest

from dagster_playbook.location import Location
from dagster_playbook.rules.prose import _in_the_same_words
from dagster_playbook.rules.repairs import MIN_LENGTH, is_one_slip, only_member

PLACE = Location("a.md", 1, 1, 1, 5)


@pytest.mark.parametrize(
    ("word", "meant", "expected"),
    [
        ("restate_model", "restate_models", True),
        ("estate_models", "restate_models", True),
        ("restate_modles", "restate_models", True),
        ("restate-models", "restate_models", True),
        ("Restate_Models", "restate_models", True),
        ("restate_models", "restate_models", False),
        ("restate_mdels_", "restate_models", False),
        ("restat_model", "restate_models", False),
        ("include", "exclude", False),
        ("key_v1", "key_v2", False),
        ("limit1", "limit", False),
        ("abcd", "badc", False),
        ("abcd", "dbca", False),
    ],
)
def test_one_slip(word: str, meant: str, expected: bool) -> None:
    """One letter left out, added, mistaken or swapped, or letter case; never a digit, never two."""
    assert is_one_slip(word, meant) is expected
    assert is_one_slip(meant, word) is expected


def test_the_one_member_is_the_fix() -> None:
    """A word one slip from exactly one member of the set is replaced by it, at its own place."""
    fix = only_member(PLACE, "limt", ["limit", "mode", "start"])
    assert fix is not None and (fix.location, fix.was, fix.replacement) == (PLACE, "limt", "limit")


@pytest.mark.parametrize(
    ("word", "members"),
    [("plat", ["plan", "play"]), ("plan", ["nothing", "near"]), ("end_", []), ("ned", ["end"]), ("en", ["end", "e"])],
)
def test_no_member_or_two_are_a_guess(word: str, members: list[str]) -> None:
    """Two members within a slip, none, or a word too short to tell: no fix."""
    assert only_member(PLACE, word, members) is None


def test_the_shortest_word_that_can_tell() -> None:
    """A word of the least length has a fix, a shorter one none."""
    assert only_member(PLACE, "abcd"[:MIN_LENGTH], ["abcde"]) is not None
    assert only_member(PLACE, "abc", ["abcd"]) is None


@pytest.mark.parametrize(
    ("shown", "value", "written"),
    [
        ("three", 4, "four"),
        ("3", 4, "4"),
        ("3", 1200, "1200"),
        ("1,000", 2000, "2,000"),
        ("seven", 40, "40"),
        ("twenty", 3, "three"),
        ("-2", 5, "5"),
        ("twice", 3, ""),
        ("both", 3, ""),
        ("no", 3, ""),
        ("three times", 4, ""),
        ("Three", 4, ""),
        ("**3**", 4, ""),
        ("`3`", 4, ""),
        ("enabled", False, "disabled"),
        ("off", True, "on"),
        ("true", False, "false"),
        ("maybe", False, ""),
        ("1.2.3", "1.3.0", "1.3.0"),
        ("latest", "1.3.0", ""),
        ("1.2.3", "latest", ""),
        ("1.2.3 or so", "1.3.0", ""),
        ("a and b", ["a"], ""),
        ("3", 2.5, ""),
        ("x", None, ""),
    ],
)
def test_a_value_in_the_words_of_its_sentence(shown: str, value: Any, written: str) -> None:
    """A number for a number as it is written, a switch for a switch, a version for a version; else nothing."""
    assert _in_the_same_words(shown, value) == written
