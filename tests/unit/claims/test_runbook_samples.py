"""Runbooks as other rules and editors see them: samples for placeholders, and the schema of the front matter."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from dagster_playbook.claims.runbook import parse
from dagster_playbook.claims.runbook_model import Kind
from dagster_playbook.claims.runbook_samples import sample_text
from dagster_playbook.claims.runbook_schema import schema
from dagster_playbook.claims.step_text import commands, split
from dagster_playbook.facts.facts import Facts
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.rules.runbooks import problems
from dagster_playbook.settings import load_settings

PROJECT = Path(__file__).resolve().parents[3]
RUNBOOKS = sorted(path.relative_to(PROJECT).as_posix() for path in (PROJECT / "runbooks").glob("*.md"))
RULES = PROJECT / "tests" / "data" / "runbooks" / "rules"


def front_matter(path: Path) -> object:
    return yaml.load(path.read_text().split("---\n")[1], yaml.BaseLoader)


@pytest.mark.parametrize("path", RUNBOOKS)
def test_the_projects_runbooks_are_sound(path: str) -> None:
    """Every runbook of the set keeps every rule of the format."""
    assert list(problems(read_page(PROJECT, path), Facts(), load_settings(PROJECT).meanings)) == []


@pytest.mark.parametrize("path", RUNBOOKS)
def test_samples_keep_every_line(path: str) -> None:
    """With samples a step has as many lines as before, no placeholder, and is still what it was."""
    runbook = parse(read_page(PROJECT, path))
    for step in runbook.steps:
        text = sample_text(runbook, step)
        assert len(text.split("\n")) == len(step.fence.body.split("\n"))
        assert "{{" not in text
        if step.kind is Kind.COMMAND:
            assert split(commands(text)[0][1])
        elif step.kind not in (Kind.QUERY, Kind.ASK):
            yaml.safe_load(text)


@pytest.mark.parametrize("path", RUNBOOKS)
def test_the_schema_takes_the_projects_runbooks(path: str) -> None:
    """What the parser takes, the schema takes."""
    text = (PROJECT / path).read_text().split("---\n")[1]
    jsonschema.validate(yaml.safe_load(text.replace("default: null", 'default: ""')), schema())


@pytest.mark.parametrize("name", ["RB401-front-matter.md", "RB401-unknown-need.md", "RB402-no-help.md",
                                  "RB402-unknown-type.md"])  # fmt: skip
def test_the_schema_refuses_what_the_parser_refuses(name: str) -> None:
    """An editor shows the mistake before the checker does."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(front_matter(RULES / name), schema())
