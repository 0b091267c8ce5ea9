"""Documentation of others, held without strictness: what may be meant otherwise is a warning, the rest an error.

A new case is a new page below tests/data/checks-lenient with an `.expected` file: a line `LINE:COLUMN CODE SEVERITY`
for each finding, in reading order. A folder with a `mkdocs.yml` or another generator's configuration is a site.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from dagster_playbook.check import Checker
from dagster_playbook.settings import Settings

DATA = Path(__file__).parents[1] / "data" / "checks-lenient"
EXPECTED = sorted(DATA.rglob("*.expected"))


@pytest.fixture(scope="module")
def lenient(checker: Checker, project_settings: Settings) -> Checker:
    """A checker on the lenient pages as on a project of their own, with the facts of the reference platform."""
    settings = dataclasses.replace(project_settings, root=DATA, strict=False, mkdocs="", makefile="", cache=".playbook")
    other = Checker(settings, use_store=False)
    other.__dict__["facts"] = checker.facts
    other.__dict__["world"] = dataclasses.replace(
        other.world, authority=checker.world.authority, documents=checker.world.documents
    )
    return other


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda path: path.relative_to(DATA).with_suffix("").as_posix())
def test_a_page_of_others_has_its_findings_and_no_others(expected: Path, lenient: Checker) -> None:
    """Rule, place and severity of every finding are those that a person wrote down."""
    verdict = lenient.check_page(expected.with_suffix(".md").relative_to(DATA).as_posix())
    told = [f"{f.location.line}:{f.location.column} {f.rule} {f.severity}" for f in verdict.findings]
    assert told == expected.read_text(encoding="utf-8").split("\n")[:-1]


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda path: path.relative_to(DATA).with_suffix("").as_posix())
def test_strictness_only_adds_weight(expected: Path, lenient: Checker, checker: Checker) -> None:
    """Whatever is an error without strictness is one with it too."""
    path = expected.with_suffix(".md").relative_to(DATA).as_posix()
    strict = Checker(dataclasses.replace(lenient.settings, strict=True), use_store=False)
    strict.__dict__["facts"] = checker.facts
    strict.__dict__["world"] = dataclasses.replace(
        strict.world, authority=checker.world.authority, documents=checker.world.documents
    )
    held = {(f.location.line, f.rule) for f in strict.check_page(path).findings if f.severity == "error"}
    loose = {(f.location.line, f.rule) for f in lenient.check_page(path).findings if f.severity == "error"}
    assert loose <= held
