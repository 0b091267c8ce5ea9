"""The pages of the site that show the runbooks say what the runbooks are."""

from __future__ import annotations

from pathlib import Path

import pytest

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
