"""What holds each statement of a page: a check, a test, a reason, or nothing."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from dagster_playbook.check import Checker
from dagster_playbook.check.coverage import Held, State, coverage_of
from dagster_playbook.cli import group
from dagster_playbook.errors import PlaybookError
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.markdown.statements import Form, statements_of
from dagster_playbook.settings import Settings

TEST = "tests/test_it.py"


@pytest.fixture
def held(tmp_path: Path, checker: Checker, project_settings: Settings) -> dict[str, Held]:
    """The statements of a page with one of each kind, by their first word."""
    (tmp_path / "tests").mkdir()
    (tmp_path / TEST).write_text("class TestIt:\n    def test_a(self): ...\n\nasync def test_b(): ...\n")
    (tmp_path / "page.md").write_text((Path(__file__).parents[2] / "data/coverage/page.md").read_text())
    settings = dataclasses.replace(project_settings, root=tmp_path, mkdocs="", words={"prod": "an environment"})
    other = Checker(settings, use_store=False)
    other.__dict__["facts"] = checker.facts
    (page,) = coverage_of(other, ["page.md"])
    return {re.sub(r"[^A-Za-z].*", "", item.statement.text): item for item in page.statements}


@pytest.mark.parametrize(
    ("first", "state"),
    [
        ("Bound", State.CHECKED),
        ("Named", State.CHECKED),
        ("Wrong", State.OPEN),
        ("Loose", State.OPEN),
        ("Nobody", State.OPEN),
        ("Proven", State.PROVEN),
        ("Several", State.PROVEN),
        ("Broken", State.OPEN),
        ("Meant", State.EXEMPT),
        ("Word", State.EXEMPT),
        ("Suppressed", State.EXEMPT),
        ("Block", State.PROVEN),
        ("Rest", State.PROVEN),
        ("Row", State.CHECKED),
        ("Tested", State.PROVEN),
        ("Empty", State.OPEN),
        ("Picture", State.OPEN),
        ("graph", State.CHECKED),
    ],
)
def test_a_statement_is_in_the_state_that_its_page_gives_it(held: dict[str, Held], first: str, state: State) -> None:
    """Facts, names, tests, reasons and nothing at all, each told from the others."""
    assert (held[first].state, held[first].why != "") == (state, True)


def test_no_statement_is_invented(held: dict[str, Held]) -> None:
    """A heading, a greeting, a comment and code are no statements."""
    assert len(held) == 18


def pages(project: Path) -> list[Path]:
    return sorted(path for folder in ("docs", "runbooks") for path in (project / folder).rglob("*.md"))


def test_a_statement_stands_where_its_location_says(project: Path) -> None:
    """On every page of the project the text at the place is the text of the statement, comments aside."""
    for path in pages(project):
        name = path.relative_to(project).as_posix()
        lines = path.read_text(encoding="utf-8").split("\n")
        for statement in statements_of(read_page(project, name)):
            if statement.form is Form.SENTENCE:
                place = statement.location
                text = lines[place.line - 1 : place.end_line]
                text[-1] = text[-1][: place.end_column - 1]
                text[0] = text[0][place.column - 1 :]
                shown = re.sub(r"<!--.*?-->", " ", "\n".join(text), flags=re.DOTALL)
                assert " ".join(shown.split()) == statement.text


@pytest.mark.parametrize(("floor", "code"), [("50", 0), ("51", 1)])
def test_the_floor_decides_the_exit_code(tmp_path: Path, floor: str, code: int) -> None:
    """One of two statements held is 50 percent: enough for that floor, too little for the next."""
    (tmp_path / "page.md").write_text("It waits 3 seconds. <!-- opinion: so we chose -->\n\nIt waits 4 seconds.\n")
    (tmp_path / "pyproject.toml").write_text('[tool.playbook]\npages = ["page.md"]\ncommands = []\n')
    arguments = ["coverage", "--project", str(tmp_path), "--format", "json", "--floor", floor, "-q"]
    result = CliRunner().invoke(group, arguments)
    told = json.loads(result.stdout)
    assert (result.exit_code, told["share"]) == (code, 0.5)
    assert [item["line"] for item in told["pages"][0]["open_statements"]] == [3]


@pytest.mark.parametrize("command", ["coverage", "record"])
def test_a_project_without_a_page_is_no_pass(command: str, tmp_path: Path) -> None:
    """Nothing was looked at: an error that says where pages were looked for, and no share of nothing."""
    (tmp_path / "pyproject.toml").write_text("[tool.playbook]\npages = ['handbook']\ncommands = []\n")
    with pytest.raises(PlaybookError, match=r"^no Markdown page in handbook\n"):
        CliRunner().invoke(group, [command, "--project", str(tmp_path)], catch_exceptions=False)
