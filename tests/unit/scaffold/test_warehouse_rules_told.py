"""The warehouse rules on the site and in the terminal."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from dagster_playbook.cli.explain import command
from dagster_playbook.scaffold.lint import RULES, reference

ROOT = Path(__file__).resolve().parents[3]


def test_reference_page_is_made_from_the_rules() -> None:
    """The site's page says what the generator says."""
    page = ROOT / "docs" / "reference" / "warehouse-rules.md"
    assert page.read_text(encoding="utf-8") == reference.reference()


def test_every_rule_has_advice_and_none_is_left_over() -> None:
    """Each rule says what it holds, why, and what to do."""
    advice = tomllib.loads(Path(reference.__file__).with_name("advice.toml").read_text(encoding="utf-8"))
    assert list(advice) == list(RULES)
    assert {tuple(entry) for entry in advice.values()} == {("holds", "why", "cure")}


@pytest.mark.parametrize("word", ["WH203", "wh203", "stale-seed-dates"])
def test_explain_knows_the_rules_of_the_warehouse(word: str) -> None:
    """`playbook explain` prints the page of a warehouse rule by code and by name."""
    assert CliRunner().invoke(command, [word]).output == reference.page_of("WH203")


def test_explain_tells_a_rule_as_json() -> None:
    """A warehouse rule has the same fields as any other."""
    (told,) = json.loads(CliRunner().invoke(command, ["WH203", "--format", "json"]).output)
    assert list(told) == ["code", "name", "severity", "summary", "page"] and told["severity"] == "warning"
