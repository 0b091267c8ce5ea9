"""Every rule has a page whose examples are true; a new rule is a new page, not a new test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dagster_playbook.check import Checker, check_project
from dagster_playbook.check.page_check import check_page
from dagster_playbook.findings import Finding
from dagster_playbook.markdown.model import Fence
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.rules import RULES
from dagster_playbook.rules.reference import PAGES, anchor_of, page_of, reference

#: rules that no page of one file can show -> a project that breaks them
SHOWN_BY_PROJECTS = {path.name: path for path in (Path(__file__).parents[2] / "data" / "rules").iterdir()}


def examples(code: str) -> dict[str, Fence]:
    """The example blocks of a rule's page, by `fails` and `passes`."""
    page = read_page(PAGES, f"{code}.md")
    assert not page.problems
    return {kind: fence for fence in page.fences for kind in ("fails", "passes") if kind in fence.attributes}


def findings_of(fence: Fence, checker: Checker, folder: Path) -> list[Finding]:
    (folder / "example.md").write_text(fence.body, encoding="utf-8")
    return check_page(read_page(folder, "example.md"), checker.world).findings


@pytest.mark.parametrize("code", RULES)
def test_page_is_whole(code: str) -> None:
    """A rule's page begins with its code and name and says why it matters and what to do."""
    page = page_of(code)
    assert page.startswith(f"# {code} {RULES[code].name}\n\n")
    assert page.count("\n**Why it matters.** ") == page.count("\n**What to do.** ") == 1
    told = re.sub(r"^````.*?^````$", "", page, flags=re.MULTILINE | re.DOTALL)
    assert len(re.findall(r"^#+ ", told, re.MULTILINE)) == 1


@pytest.mark.parametrize("code", [code for code in RULES if code not in SHOWN_BY_PROJECTS])
def test_failing_example_fails(code: str, checker: Checker, tmp_path: Path) -> None:
    """The failing example of a rule gives findings of that rule and of no other."""
    fence = examples(code)["fails"]
    assert fence.attributes["fails"] == code
    assert {finding.rule for finding in findings_of(fence, checker, tmp_path)} == {code}


@pytest.mark.parametrize("code", [code for code in RULES if code not in SHOWN_BY_PROJECTS])
def test_passing_example_passes(code: str, checker: Checker, tmp_path: Path) -> None:
    """The passing example of a rule gives no finding at all."""
    fence = examples(code)["passes"]
    assert fence.attributes["passes"] == code
    assert findings_of(fence, checker, tmp_path) == []


@pytest.mark.parametrize("code", SHOWN_BY_PROJECTS)
def test_project_fails(code: str, tmp_path: Path) -> None:
    """A rule that no example page can show is shown by a project that breaks it, and its page says so."""
    import shutil

    root = Path(shutil.copytree(SHOWN_BY_PROJECTS[code], tmp_path / "project"))
    assert {finding.rule for finding in check_project(root).findings} == {code}
    assert "The tests hold it with" in page_of(code)


def test_no_page_without_a_rule() -> None:
    """There is no page of a rule that does not exist."""
    assert {path.stem for path in PAGES.glob("*.md")} <= set(RULES)


def test_reference_is_generated(project: Path) -> None:
    """The site's reference page is what the generator makes."""
    assert (project / "docs" / "reference" / "rules.md").read_text(encoding="utf-8") == reference()


def test_reference_anchors_exist(project: Path) -> None:
    """Each link of the reference's tables leads to the section of its rule."""
    page = read_page(project, "docs/reference/rules.md")
    assert {anchor_of(rule) for rule in RULES.values()} <= {heading.anchor for heading in page.headings}
