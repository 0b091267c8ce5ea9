"""The reusable workflow that checks pages: a fork's pull request is read, and none of it is run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagster_playbook.cli.check import command as check
from dagster_playbook.cli.facts import command as facts

FILE = Path(__file__).resolve().parents[3] / ".github" / "workflows" / "playbook-check.yml"


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    """The workflow's jobs."""
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["jobs"]
    return loaded


def _run(script: str, folder: Path, **variables: str) -> list[list[str]]:
    """Run a step's script with a stand-in for `playbook` and `python`; the arguments of each call."""
    for name in ("playbook", "python"):
        program = folder / name
        program.write_text('#!/bin/sh\nprintf "%s\\0" "$0" "$@" >> calls; printf "\\n" >> calls\n', encoding="utf-8")
        program.chmod(0o755)
    environment = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "RUNNER_TEMP": "/tmp/runner", **variables}
    subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=folder, check=True, timeout=30, env=environment)
    lines = (folder / "calls").read_text(encoding="utf-8").split("\n")[:-1]
    calls = [line.split("\0")[:-1] for line in lines]
    return [[call[0].rsplit("/", 1)[-1], *call[1:]] for call in calls]


def test_either_job_runs_and_never_both(jobs: dict[str, Any]) -> None:
    """A fork's pull request goes to the job that runs none of it; everything else to the other one."""
    own, fork = (" ".join(jobs[name]["if"].split()) for name in ("check", "fork"))
    other = "github.event.pull_request.head.repo.full_name"
    assert own == f"${{{{ github.event_name != 'pull_request' || {other} == github.repository }}}}"
    assert fork == f"${{{{ github.event_name == 'pull_request' && {other} != github.repository }}}}"


def test_a_fork_gets_no_right_and_no_secret(jobs: dict[str, Any]) -> None:
    """The job may read, keeps no credential on the disk, and names no secret and no shared cache."""
    fork = jobs["fork"]
    assert fork["permissions"] == {"contents": "read"}
    checkouts = [step["with"] for step in fork["steps"] if step.get("uses", "").startswith("actions/checkout")]
    assert [with_["persist-credentials"] for with_ in checkouts] == [False, False]
    told = yaml.safe_dump(fork)
    assert "secrets." not in told and "actions/cache" not in told and "pull_request_target" not in told


def test_only_the_check_runs_once_the_change_is_there(jobs: dict[str, Any]) -> None:
    """What is installed and loaded is the base branch's; once the change is there, the check is all that runs."""
    steps = jobs["fork"]["steps"]
    paths = [step.get("with", {}).get("path") or step.get("working-directory") for step in steps]
    assert paths == ["base", None, "base", "base", "change", "change"]
    assert steps[0]["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert "ref" not in steps[4]["with"] and "--facts" in steps[5]["run"]


def test_the_base_branch_is_checked_and_recorded(jobs: dict[str, Any], tmp_path: Path) -> None:
    """The step checks the base branch first, so that its answers are kept, and writes the facts beside the project."""
    first, second = _run(jobs["fork"]["steps"][3]["run"], tmp_path, PROJECT="sub")
    assert first == ["playbook", "check", "--project", "sub", "--quiet"]
    parsed = facts.make_context("facts", second[2:]).params
    assert (parsed["project"], parsed["file"]) == (Path("sub"), Path("/tmp/runner/facts.json"))


def test_the_change_is_held_to_the_facts(jobs: dict[str, Any], tmp_path: Path) -> None:
    """The check takes the facts, the pages and the revision, each as one argument, whatever stands in them."""
    hostile = {"PROJECT": "a b", "PAGES": "docs $(touch owned)", "CHANGED": "main; touch owned"}
    (call,) = _run(jobs["fork"]["steps"][5]["run"], tmp_path, **hostile)
    parsed = check.make_context("check", call[2:]).params
    assert (parsed["project"], parsed["facts_file"]) == (Path("a b"), Path("/tmp/runner/facts.json"))
    assert (parsed["changed"], parsed["paths"]) == ("main; touch owned", ("docs", "$(touch", "owned)"))
    assert not (tmp_path / "owned").exists()
