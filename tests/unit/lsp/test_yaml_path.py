from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_playbook.lsp.yaml_path import YamlPlace, yaml_place

CASES = [
    ("top key", "|", YamlPlace((), is_value=False)),
    ("key below", "ops:\n  |", YamlPlace(("ops",), is_value=False)),
    ("key beside others", "ops:\n  a: 1\n  |\n  b: 2", YamlPlace(("ops",), False, frozenset({"a", "b"}))),
    ("key of an outer mapping", "ops:\n  a:\n    b: 1\n  |", YamlPlace(("ops",), False, frozenset({"a"}))),
    ("half a key", "ops:\n  a:\n    conf|", YamlPlace(("ops", "a"), is_value=False)),
    ("value", "ops:\n  a: |", YamlPlace(("ops", "a"), is_value=True)),
    ("item", "models:\n  - a\n  - |", YamlPlace(("models",), is_value=True)),
    ("item at its key's indent", "x:\n  models:\n  - |", YamlPlace(("x", "models"), is_value=True)),
    ("flow list", "x:\n  models: [a, |", YamlPlace(("x", "models"), is_value=True)),
    ("key in an item", "jobs:\n  - name: a\n    |", YamlPlace(("jobs",), False, frozenset({"name"}))),
    ("comment above", "ops:\n  # about a\n  |", YamlPlace(("ops",), is_value=False)),
    ("quoted key", '"ops":\n  |', YamlPlace(("ops",), is_value=False)),
    ("key with a comment", "ops:  # all of them\n  |", YamlPlace(("ops",), is_value=False)),
]


@pytest.mark.parametrize(("text", "place"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_place(text: str, place: YamlPlace) -> None:
    """The keys above a cursor (|), whether a value is written there, and the keys beside it."""
    before = text[: text.index("|")]
    lines = text.replace("|", "", 1).split("\n")
    assert yaml_place(lines, before.count("\n") + 1, len(before) - before.rfind("\n")) == place


@given(st.lists(st.text(st.sampled_from(" -a:#[\"'{\t"), max_size=8), min_size=1, max_size=6), st.data())
def test_any_text_has_a_place(lines: list[str], data: st.DataObject) -> None:
    """Whatever is being typed, a cursor anywhere in it has a place."""
    line = data.draw(st.integers(1, len(lines)))
    place = yaml_place(lines, line, data.draw(st.integers(1, len(lines[line - 1]) + 1)))
    assert all(isinstance(key, str) for key in place.path)
