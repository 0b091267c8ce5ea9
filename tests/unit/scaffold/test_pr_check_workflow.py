"""The reusable workflow that posts the body of a pull request: who may do what, and what its script does."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

FILE = Path(__file__).resolve().parents[3] / ".github" / "workflows" / "pr-check.yml"
#: stands in for GitHub's command line: notes its arguments and the file that it is given, and knows one comment or none
GH = """#!/bin/sh
echo "$*" >> calls
case "$*" in *--paginate*) printf '%s' "$KNOWN" ;; *) cp comment.md posted ;; esac
"""


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    """The workflow's jobs."""
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["jobs"]
    return loaded


def _script(jobs: dict[str, Any], job: str, name: str) -> str:
    return next(str(step["run"]) for step in jobs[job]["steps"] if step.get("name") == name)


def test_the_pull_requests_code_runs_where_nothing_can_be_written(jobs: dict[str, Any]) -> None:
    """The job that installs and runs the pull request may read alone."""
    assert jobs["evidence"]["permissions"] == {"contents": "read"}


def test_the_commenting_job_runs_nothing_of_the_pull_request(jobs: dict[str, Any]) -> None:
    """The job that may write checks nothing out and installs nothing."""
    assert jobs["comment"]["permissions"] == {"pull-requests": "write"}
    assert [step.get("uses", "script").split("@")[0] for step in jobs["comment"]["steps"]] == [
        "actions/download-artifact",
        "script",
    ]


@pytest.mark.parametrize(
    ("known", "call"),
    [
        ("", "--method POST repos/o/r/issues/7/comments"),
        ("42\n", "--method PATCH repos/o/r/issues/comments/42"),
    ],
)
def test_one_comment_is_made_or_written_over(known: str, call: str, jobs: dict[str, Any], tmp_path: Path) -> None:
    """The body reaches GitHub as a file, byte for byte; a comment that is there already is written over."""
    gh = tmp_path / "gh"
    gh.write_text(GH, encoding="utf-8")
    gh.chmod(0o755)
    hostile = "## Change $(touch owned) `touch owned` '\"\n{owner} é\n"
    (tmp_path / "body.md").write_text(hostile, encoding="utf-8")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["bash", "-eo", "pipefail", "-c", _script(jobs, "comment", "One comment, made new or written over")],
        cwd=tmp_path, check=True, timeout=30, env={"PATH": path, "GH_REPO": "o/r", "NUMBER": "7", "KNOWN": known},
    )  # fmt: skip
    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert calls[-1] == f"api {call} --field body=@comment.md --silent"
    assert (tmp_path / "posted").read_text(encoding="utf-8") == f"<!-- playbook pr-check -->\n{hostile}\n"
    assert not (tmp_path / "owned").exists()


def test_the_check_is_run_with_options_that_exist(jobs: dict[str, Any], tmp_path: Path) -> None:
    """The step names the project, the base, its checks one by one and the file for the body."""
    from dagster_playbook.cli.pr_check import command

    program = tmp_path / "playbook"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > arguments\n', encoding="utf-8")
    program.chmod(0o755)
    variables = {"PROJECT": ".", "BASE": "abc", "MATERIALISATION": "true", "RUNNER_TEMP": str(tmp_path)}
    subprocess.run(
        ["bash", "-eo", "pipefail", "-c", _script(jobs, "evidence", "What a reviewer would run")],
        cwd=tmp_path, check=True, timeout=30, env=variables | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    arguments = (tmp_path / "arguments").read_text(encoding="utf-8").splitlines()
    assert arguments[0] == "pr-check"
    parsed = command.make_context("pr-check", arguments[1:]).params
    assert (parsed["base"], parsed["output"]) == ("abc", tmp_path / "evidence" / "body.md")
    assert set(parsed["checks"]) == {"lint", "tests", "materialisation", "blast radius", "docs"}
