"""`playbook explain` in the terminal."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from dagster_playbook.cli.explain import command
from dagster_playbook.errors import PlaybookError
from dagster_playbook.rules import RULES
from dagster_playbook.rules.reference import page_of, reference
from dagster_playbook.scaffold.lint import reference as warehouse


@pytest.mark.parametrize("word", ["DG101", "dg101", "unknown-config-key"])
def test_page_of_a_rule(word: str) -> None:
    """A rule is found by its code in any case and by its name; its page is printed as it is written."""
    assert CliRunner().invoke(command, [word]).output == page_of("DG101")


def test_list() -> None:
    """Without an argument every rule for pages and for the warehouse is one line with code, name and summary."""
    lines = CliRunner().invoke(command, []).output.splitlines()
    rules = [*RULES.values(), *warehouse.rules().values()]
    assert [line.split()[:2] for line in lines] == [[rule.code, rule.name] for rule in rules]


def test_unknown_rule() -> None:
    """A rule that does not exist is an error that names the nearest."""
    result = CliRunner().invoke(command, ["unknown-config-kye"])
    assert isinstance(result.exception, PlaybookError)
    assert "did you mean DG101 unknown-config-key?" in str(result.exception)


def test_all_is_the_reference_page() -> None:
    """All pages together are the site's reference pages, one after the other."""
    assert CliRunner().invoke(command, ["--all", "--markdown"]).output == f"{reference()}\n{warehouse.reference()}"


def test_json() -> None:
    """As JSON a rule has code, name, severity, summary and page."""
    (told,) = json.loads(CliRunner().invoke(command, ["DG101", "--format", "json"]).output)
    assert list(told) == ["code", "name", "severity", "summary", "page"] and told["page"] == page_of("DG101")
