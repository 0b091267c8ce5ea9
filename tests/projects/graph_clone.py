"""A copy of the project whose models are the graph, with the command line on it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import kill_hook
import sqlmesh_records
from model_graph import GRAPH, SPAN, write_models
from project_clone import ProjectClone, clone_project

from dagster_playbook.services.dagster_runs import DagsterRun, EmbeddedDagster, Launch
from dagster_playbook.settings import load_settings

KIT = Path(__file__).resolve().parent
RESTATE = ("runbooks/restate-by-model.md", "-p", "models=oso.m0")
MART = f"MODEL (name oso.projects_v1, dialect duckdb, {SPAN}, kind VIEW);\nSELECT day, n FROM oso.m19;\n"
CONFIG = """
import sys
config.linter = LinterConfig(enabled=False)
sys.path.append({kit!r})
import kill_hook
kill_hook.watch_evaluations()
"""


@dataclass(frozen=True)
class Clone(ProjectClone):
    """A copy of the project whose models are the graph."""

    @property
    def data(self) -> Path:
        """Where the models and SQLMesh's state are."""
        return self.root / ".playbook" / "warehouse"

    @property
    def records(self) -> Path:
        """What SQLMesh recorded since the copy was made; the records of the deployment stay where it was deployed."""
        return self.root / "recorded.jsonl"

    @property
    def environment(self) -> dict[str, str]:
        """With the file of records, which every process of this copy writes to."""
        return {**super().environment, kill_hook.RECORDS: str(self.records)}

    def dying(self, place: str) -> Clone:
        """The same copy, on which a process dies at that place."""
        return replace(self, variables={kill_hook.KILL: place})

    def command(self, *arguments: str) -> dict[str, Any]:
        """With the hook that dies at a line of the journal."""
        return {**super().command(*arguments), "args": [sys.executable, str(KIT / "dying_playbook.py"), *arguments]}

    def say(self, *arguments: str) -> int:
        """The exit code of the command, negative for a signal; what it printed is kept."""
        done = self.playbook(*arguments)
        with (self.root / "said.txt").open("a") as said:
            said.write(f"$ {' '.join(arguments)}  {self.variables}\n{done.stdout}{done.stderr}{done.returncode}\n")
        return done.returncode

    def said(self) -> str:
        """The end of what all commands printed."""
        return (self.root / "said.txt").read_text()[-4000:]

    def launch(self) -> DagsterRun:
        """Launch the restatement without any runbook, as from a launchpad that asks nobody."""
        config = {"ops": {"sqlmesh_project": {"config": {"restate_models": ["oso.m0"]}}}}
        key = f"launch-{self.variables.get(kill_hook.KILL, '')}"
        return self.dagster().launch(Launch("sqlmesh_all_assets", config, key), lambda *_: None)

    def dagster(self) -> EmbeddedDagster:
        """The instance of this copy, which asks for no approval."""
        location, home = load_settings(self.root).dagster[0], self.root / ".playbook" / "dagster"
        environment = {**self.environment, "OSO_RESTATEMENT_APPROVAL": "off"}
        return EmbeddedDagster(self.root, location, home, self.root / "launch.log", environment)

    def evaluations(self) -> dict[str, list[tuple[int, int]]]:
        """Model to the intervals that were recorded, one entry an evaluation."""
        return kill_hook.recorded(self.records)

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """All rows of every model, by table."""
        tables = [*(f"m{number}" for number in range(len(GRAPH))), "projects_v1"]
        return sqlmesh_records.rows(self.data / "iceberg.duckdb", tables)

    def copy(self, root: Path) -> Clone:
        """A copy of the copy, as it stands now."""
        shutil.copytree(self.root, root, ignore=shutil.ignore_patterns("recorded.jsonl"))
        return Clone(root)


def deploy(root: Path) -> Clone:
    """Every model is up to date, and the restatement of the first one is approved."""
    clone = Clone(clone_project(root, without=("models", "seeds", "tests", "audits")))
    git = ["git", "-C", str(clone.root), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "pyproject.toml"], ["commit", "-q", "-m", "begin"]):
        subprocess.run([*git, *command], check=True)
    project = clone.root / "warehouse" / "oso_sqlmesh"
    write_models(project / "models", GRAPH)
    (project / "models" / "projects_v1.sql").write_text(MART)
    with (project / "config.py").open("a") as config:
        config.write(CONFIG.format(kit=str(KIT)))
    assert clone.say("run", "runbooks/run-all-assets.md") == 0, clone.said()
    clone.approve(*RESTATE)
    return clone


@dataclass(frozen=True)
class Undisturbed:
    """What the runbook restates and leaves when nothing disturbs it: intervals by model, rows by table."""

    evaluated: dict[str, list[tuple[int, int]]]
    rows: dict[str, list[tuple[object, ...]]]


def restate(clone: Clone) -> Undisturbed:
    """Run the approved restatement."""
    assert clone.say("run", *RESTATE, "--answer", "sure=yes") == 0, clone.said()
    return Undisturbed(clone.evaluations(), clone.rows())
