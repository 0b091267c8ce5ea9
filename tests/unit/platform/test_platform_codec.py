"""Facts that come from JSON are the facts that went in, built only when they are asked for."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from dagster_playbook.facts.codec import LazyFacts, facts_from
from dagster_playbook.facts.facts import CommandFact, Facts, RefFact


def _refs() -> tuple[LazyFacts[RefFact], list[str]]:
    built: list[str] = []

    def build(raw: dict[str, Any]) -> RefFact:
        built.append(raw["name"])
        return RefFact(**raw)

    return LazyFacts({"a": {"name": "a", "kind": "TAG"}, "b": {"name": "b", "kind": "BRANCH"}}, build), built


def test_facts_survive_json(sample_facts: Facts) -> None:
    """Written and read, the facts are equal, tuples and nested commands included."""
    assert facts_from(json.loads(json.dumps(sample_facts.as_dict()))) == sample_facts


def test_nothing_is_built_before_it_is_read() -> None:
    """Names can be listed and looked for without building a fact."""
    refs, built = _refs()
    assert ("a" in refs, list(refs), len(refs), refs.get("c")) == (True, ["a", "b"], 2, None)
    assert built == []


def test_a_fact_is_built_once() -> None:
    """The second look gives the same object."""
    refs, built = _refs()
    assert refs["a"] is refs["a"] is refs.get("a")
    assert built == ["a"]


@pytest.mark.parametrize(
    "copy",
    [dict, lambda refs: {**refs}, lambda refs: refs | {}, lambda refs: refs.copy(), lambda refs: dict(refs.items())],
)
def test_a_copy_is_a_plain_dict_of_facts(copy: Any) -> None:
    """However a rule or a test copies the facts, it gets facts and never raw JSON."""
    refs, _ = _refs()
    assert copy(refs) == {"a": RefFact("a", "TAG"), "b": RefFact("b", "BRANCH")}


def test_a_pickled_copy_is_equal() -> None:
    """Facts can go to another process."""
    refs, _ = _refs()
    assert pickle.loads(pickle.dumps(refs)) == refs


def test_a_changed_fact_stays_changed() -> None:
    """A fact that is put in place of one that was not built yet is not built over."""
    refs, built = _refs()
    refs["a"] = RefFact("a", "BRANCH")
    assert refs["a"].kind == "BRANCH"
    assert built == []


def test_sub_commands_are_facts_too(sample_facts: Facts) -> None:
    """A command tree is built as deep as it is followed."""
    command = facts_from(json.loads(json.dumps(sample_facts.as_dict()))).commands["shopctl"].subcommands["count"]
    assert isinstance(command, CommandFact)
    assert command.options[0].names == ("--format",)
