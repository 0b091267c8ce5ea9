"""The pages of runbooks in a browser: what the form makes is what the runbook takes."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from dagster_shared.yaml_utils import load_run_config_yaml
from playwright.sync_api import Page, expect

from dagster_playbook.claims.runbook import parse
from dagster_playbook.claims.runbook_model import Kind, Parameter, Runbook
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.runbook.fill import yaml_of
from dagster_playbook.runbook.parameters import read_values

pytestmark = pytest.mark.browser

PROJECT = Path(__file__).resolve().parents[2]
RUNBOOKS = sorted(path.stem for path in (PROJECT / "runbooks").glob("*.md"))
#: values that a person might type, where one character too few in the quoting would change them
TYPED = {
    "string": "it's $HOME; a b", "date": "2026-01-07", "hash": "12345678", "boolean": "true",
    "model": "oso.projects_v1",
    "selector": "oso.stg_pypi__projects, oso.int_* & tag:entity_category=project", "category": "collection, project",
}  # fmt: skip


def runbook_of(name: str) -> Runbook:
    """The runbook of that name."""
    return parse(read_page(PROJECT, f"runbooks/{name}.md"))


def fill(page: Page, parameters: list[Parameter]) -> None:
    """Type a value into the field of each parameter."""
    for parameter in parameters:
        field = page.locator(f"#pb-{parameter.name}")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(TYPED[parameter.item_type])
        else:
            field.fill(TYPED[parameter.item_type])


def copied(page: Page, block: str) -> str:
    """What the button below a block gives."""
    page.evaluate("navigator.clipboard.writeText('nothing')")
    line = page.locator(f"{block} + .pb-copyline")
    line.locator(".pb-copy").click()
    expect(line.locator(".pb-said")).not_to_be_empty()
    return str(page.evaluate("navigator.clipboard.readText()"))


@pytest.mark.parametrize("name", [name for name in RUNBOOKS if runbook_of(name).parameters])
def test_the_filled_command_gives_the_values_that_were_typed(page: Page, site: str, name: str) -> None:
    """The command line, split as a shell splits it, is read by the runbook as exactly what the fields hold."""
    runbook = runbook_of(name)
    page.goto(f"{site}/runbooks/{name}.html")
    fill(page, list(runbook.parameters.values()))
    words = shlex.split(copied(page, f"div.highlight:has-text('playbook run {runbook.path}')"))
    assert words[:3] == ["playbook", "run", runbook.path]
    given = [value for option, value in zip(words[3::2], words[4::2], strict=True) if option == "-p"]
    wanted = {
        parameter.name: [text.strip() for text in TYPED[parameter.item_type].split(",")]
        if parameter.is_list else True if parameter.type == "boolean" else TYPED[parameter.type]
        for parameter in runbook.parameters.values()
    }  # fmt: skip
    assert read_values(runbook, given) == wanted


@pytest.mark.parametrize("name", ["promote-consumer", "rollback-consumer"])
def test_a_filled_block_is_the_config_that_the_program_launches(page: Page, site: str, name: str) -> None:
    """Copied run config, loaded as Dagster loads it, equals what the runbook's own filling makes; digits stay text."""
    runbook = runbook_of(name)
    page.goto(f"{site}/runbooks/{name}.html")
    fill(page, list(runbook.parameters.values()))
    (step,) = [step for step in runbook.steps if step.kind is Kind.JOB]
    scope = {"commit": TYPED["hash"]}
    assert load_run_config_yaml(copied(page, f"#{step.id}")) == yaml_of(step, scope)


def test_a_list_and_an_empty_window_are_shown_as_the_runbook_fills_them(page: Page, site: str) -> None:
    """Two models stand as a list, and a parameter that was left out takes its line with it."""
    runbook = runbook_of("restate-by-model")
    page.goto(f"{site}/runbooks/restate-by-model.html")
    page.locator("#pb-models").fill("oso.projects_v1, oso.stg_*")
    step = runbook.step("restate")
    assert step is not None
    scope = {"models": ["oso.projects_v1", "oso.stg_*"], "start": None, "end": None, "on_branch": False}
    assert load_run_config_yaml(page.locator("#restate code").inner_text()) == yaml_of(step, scope)


def test_an_unfilled_block_copies_nothing_and_says_what_is_missing(page: Page, site: str) -> None:
    """The clipboard keeps what it had, and the name of the missing parameter is told."""
    page.goto(f"{site}/runbooks/promote-consumer.html")
    assert copied(page, "#promote") == "nothing"
    expect(page.locator("#promote + .pb-copyline .pb-said")).to_have_text("Nothing copied. Still missing: commit")


def test_a_value_of_another_type_is_told_and_not_copied(page: Page, site: str) -> None:
    """A field holds to the type of its parameter, as the runbook does."""
    page.goto(f"{site}/runbooks/promote-consumer.html")
    for text in ("latest", "12"):
        page.locator("#pb-commit").fill(text)
        expect(page.locator(".pb-wrong", has_text=f"{text} is no hash")).to_be_visible()
        assert copied(page, "#promote") == "nothing"


def test_the_form_is_plain_data(page: Page, site: str) -> None:
    """What the page carries for its form is JSON, and no text of a runbook can end its element."""
    page.goto(f"{site}/runbooks/restate-by-model.html")
    data = page.locator("#pb-runbook").evaluate("element => element.textContent")
    assert json.loads(data)["path"] == "runbooks/restate-by-model.md"
    assert "<" not in data
