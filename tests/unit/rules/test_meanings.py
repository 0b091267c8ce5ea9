"""What config fields mean is the project's word: a platform with other names is held to them in the same way."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.check import Checker
from dagster_playbook.claims.extract import claims_of
from dagster_playbook.errors import SettingsError
from dagster_playbook.findings import Rule, by_code
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.meaning import Meanings, ReferenceMove, Restatement
from dagster_playbook.rules import check_claim
from dagster_playbook.rules.world import World
from dagster_playbook.settings import load_settings

SHOP = Restatement(
    "shop_build",
    models="rebuild",
    by_category="rebuild_areas",
    categories="areas",
    category_tag="area",
    default_categories=("orders",),
    start="from_day",
    end="to_day",
)
TABLE = """\
[[tool.playbook.restatement]]
op = "shop_build"
models = "rebuild"
by_category = "rebuild_areas"
categories = "areas"
category_tag = "area"
default_categories = ["orders"]
start = "from_day"
end = "to_day"
"""
CONFIGS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({}, []),
    "by name": ({"rebuild": ["shop.a", "tag:x"]}, ["shop.a", "tag:x"]),
    "a category": ({"rebuild_areas": True, "areas": ["goods"]}, ["tag:area=goods"]),
    "the op's default": ({"rebuild_areas": True}, ["tag:area=orders"]),
    "categories while the flag is off": ({"areas": ["goods"]}, []),
    "another platform's field": ({"restate_models": ["shop.a"]}, []),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_selectors_follow_the_declared_fields(name: str) -> None:
    """A config says what is restated by the declared fields alone."""
    config, selectors = CONFIGS[name]
    assert SHOP.selectors(config) == selectors
    assert SHOP.is_asked_for(config) == bool(selectors)


def test_the_settings_declare_it(tmp_path: Path) -> None:
    """A table of pyproject.toml becomes the meaning that every part reads."""
    (tmp_path / "pyproject.toml").write_text(TABLE)
    assert load_settings(tmp_path).meanings == Meanings((SHOP,))


def test_a_list_in_the_settings_is_a_list_of_texts(tmp_path: Path) -> None:
    """A default category that is no text is told at its line."""
    (tmp_path / "pyproject.toml").write_text(TABLE.replace('["orders"]', "[3]"))
    with pytest.raises(SettingsError, match="default_categories has to be a list of strings") as caught:
        load_settings(tmp_path)
    assert caught.value.line == 7


def test_nothing_is_known_of_an_op_that_nobody_declared() -> None:
    """Without a declaration no field has a meaning, whatever it is called."""
    assert Meanings((SHOP,)).restatement("sqlmesh_project") is None
    assert Meanings().reference_move("shop_build") is None


def _declared(world: World, meanings: Meanings) -> World:
    conventions = dataclasses.replace(world.conventions, meanings=meanings)
    return World(world.facts, world.authority, world.documents, world.files, conventions)


def test_rules_read_the_declaration(checker: Checker, tmp_path: Path) -> None:
    """The same block is held to selectors, or is not, by what the project declares of the field."""
    page = tmp_path / "page.md"
    page.write_text(
        '# A page\n\n```{ .yaml job="nessie_consumer_tag_job" }\n'
        "ops:\n  nessie__assign_consumer_tag:\n    config:\n      to_hash: latest\n```\n"
    )
    claims = list(claims_of(read_page(tmp_path, "page.md")))

    def codes(meanings: Meanings) -> set[str]:
        world = _declared(checker.world, meanings)
        return {finding.rule for claim in claims for finding in check_claim(claim, world)}

    assert codes(Meanings()) == set()
    assert codes(Meanings(reference_moves=(ReferenceMove("nessie__assign_consumer_tag", "to_hash"),))) == {"DG109"}


def test_a_used_code_is_refused() -> None:
    """A second rule with a used code, or a used name, is an error at import and never lost in silence."""
    first, second = Rule("XX1", "one", "One."), Rule("XX1", "two", "Two.")
    with pytest.raises(ValueError, match="XX1 is used twice: by 'one' and by 'two'"):
        by_code(first, second)
    with pytest.raises(ValueError, match="the name 'one' is used twice: by XX1 and by XX2"):
        by_code(first, Rule("XX2", "one", "Two."))
