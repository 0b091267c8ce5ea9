"""The hooks run as pre-commit runs them: the entry split into words, then `args`, then the changed files."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml


@pytest.fixture(scope="module")
def hooks(project: Path) -> dict[str, dict[str, Any]]:
    loaded = yaml.safe_load((project / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    return {hook["id"]: hook for hook in loaded}


def run_hook(hook: dict[str, Any], cwd: Path, files: list[str], args: list[str] | None = None) -> int:
    names = files if hook.get("pass_filenames", True) else []
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [*shlex.split(hook["entry"]), *(args or []), *names]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, timeout=60, check=False).returncode


def test_manifest(hooks: dict[str, dict[str, Any]]) -> None:
    """Each hook has what pre-commit requires, and is serial: one process loads the platform once."""
    for hook in hooks.values():
        assert {"id", "name", "entry", "language"} <= set(hook)
        assert hook["language"] == "python" and hook["require_serial"] is True


@pytest.mark.parametrize(("page", "code"), [("docs/index.md", 0), ("docs/broken.md", 1)])
def test_changed_pages(hooks: dict[str, dict[str, Any]], small_project: Path, page: str, code: int) -> None:
    """The hook of changed pages fails a commit on the page that is wrong and on no other."""
    assert run_hook(hooks["playbook-check"], small_project, [page]) == code


def test_all_pages(hooks: dict[str, dict[str, Any]], small_project: Path) -> None:
    """The hook of all pages also fails when only the platform has changed."""
    (small_project / "docs" / "broken.md").unlink()
    (small_project / "docs" / "index.md").write_text("Read the catalog `lake`.\n")
    assert run_hook(hooks["playbook-check-all"], small_project, ["Makefile"]) == 0
    (small_project / "catalogs" / "lake.properties").rename(small_project / "catalogs" / "pond.properties")
    assert run_hook(hooks["playbook-check-all"], small_project, ["Makefile"]) == 1


def test_project_below_the_repository(hooks: dict[str, dict[str, Any]], small_project: Path) -> None:
    """In a repository whose project is a folder, `args` name the folder and pre-commit's paths are found."""
    args = ["--project", small_project.name]
    files = [f"{small_project.name}/docs/broken.md"]
    assert run_hook(hooks["playbook-check"], small_project.parent, files, args) == 1


@pytest.mark.parametrize("name", ["ci.yml", "playbook-check.yml", "pr-check.yml"])
def test_workflow_is_valid(project: Path, name: str) -> None:
    """Each workflow is valid against the schema of GitHub's workflows."""
    import json

    import check_jsonschema
    from jsonschema.validators import validator_for

    folder = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"
    schema = json.loads((folder / "github-workflows.json").read_text(encoding="utf-8"))
    loaded = yaml.safe_load((project / ".github" / "workflows" / name).read_text(encoding="utf-8"))
    # YAML 1.1 reads the key `on` as a boolean
    document = {"on" if key is True else key: value for key, value in loaded.items()}
    assert [error.message for error in validator_for(schema)(schema).iter_errors(document)] == []


@pytest.mark.parametrize("name", ["playbook-check.yml", "pr-check.yml"])
def test_workflow_runs_no_input_as_code(project: Path, name: str) -> None:
    """No step of a reusable workflow pastes an input into a script: inputs reach it as variables."""
    loaded = yaml.safe_load((project / ".github" / "workflows" / name).read_text(encoding="utf-8"))
    scripts = [step["run"] for job in loaded["jobs"].values() for step in job["steps"] if "run" in step]
    assert scripts and not any("${{" in script for script in scripts)
