"""Which doubts are told one by one, and which are counted with others of their cause."""

from __future__ import annotations

import pytest

from dagster_playbook.check import Checker
from dagster_playbook.check.doubts import CAUSES, cause_of, grouped, looks_like_ours
from dagster_playbook.findings import Finding, Severity
from dagster_playbook.location import Location


@pytest.mark.parametrize(
    "name", ["oso.no_such_model", "sqlmesh_al_assets", "restate_modles", "entity_categroy=project"]
)
def test_a_name_with_a_letter_wrong_looks_like_ours(name: str, checker: Checker) -> None:
    """A name in a schema of the platform, or one that is nearly a name of it, is meant as one of its names."""
    assert looks_like_ours(name, checker.world)


@pytest.mark.parametrize("name", ["secret", "latest", "my_table", "DAGSTER_TOKEN", "other.no_such_model", "tags", ""])
def test_a_word_of_another_program_does_not(name: str, checker: Checker) -> None:
    """Common words, other schemas and variables of other programs are nobody's misspelling."""
    assert not looks_like_ours(name, checker.world)


def finding(rule: str, subject: str = "", severity: Severity = Severity.WARNING) -> Finding:
    return Finding(Location("page.md"), rule, "name", "told", subject, severity)


def test_an_error_is_always_told_by_itself(checker: Checker) -> None:
    """No error is counted with others, whatever its rule."""
    assert cause_of(finding("PB006", "secret", Severity.ERROR), checker.world) == ""


def test_causes_are_told_largest_first_with_what_settles_them(checker: Checker) -> None:
    """Each cause has a count and a cure, and all causes that rules give are there."""
    told = [finding("PB006", "secret"), finding("PY503", "pandas"), finding("PB006", "password"), finding("FA802")]
    named = [Finding(f.location, f.rule, f.name, f.message, f.subject, f.severity, cause=cause_of(f, checker.world))
             for f in told]  # fmt: skip
    assert [(cause.name, count) for cause, count in grouped(named)] == [("names", 2), ("packages", 1)]
    assert all(cause.cure and cause.told for cause in CAUSES.values())
