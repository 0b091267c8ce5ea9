"""`check --fix` on pages without a true error: not one byte changes, however near their words are to names of ours."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from dagster_playbook.check import Checker
from dagster_playbook.check.edits import rewrites_of_findings
from dagster_playbook.check.fixes import fix_until_stable
from dagster_playbook.check.result import CheckResult
from dagster_playbook.settings import Settings

DATA = Path(__file__).parents[1] / "data" / "public-docs"


def _checker(checker: Checker, settings: Settings) -> Checker:
    """A checker of these settings on the reference platform, that keeps nothing."""
    other = Checker(settings, use_store=False)
    other.__dict__["facts"] = checker.facts
    other.__dict__["world"] = dataclasses.replace(
        other.world, authority=checker.world.authority, documents=checker.world.documents
    )
    return other


def _fixed(checker: Checker) -> tuple[CheckResult, int]:
    root = checker.settings.root
    return fix_until_stable(
        root,
        checker.check,
        lambda result: rewrites_of_findings(root, result.findings, {page.path for page in result.pages}),
        checker.forget_files,
    )


def _bytes_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("strict", [False, True])
def test_documentation_of_others_stays_as_it_is(
    strict: bool, tmp_path: Path, checker: Checker, project_settings: Settings
) -> None:
    """Prose, commands, config and queries that nearly name ours are told at most, and left, strict or not."""
    shutil.copytree(DATA, tmp_path / "docs")
    settings = dataclasses.replace(
        project_settings, root=tmp_path, pages=("docs",), strict=strict, mkdocs="", makefile="", cache=".playbook"
    )
    before = _bytes_below(tmp_path / "docs")
    result, written = _fixed(_checker(checker, settings))
    assert any("did you mean" in finding.message for finding in result.findings)
    assert written == 0 and _bytes_below(tmp_path / "docs") == before


@pytest.mark.parametrize("strict", [False, True])
def test_own_pages_stay_as_they_are(strict: bool, checker: Checker, project_settings: Settings) -> None:
    """The project's own pages have nothing to fix, strict or not."""
    result = _checker(checker, dataclasses.replace(project_settings, strict=strict)).check()
    assert [str(finding.location) for finding in result.findings if finding.fix] == []


def test_tags_of_dagster_are_names(checker: Checker, tmp_path: Path, project_settings: Settings) -> None:
    """Tags that the installed Dagster defines are known, by themselves, with a value and as a family."""
    page = 'Set `dagster/retry_strategy`, `dagster/max_runtime: "60"`, `dagster/priority=2`, `dagster/kind/python`.\n'
    (tmp_path / "a.md").write_text(page + "\nNobody knows `dagster/retry_strategie`.\n")
    settings = dataclasses.replace(project_settings, root=tmp_path, pages=("a.md",), mkdocs="", cache=".playbook")
    told = [(f.location.line, f.rule, f.fix) for f in _checker(checker, settings).check().findings]
    assert told == [(3, "SM204", None)]
