"""The pages of the site that show the runbooks say what the runbooks are."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.claims.runbook import parse
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.runbook.page import page_of

PROJECT = Path(__file__).resolve().parents[3]
RUNBOOKS = sorted(path.name for path in (PROJECT / "runbooks").glob("*.md"))


@pytest.mark.parametrize("name", RUNBOOKS)
def test_the_page_tells_owner_risk_parameters_and_steps_of_its_runbook(name: str) -> None:
    """What stands in front of the runbook's own text is made from its front matter and steps.

    Wrong? `python -m dagster_playbook.runbook.page runbooks/*.md` writes the pages anew.
    """
    shown = (PROJECT / "docs" / "runbooks" / name).read_text(encoding="utf-8")
    assert shown == page_of(PROJECT, f"runbooks/{name}")


@pytest.mark.parametrize("name", RUNBOOKS)
def test_the_overview_tells_the_risk_and_approval_of_each_runbook(name: str) -> None:
    """The last cell of the runbook's line in the overview is its risk, and whether somebody has to approve it."""
    overview = (PROJECT / "docs" / "runbooks" / "index.md").read_text(encoding="utf-8")
    (line,) = [line for line in overview.splitlines() if line.startswith("|") and f"({name})" in line]
    runbook = parse(read_page(PROJECT, f"runbooks/{name}"))
    approved = ", with approval" if any(step.approve for step in runbook.steps) else ""
    assert line.rstrip("| ").rpartition("| ")[2] == f"{runbook.risk}{approved}"
