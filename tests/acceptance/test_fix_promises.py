"""What a fix promises, held on pages that hypothesis makes of mistakes, right passages and odd characters."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagster_playbook.check import Checker
from dagster_playbook.check.edits import apply_fixes
from dagster_playbook.check.page_check import check_page
from dagster_playbook.check.trial import ChangedFiles, PageReader, tried
from dagster_playbook.findings import Finding, Severity
from dagster_playbook.location import line_starts

PAGE = "docs/made.md"
RUN = '```{ .yaml job="sqlmesh_all_assets" }\nops:\n  sqlmesh_project:\n    config:\n      BODY\n```\n'
MISTAKES = [
    RUN.replace("BODY", "restate_model: [oso.projects_v1]"),
    RUN.replace("BODY", "restate_models: [oso.projects_v1]\n      restate_model: [oso.projects_v1]"),
    RUN.replace("BODY", "restate_models: [projects_v1]\n      skip_test: true"),
    RUN.replace("BODY", '"skip_test": true\n      strat: 2024-01-01'),
    "```sh\nsqlmesh plann --skip-test\nsqlmesh plan --skip-test --no-prompt\n```\n",
    "```sh\nsqlmesh table_dif prod:dev oso.projects_v1\n```\n",
    "A run is retried <!-- fact: dagster.run_retries.max_retries -->seven<!-- /fact --> times.\n",
    "A run is retried <!-- fact: dagster.run_retries.max_retries -->seven times at most<!-- /fact -->.\n",
    "There are <!-- fact: sqlmesh.models.count -->1,700<!-- /fact --> models.\n",
    '```{ .sh titel="Plan" }\nsqlmesh plan --explain\n```\n',
    "```sql\nMODEL (name oso.made, kind FULL, dialect trino, tags (entity_category = project));\nSELECT 1 AS a\n```\n",
    "Run `sqlmesh plann` or `make tset`, restate `oso.project_v1` by `restate_model`.\n",
]
RIGHT = ["# A heading\n", "The words of a page.\n", "```sh\nsqlmesh plan --explain\n```\n", "- an item\n- another\n"]
ODD = ["\u2028", "\u2029", "\x85", "\x0c", "\x1c", "\u00e9", "\U0001d11e"]


@st.composite
def pages(draw: st.DrawFn) -> str:
    """Passages in any order, odd characters in the prose between them, one kind of line end, perhaps a mark."""
    parts = []
    for passage in draw(st.lists(st.sampled_from([*MISTAKES, *RIGHT]), min_size=1, max_size=5)):
        odd = "".join(draw(st.lists(st.sampled_from(ODD), max_size=3)))
        parts += [f"Words{odd} between {odd}passages.\n", passage]
    text = draw(st.sampled_from(["", "\ufeff"])) + "\n".join(parts)
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n", "\r"])))


def _findings(checker: Checker, text: str) -> Sequence[Finding]:
    root, roots = checker.settings.root, checker.settings.include_roots
    world = copy.copy(checker.world)
    world.files = ChangedFiles(world.files, PageReader(root, roots), {PAGE: text})
    reader = PageReader(root, roots, {PAGE: text})
    return tried(check_page(reader.read(PAGE, {}), world), world, reader)


def _told(findings: Sequence[Finding]) -> Counter[tuple[str, str]]:
    return Counter((finding.rule, finding.message) for finding in findings)


def _offset(text: str, line: int, column: int) -> int:
    return line_starts(text)[line - 1] + column - 1 + (1 if line == 1 and text.startswith("\ufeff") else 0)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=pages())
def test_a_fix_cures_its_finding_and_touches_nothing_else(text: str, checker: Checker) -> None:
    """Applied by itself, a fix takes its finding away, brings none, and changes its own place alone."""
    findings = _findings(checker, text)
    for finding in (one for one in findings if one.fix):
        fix = finding.fix
        assert fix is not None
        after, count = apply_fixes(text, [fix])
        start = _offset(text, fix.location.line, fix.location.column)
        assert (count, after) == (1, text[:start] + fix.replacement + text[start + len(fix.was) :])
        assert finding.severity is Severity.ERROR
        left = _told(_findings(checker, after))
        assert left <= _told(findings) - _told([finding])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=pages())
def test_all_fixes_of_a_page_together_keep_the_promise(text: str, checker: Checker) -> None:
    """Applied at once, the fixes of a page take all their findings away and bring none."""
    findings = _findings(checker, text)
    fixed = [finding for finding in findings if finding.fix]
    after, count = apply_fixes(text, [finding.fix for finding in fixed if finding.fix])
    assert count == len({finding.fix for finding in fixed})
    assert _told(_findings(checker, after)) <= _told(findings) - _told(fixed)


@pytest.mark.parametrize(
    ("passage", "written"),
    [
        (MISTAKES[0], [("restate_model", "restate_models")]),
        (MISTAKES[1], []),
        (MISTAKES[2], [("projects_v1", "oso.projects_v1"), ("skip_test", "skip_tests")]),
        (MISTAKES[3], [("strat", "start")]),
        (MISTAKES[4], [("--skip-test", "--skip-tests"), ("--no-prompt", "--no-prompts")]),
        (MISTAKES[5], [("table_dif", "table_diff")]),
        (MISTAKES[6], [("seven", "three")]),
        (MISTAKES[7], []),
        (MISTAKES[9], [("titel", "title")]),
        (MISTAKES[10], [("entity_category = project", '"entity_category=project"')]),
        (MISTAKES[11], []),
    ],
)
def test_what_is_offered(passage: str, written: list[tuple[str, str]], checker: Checker) -> None:
    """A key, option or sub-command one slip away, a fact's number and a quote are offered; guesses are not.

    Nor is a fix that would bring another finding: `plan` for `plann` uncovers the option behind it.
    """
    fixes = [finding.fix for finding in _findings(checker, passage) if finding.fix]
    assert [(fix.was, fix.replacement) for fix in fixes] == written


def test_only_one_place_makes_fixes(project: Path) -> None:
    """Every fix of a rule for pages comes from the module that knows which answers are the only one."""
    rules = project / "src" / "dagster_playbook" / "rules"
    makers = [path.name for path in rules.glob("*.py") if "Fix(" in path.read_text(encoding="utf-8")]
    assert makers == ["repairs.py"]
