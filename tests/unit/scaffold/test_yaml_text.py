"""Generated YAML says the same to every reader that it has."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_playbook.scaffold.yaml_text import yaml_text

TEXTS = (
    "1e5", "695e0514", "0123", "00", "7", "-7", "+1", "1_000", "0o17", "0x1F", "0b1", "1:30", "1.", ".5",
    "1.5e3", ".inf", "NaN", "yes", "No", "ON", "y", "null", "~", "", " ", "2026-11-23", "2026-11-23T10:00:00Z",
    "12:30:45", "=", "<<", "- a", "a: b", "a #b", "#", "@x", "`x`", "%x", "&a", "*a", "!a", "|", ">", "{a}",
    "[a]", "{{ name }}", "{% if x %}", "{# x #}", "{{{", "it's", 'say "x"', "two\nlines", "tab\t", "\x85",
    "\u2028", "größe 😀", "x" * 2000, "trailing ", "a, b", "---", "...", "None", "a\\n",
)  # fmt: skip


def _readers(text: str) -> list[Any]:
    from ruamel.yaml import YAML
    from sqlmesh.utils.yaml import load

    return [load(text), yaml.safe_load(text), YAML(typ="safe", pure=True).load(text)]


@pytest.mark.parametrize("text", TEXTS)
def test_text_stays_text(text: str) -> None:
    """As a value and as a key, for SQLMesh (Jinja first), YAML 1.1 and YAML 1.2."""
    document = {"rows": [{text: text}]}
    assert _readers(yaml_text(document)) == [document] * 3


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
@settings(max_examples=200, deadline=None)
def test_any_text_stays_text(text: str) -> None:
    """Whatever the source holds comes out of SQLMesh's reader as it went in."""
    assert _readers(yaml_text({"a": text}))[0] == {"a": text}


def test_values_of_other_types_stay_what_they_are() -> None:
    """Numbers, truth values and nothing are not quoted."""
    document = {"a": 1, "b": 1.5, "c": True, "d": None, "e": -(2**70), "f": 1e20}
    assert _readers(yaml_text(document)) == [document] * 3


def test_words_and_types_are_not_quoted() -> None:
    """What people read in a diff stays plain."""
    assert yaml_text({"name": "crm.people", "type": "DECIMAL(38, 9)"}) == "name: crm.people\ntype: DECIMAL(38, 9)\n"
