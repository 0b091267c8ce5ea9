"""A copy of the project whose models are the graph, with the command line on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import kill_hook
import sqlmesh_records
from model_graph import GRAPH, SPAN, write_models

from dagster_playbook.platform.dagster_runs import DagsterRun, EmbeddedDagster, Launch
from dagster_playbook.settings import load_settings

KIT = Path(__file__).resolve().parent
PROJECT = KIT.parents[1]
RESTATE = ("runbooks/restate-by-model.md", "-p", "models=oso.m0")
MART = f"MODEL (name oso.projects_v1, dialect duckdb, {SPAN}, kind VIEW);\nSELECT day, n FROM oso.m19;\n"
CONFIG = """
import sys
config.linter = LinterConfig(enabled=False)
sys.path.append({kit!r})
import kill_hook
kill_hook.watch_evaluations()
"""
COMMAND = """
import sys
sys.path.append({kit!r})
import kill_hook
kill_hook.die_at_a_journal_line()
from dagster_playbook.cli import main
main()
"""


@dataclass(frozen=True)
class Clone:
    """A copy of the project whose models are the graph."""

    root: Path

    @cached_property
    def data(self) -> Path:
        return self.root / ".playbook" / "warehouse"

    def environment(self, kill: str = "", approval: str = "") -> dict[str, str]:
        """Variables of a process on this copy, which dies where `kill` says."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER_", "OSO_", "PLAYBOOK_", "SQLMESH_"))}
        return {
            **kept,
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "OSO_GIT_REPOSITORY": str(self.root),
            "OSO_RESTATEMENT_APPROVAL": approval,
            "MAX_FORK_WORKERS": "1",
            kill_hook.KILL: kill,
            kill_hook.RECORDS: str(self.root / "recorded.jsonl"),
        }

    def python(self, program: str, *arguments: str, kill: str = "", approval: str = "") -> tuple[int, str]:
        """Exit code and output of a program; who is told to kill its parent finds this one alone in its session."""
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=self.root,
            env=self.environment(kill, approval),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout

    def playbook(self, *arguments: str, kill: str = "") -> int:
        """Exit code of the command, negative for a signal."""
        code, output = self.python(COMMAND.format(kit=str(KIT)), *arguments, kill=kill)
        with (self.root / "said.txt").open("a") as said:
            said.write(f"$ {' '.join(arguments)}  [{kill}]\n{output}{code}\n")
        return code

    def said(self) -> str:
        return (self.root / "said.txt").read_text()[-4000:]

    def approve(self, *plan: str) -> None:
        """Two people sign the plan; approvals of other plans are forgotten."""
        keys, approvals = self.root / ".playbook" / "approvers", self.root / ".playbook" / "approvals"
        for other in approvals.glob("*.json"):
            other.unlink()
        assert self.playbook("approve", "--try-out") == 0, self.said()
        assert self.playbook("plan", *plan, "--request", "--key", str(keys / "requester")) == 0, self.said()
        (request,) = approvals.glob("*.json")
        assert self.playbook("approve", request.stem, "--yes", "--key", str(keys / "approver")) == 0, self.said()

    def launch(self, kill: str = "") -> DagsterRun:
        """Launch the restatement without any runbook, as from a launchpad that asks nobody."""
        config = {"ops": {"sqlmesh_project": {"config": {"restate_models": ["oso.m0"]}}}}
        return self.dagster(kill).launch(Launch("sqlmesh_all_assets", config, f"launch-{kill}"), lambda *_: None)

    def dagster(self, kill: str = "") -> EmbeddedDagster:
        """The instance of this copy."""
        location, home = load_settings(self.root).dagster[0], self.root / ".playbook" / "dagster"
        return EmbeddedDagster(self.root, location, home, self.root / "launch.log", self.environment(kill, "off"))

    def evaluations(self) -> dict[str, list[tuple[int, int]]]:
        """Since the copy was made; the records of the deployment stay where it was deployed."""
        return kill_hook.recorded(self.root / "recorded.jsonl")

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        tables = [*(f"m{number}" for number in range(len(GRAPH))), "projects_v1"]
        return sqlmesh_records.rows(self.data / "iceberg.duckdb", tables)

    def copy(self, root: Path) -> Clone:
        shutil.copytree(self.root, root, ignore=shutil.ignore_patterns("recorded.jsonl"))
        return Clone(root)


def deploy(root: Path) -> Clone:
    """Every model is up to date, and the restatement of the first one is approved."""
    clone = Clone(root)
    left_out = shutil.ignore_patterns("__pycache__", ".cache", "logs", "models", "seeds", "tests", "audits")
    shutil.copytree(PROJECT / "warehouse", clone.root / "warehouse", ignore=left_out)
    shutil.copytree(PROJECT / "runbooks", clone.root / "runbooks")
    shutil.copy(PROJECT / "pyproject.toml", clone.root)
    git = ["git", "-C", str(clone.root), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "pyproject.toml"], ["commit", "-q", "-m", "begin"]):
        subprocess.run([*git, *command], check=True)
    project = clone.root / "warehouse" / "oso_sqlmesh"
    write_models(project / "models", GRAPH)
    (project / "models" / "projects_v1.sql").write_text(MART)
    with (project / "config.py").open("a") as config:
        config.write(CONFIG.format(kit=str(KIT)))
    assert clone.playbook("run", "runbooks/run-all-assets.md") == 0, clone.said()
    clone.approve(*RESTATE)
    return clone


@dataclass(frozen=True)
class Undisturbed:
    """What the runbook restates and leaves when nothing disturbs it: intervals by model, rows by table."""

    evaluated: dict[str, list[tuple[int, int]]]
    rows: dict[str, list[tuple[object, ...]]]


def restate(clone: Clone) -> Undisturbed:
    """Run the approved restatement."""
    assert clone.playbook("run", *RESTATE, "--answer", "sure=yes") == 0, clone.said()
    return Undisturbed(clone.evaluations(), clone.rows())
