"""Folders of runs that hold no run: told, and passed over."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from dagster_playbook.cli import group
from dagster_playbook.runbook import journal as journals
from dagster_playbook.runbook.clock import steps_back, went_back
from dagster_playbook.runbook.journal import Journal

GOOD, LATER = "20260131-120000-3fa2b1", "20260201-120000-3fa2b1"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """The folder of runs of a project, with one that has succeeded."""
    (tmp_path / "pyproject.toml").write_text("[tool.playbook]\n")
    folder = tmp_path / ".playbook" / "runs"
    journal = Journal(folder / GOOD)
    journal.append("opened", runbook="page.md", title="A page", target="embedded")
    journal.append("closed", state="succeeded")
    return folder


def playbook(runs: Path, *arguments: str) -> Result:
    return CliRunner().invoke(group, [*arguments, "--project", str(runs.parents[1])])


def write(folder: Path, name: str, text: str) -> None:
    folder.mkdir()
    (folder / name).write_text(text)


BROKEN = {
    "the journal is empty": (journals.FILE_NAME, ""),
    "no journal": ("runbook.md", "# A page\n"),
    "line 1 of the journal is not an entry": (journals.FILE_NAME, "{}\n"),
    "the journal does not begin with a run": (
        journals.FILE_NAME,
        json.dumps({"seq": 1, "at": "", "event": "closed", "data": {"state": "x"}, "previous": "", "hash": ""}) + "\n",
    ),
    "the journal holds something else than a run": (
        journals.FILE_NAME,
        json.dumps({"seq": 1, "at": "", "event": "opened", "data": [], "previous": "", "hash": ""}) + "\n",
    ),
}


@pytest.mark.parametrize("why", BROKEN)
def test_a_broken_run_is_told_and_passed_over(runs: Path, why: str) -> None:
    """The list shows it with the reason, and the last run is the last one that can be read."""
    write(runs / LATER, *BROKEN[why])
    listed = playbook(runs, "runs", "list")
    assert listed.exit_code == 0
    assert listed.output.splitlines()[0].startswith(f"{GOOD}  succeeded")
    assert listed.output.splitlines()[1] == f"{LATER}  unreadable   {why}"
    resumed = playbook(runs, "resume", "last")
    assert f"passed over: {LATER}: {why}" in resumed.output
    assert str(resumed.exception).startswith(f"the run {GOOD} has succeeded") or "page.md" in str(resumed.exception)


def test_foreign_files_are_nobodys_run(runs: Path) -> None:
    """Whatever they are called."""
    (runs / "notes.txt").write_text("x")
    (runs / LATER).write_text("a file")
    assert playbook(runs, "runs", "list").output.count("\n") == 1


def test_a_run_that_was_cut_before_its_first_line_is_no_finding(runs: Path) -> None:
    """Nothing was done in it; a run with evidence and no journal is one."""
    write(runs / LATER, "runbook.md", "# A page\n")
    verified = playbook(runs, "runs", "verify")
    assert verified.exit_code == 0
    assert (
        f"{LATER}  as it was written\n  note: it was cut before its first line, and has done nothing" in verified.output
    )
    (runs / LATER / "evidence").mkdir()
    verified = playbook(runs, "runs", "verify")
    assert verified.exit_code == 1
    assert f"{LATER}  changed\n  - no journal" in verified.output


def test_a_clock_that_went_back_is_told_and_refuses_nothing(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the run itself and by the verification, with both times."""
    assert went_back("2026-01-31T12:00:00+00:00", "2026-01-31T11:59:59.500+00:00") == ""
    times = iter(["2026-01-31T12:00:00.000+00:00", "2026-01-31T11:00:00.000+00:00"])

    clock = SimpleNamespace(now=lambda _: dt.datetime.fromisoformat(next(times)))
    monkeypatch.setattr(journals, "dt", SimpleNamespace(datetime=clock, UTC=dt.UTC))
    journal = Journal(runs / LATER)
    journal.append("opened", runbook="page.md", target="embedded")
    journal.append("closed", state="succeeded")
    monkeypatch.undo()
    told = "the clock went back by 3600 s, from 2026-01-31T12:00:00.000+00:00 to 2026-01-31T11:00:00.000+00:00"
    assert steps_back(runs / LATER) == [f"line 2: {told}"]
    verified = playbook(runs, "runs", "verify", LATER)
    assert verified.exit_code == 0
    assert told in verified.output


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_journal_that_may_not_be_read_is_told(runs: Path) -> None:
    """With the system's words."""
    write(runs / LATER, journals.FILE_NAME, "{}\n")
    (runs / LATER / journals.FILE_NAME).chmod(0)
    assert "Permission denied" in playbook(runs, "runs", "list").output
