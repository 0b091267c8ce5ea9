"""Personal values are masked by rule, and a mask keeps the cases of the value."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_playbook.scaffold.cases import value_cases
from dagster_playbook.services.personal import Mask, is_personal_name, personal_values


@pytest.mark.parametrize(
    "name", ["email", "user_email", "firstName", "phone", "ip_address", "date_of_birth", "api_key"]
)
def test_personal_name(name: str) -> None:
    """A column whose name says that it is about a person is personal."""
    assert is_personal_name(name)


@pytest.mark.parametrize("name", ["name", "emailed", "email_hash", "author_hash", "zip", "shipping", "description"])
def test_ordinary_name(name: str) -> None:
    """Ordinary and already hashed columns are not."""
    assert not is_personal_name(name)


def test_addresses_in_texts_are_masked() -> None:
    """A mail address and a network address are masked wherever they stand in a text or a nested value."""
    shown = Mask(b"k").cell("note", {"lines": ["write to jane@corp.org", "from 10.1.2.3"]})
    assert "corp.org" not in str(shown) and "10.1.2.3" not in str(shown)


def test_reserved_addresses_stay() -> None:
    """Addresses that belong to nobody are left as they are, so masking twice changes nothing."""
    once = Mask(b"k").cell("note", "a@corp.org 8.8.8.8")
    assert Mask(b"other").cell("note", once) == once and personal_values(once) == []


def test_birthday_is_coarse() -> None:
    """Of a personal date only the year stays."""
    assert Mask(b"k").cell("birth_date", date(1990, 5, 17)) == date(1990, 1, 1)


def test_keys_differ() -> None:
    """A mask cannot be looked up without its key."""
    assert Mask(b"a").cell("phone", "0123456789") != Mask(b"b").cell("phone", "0123456789")


@given(st.one_of(st.none(), st.text(max_size=20), st.integers(-(10**9), 10**9)), st.text(max_size=8))
def test_mask_keeps_length_and_emptiness(value: Any, key: str) -> None:
    """A masked value has the same type, length and emptiness; equal values get equal masks."""
    mask = Mask(key.encode())
    shown = mask.cell("phone", value)
    assert type(shown) is type(value) and mask.cell("phone", value) == shown
    if isinstance(value, str):
        assert ("@" in value) or len(shown) == len(value)
        assert {kind for kind, _ in value_cases(value)} >= {"empty"} or shown
