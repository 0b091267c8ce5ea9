"""A copy of the project whose four models are up to date, with keys for two people, for all tests of what is served."""

from __future__ import annotations

import subprocess

import pytest
from graph_clone import SPAN
from model_graph import Node, write_models
from project_clone import ProjectClone, clone_project

MODELS = [Node("full", ()), Node("view", (0,)), Node("full", (0,)), Node("full", (1, 2))]
MART = f"MODEL (name oso.projects_v1, dialect duckdb, {SPAN}, kind VIEW);\nSELECT day, n FROM oso.m3;\n"
#: the audits and tests of the models that are left out
CONFIG = "\nconfig.linter = LinterConfig(enabled=False)\n"


@pytest.fixture(scope="session")
def served_clone(tmp_path_factory: pytest.TempPathFactory) -> ProjectClone:
    """A copy on which every model has run once; `requester` and `approver` have keys."""
    root = clone_project(tmp_path_factory.mktemp("served"), without=("models", "seeds", "tests", "audits"))
    git = ["git", "-C", str(root), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "pyproject.toml"], ["commit", "-q", "-m", "begin"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    project = root / "warehouse" / "oso_sqlmesh"
    write_models(project / "models", MODELS)
    (project / "models" / "projects_v1.sql").write_text(MART)
    with (project / "config.py").open("a") as config:
        config.write(CONFIG)
    clone = ProjectClone(root)
    for arguments in (("run", "runbooks/run-all-assets.md"), ("approve", "--try-out")):
        done = clone.playbook(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    return clone
