"""What a person sees of a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from dagster_playbook.cli import group
from dagster_playbook.cli.runbook_progress import TextLines
from dagster_playbook.runbook.journal import Journal


def test_the_end_of_a_commands_output_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Its last 40 lines, above the line that says how the step ended."""
    output = "\n".join(f"line {number}" for number in range(60))
    data = {"step": "look", "outcome": "succeeded", "message": "", "result": {"exit_code": 0, "output": output}}
    TextLines().event("step-finished", data)
    lines = capsys.readouterr().out.splitlines()
    assert (lines[0], lines[39], lines[40]) == ("    line 20", "    line 59", "  ok  look  exit_code=0")
    assert len(lines) == 41


def test_an_earlier_run_tells_what_its_steps_gave(tmp_path: Path) -> None:
    """`playbook runs show` has the hash that a step has read, and the file with the whole of its evidence."""
    (tmp_path / "pyproject.toml").write_text("[tool.playbook]\n")
    folder = tmp_path / ".playbook" / "runs" / "20260131-120000-3fa2b1"
    folder.mkdir(parents=True)
    result = {"hash": "2e1cfa82", "run_id": ""}
    Journal(folder).append("opened", runbook="page.md")
    Journal(folder).append(
        "step-finished", step="before", outcome="succeeded", result=result, evidence="evidence/0001-before.json"
    )
    shown = CliRunner().invoke(group, ["runs", "show", "last", "--project", str(tmp_path)]).output
    assert shown.rstrip().endswith("before  succeeded  hash=2e1cfa82  evidence/0001-before.json")
