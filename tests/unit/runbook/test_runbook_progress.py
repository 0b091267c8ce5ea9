"""What a person sees of a run."""

from __future__ import annotations

import pytest

from dagster_playbook.cli.runbook_progress import TextLines


def test_the_end_of_a_commands_output_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Its last 40 lines, above the line that says how the step ended."""
    output = "\n".join(f"line {number}" for number in range(60))
    data = {"step": "look", "outcome": "succeeded", "message": "", "result": {"exit_code": 0, "output": output}}
    TextLines().event("step-finished", data)
    lines = capsys.readouterr().out.splitlines()
    assert (lines[0], lines[39], lines[40]) == ("    line 20", "    line 59", "  ok  look  exit_code=0")
    assert len(lines) == 41
