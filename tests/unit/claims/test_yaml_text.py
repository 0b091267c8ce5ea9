"""YAML is read as its consumer reads it, with places, and no document can make the reading explode."""

from __future__ import annotations

import pytest
import yaml
from dagster_shared.yaml_utils import load_run_config_yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from dagster_playbook.claims.yaml_loader import Dialect
from dagster_playbook.claims.yaml_text import MAX_DEPTH, YamlNode, read_yaml

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10_000, 10_000),
    st.text("abcdefgh -_:#'\"\n.é", max_size=12),
    st.sampled_from(["2024-01-01", "on", "off", "yes", "null", "0123", "1e3", "0x1f", "~", "a: b"]),
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text("abc_", min_size=1), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(DOCUMENTS)
def test_a_document_is_what_dagster_loads(document: object) -> None:
    """Whatever is dumped as YAML is read as Dagster's own loader reads it."""
    text = yaml.safe_dump(document, allow_unicode=True)
    node, problems = read_yaml(text)
    assert not problems
    assert (node.plain() if node else None) == load_run_config_yaml(text)


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "true", "False", "y"])
def test_the_core_dialect_reads_booleans_as_sqlmesh_does(word: str) -> None:
    """SQLMesh reads YAML 1.2, where `off` is text; Dagster reads YAML 1.1, where it is false."""
    node, _ = read_yaml(f"key: {word}\n", Dialect.CORE)
    assert node is not None
    assert node.plain() == YAML(typ="safe").load(f"key: {word}\n")


def test_a_date_stays_text() -> None:
    """`start: 2024-01-01` reaches Dagster as text."""
    node, _ = read_yaml("start: 2024-01-01\n")
    assert node is not None
    assert node.plain() == {"start": "2024-01-01"}


def test_each_node_knows_its_place() -> None:
    """Line and column of a value are those of its first character."""
    text = 'ops:\n  one:\n    - first\n    - "second"\n'
    node, _ = read_yaml(text)
    assert node is not None
    second = node.get("ops", "one").elements()[1]  # type: ignore[union-attr]
    assert (second.line, second.column, second.end_column, second.is_quoted) == (4, 7, 15, True)


def test_a_duplicate_key_is_told_with_both_places() -> None:
    """The second of two equal keys is the problem, and it is told where the first one stands."""
    _, problems = read_yaml("a: 1\nb: 2\na: 3\n")
    assert [(p.line, p.column, p.is_duplicate) for p in problems] == [(3, 1, True)]
    assert "first 2 lines above" in problems[0].message


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\na: 2\n", "first 1 line above"),
        ("a: 1\nb: 1\na: 2\n", "first 2 lines above"),
        ("{a: 1, a: 2}\n", "same line"),
    ],
)
def test_where_a_key_stood_first_is_true_on_the_page_too(text: str, place: str) -> None:
    """It is told as seen from the second one, for the block does not know on which line of the page it begins."""
    _, problems = read_yaml(text)
    assert place in problems[0].message


def test_a_tab_is_named() -> None:
    """A tab as indentation is told as a tab, not as a parser's riddle."""
    _, problems = read_yaml("a:\n\tb: 1\n")
    assert [(p.line, p.column) for p in problems] == [(2, 1)]
    assert "tab" in problems[0].message


def test_a_merge_key_brings_its_keys_in() -> None:
    """`<<` works as in Dagster's loader, own keys winning."""
    text = "base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n"
    node, problems = read_yaml(text)
    assert node is not None
    assert not problems
    assert node.plain() == load_run_config_yaml(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 5000, id="open brackets"),
        pytest.param("\n".join("  " * depth + "k:" for depth in range(MAX_DEPTH + 5)), id="deep blocks"),
        pytest.param("- " * 5000 + "x", id="dashes on one line"),
        pytest.param(
            "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40)), id="alias bomb"
        ),
        pytest.param("a: &a [*a]\n", id="alias in itself"),
        pytest.param("a: !!python/object/apply:os.system [ls]\n", id="a tag that would run code"),
        pytest.param("key: *nowhere\n", id="unknown alias"),
        pytest.param("a: {b: ]}\n", id="crossed brackets"),
        pytest.param("a: 1\n---\nb: 2\n", id="two documents"),
    ],
)
def test_a_hostile_document_is_one_problem(text: str) -> None:
    """What cannot be read is a problem with a place, never an exception and never an answer."""
    node, problems = read_yaml(text)
    assert node is None
    assert len(problems) == 1
    assert problems[0].line >= 1


def test_an_empty_document_is_nothing() -> None:
    """A block of comments has no root and no problem."""
    assert read_yaml("# nothing\n") == (None, [])


def test_a_path_of_keys_leads_to_its_value() -> None:
    """`get` follows keys and is None where one is missing."""
    node, _ = read_yaml("ops:\n  x:\n    config: {}\n")
    assert isinstance(node, YamlNode)
    assert node.get("ops", "x", "config") is not None
    assert node.get("ops", "y", "config") is None
