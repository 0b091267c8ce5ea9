"""A plan as people read it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rich.console import Console

from dagster_playbook.approval.parts import Parts
from dagster_playbook.claims.runbook_model import Runbook
from dagster_playbook.runbook.plan import Plan
from dagster_playbook.runbook.present import tables, tree

STEP = '```yaml {#restate job="all" approve="approver" no_undo="The data is rebuilt."}\nops: {}\n```\n'


def radius(start: str, end: str) -> dict[str, object]:
    model = {"name": "oso.a", "kind": "FULL", "role": "selected", "start": start, "end": end, "why": "selected"}
    more = {"full_history": True, "rows": None, "runtime_s": None}
    return {"models": [model | more], "untouched": {}, "environments": {}, "marts": []}


@pytest.mark.parametrize(
    ("end", "shown"), [("2026-03-03T00:00:00+00:00", "2026-03-02"), ("2026-03-03T05:00:00+00:00", "2026-03-03")]
)
def test_a_window_is_shown_with_its_last_day(runbook_of: Callable[..., Runbook], end: str, shown: str) -> None:
    """The end is inclusive, as in the parameters that a person gives, in the tree and in the table."""
    window = {"restate": radius("2026-03-01T00:00:00+00:00", end)}
    plan = Plan(runbook_of(STEP), {}, Parts("page.md", "", "embedded"), radius=window)
    console = Console(width=200, record=True, file=None)
    with console.capture() as captured:
        console.print(tree(plan), *tables(plan))
    assert captured.get().count(f"2026-03-01 to {shown}") == 2
