"""Every rule on runbooks, by files: `RB405-*.md` breaks that rule, `sound-*.md` breaks none."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.facts.facts import Facts, JobFact
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.meaning import Meanings, Restatement
from dagster_playbook.rules.runbooks import RULES, problems

FOLDER = Path(__file__).parents[2] / "data" / "runbooks" / "rules"
FACTS = Facts(
    jobs={"sqlmesh_all_assets": JobFact("sqlmesh_all_assets", ("sqlmesh_project",), "", {})},
    values={"dagster.run_retries.max_retries": 3},
)
MEANINGS = Meanings(
    (Restatement("sqlmesh_project", models="restate_models", by_category="restate_by_entity_category"),)
)
PAGES = sorted(path.name for path in FOLDER.glob("*.md"))


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("RB")])
def test_a_page_that_breaks_a_rule_is_told_so(name: str) -> None:
    """The rule that the file is named after is among those found, at a line inside the page."""
    found = list(problems(read_page(FOLDER, name), FACTS, MEANINGS))
    lines = len((FOLDER / name).read_text().splitlines())
    assert name.split("-", maxsplit=1)[0] in [code for code, *_ in found]
    assert all(1 <= location.line <= lines and location.path == name for _, _, _, location, _ in found)


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("RB")])
def test_nothing_beside_the_rule_is_raised(name: str) -> None:
    """One mistake is one kind of finding; a page with two mistakes would hide what a rule really sees."""
    codes = {code for code, *_ in problems(read_page(FOLDER, name), FACTS, MEANINGS)}
    follow_ups = {"RB403-no-kind.md": {"RB408"}, "RB405-misspelled.md": set(), "RB413-filter.md": {"RB406"}}
    assert codes - follow_ups.get(name, set()) == {name.split("-", maxsplit=1)[0]}


@pytest.mark.parametrize("name", [name for name in PAGES if "<!-- line: " in (FOLDER / name).read_text()])
def test_the_finding_stands_at_the_line_that_a_person_edits(name: str) -> None:
    """A page that says `<!-- line: 12 -->` has its findings on that line and nowhere else."""
    wanted = int((FOLDER / name).read_text().split("<!-- line: ")[1].split()[0])
    assert {location.line for _, _, _, location, _ in problems(read_page(FOLDER, name), FACTS, MEANINGS)} == {wanted}


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("sound")])
def test_a_sound_page_breaks_no_rule(name: str) -> None:
    """No false alarm on what the format allows."""
    assert list(problems(read_page(FOLDER, name), FACTS, MEANINGS)) == []


def test_every_rule_has_a_page_that_breaks_it() -> None:
    """A rule without a failing page would be a rule that nobody has seen work."""
    assert {name.split("-")[0] for name in PAGES if name.startswith("RB")} == set(RULES)


def test_a_page_without_the_word_is_no_runbook(tmp_path: Path) -> None:
    """Ordinary pages are left alone."""
    (tmp_path / "page.md").write_text("# Words\n\n```yaml {#x}\na: 1\n```\n")
    assert list(problems(read_page(tmp_path, "page.md"), FACTS, MEANINGS)) == []


@pytest.mark.parametrize("name", PAGES)
def test_readers_see_every_step_as_a_code_block(name: str) -> None:
    """The attributes stand in a form that pymdownx.superfences takes: a block each, and no backticks in the text."""
    import markdown

    page = read_page(FOLDER, name)
    text = (FOLDER / name).read_text().split("---\n", 2)[2]
    html = markdown.markdown(text, extensions=["attr_list", "pymdownx.superfences", "pymdownx.highlight"])
    assert html.count('class="highlight"') == len(page.fences)
    assert "```" not in html
