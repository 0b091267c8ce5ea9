"""The project's own pages are what they promise to be."""

from __future__ import annotations

import pytest

from dagster_playbook.check import Checker
from dagster_playbook.check.result import CheckResult


@pytest.fixture(scope="module")
def result(checker: Checker) -> CheckResult:
    """One check of docs/, runbooks/ and README.md, with the navigation."""
    return checker.check()


def test_no_page_has_drifted(result: CheckResult) -> None:
    """Every config, command, query, name and number on the pages is true of the platform."""
    assert [f"{f.location} {f.rule} {f.message}" for f in result.findings] == []


def test_every_block_and_span_is_checked_or_exempt(result: CheckResult) -> None:
    """Nothing on the pages is passed over, and less than a twentieth is exempt."""
    counts = result.summary()
    assert counts["checked"] + counts["exempt"] == counts["fences"] + counts["spans"]
    assert counts["exempt"] < 0.05 * (counts["fences"] + counts["spans"])


def test_the_playbook_carries_what_it_has_to(result: CheckResult) -> None:
    """The pages and runbooks of the playbook are all among what was checked."""
    pages = {page.path for page in result.pages}
    assert {
        "README.md",
        "docs/playbook/sqlmesh-integration.md",
        "docs/playbook/restatements.md",
        "docs/playbook/branching-with-tags.md",
        "docs/workflow/asset-development.md",
        "runbooks/restate-by-model.md",
        "runbooks/promote-consumer.md",
    } <= pages
