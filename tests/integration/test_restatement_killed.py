"""`playbook run runbooks/restate-by-model.md`, killed with -9 at the boundaries of its steps and inside them.

The runbook, the approval, the op and the instance, whose run retries are on, are the project's own; the models are a
graph of 20 and a mart. One run is killed at one place after the other, and resumed after each: in the end every model
was restated exactly once, by SQLMesh's own records. With PLAYBOOK_KILL_TABLE=FILE it is killed at every place there is,
and the counts are written to that file.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import kill_hook
import pytest
import sqlmesh_records
from model_graph import GRAPH, SPAN, write_models

PROJECT = Path(__file__).resolve().parents[2]
KIT = PROJECT / "tests" / "projects"
RESTATE = ("runbooks/restate-by-model.md", "-p", "models=oso.m0")
AFFECTED, EVALUATIONS = 18, 23
STEPS = ("idle", "sure", "restate", "nothing_left", "filled")
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
NAIVE = """
import json, sys
from pathlib import Path
from dagster_playbook.platform.dagster_runs import EmbeddedDagster, Launch
from dagster_playbook.settings import load_settings
root = Path.cwd()
dagster = EmbeddedDagster(root, load_settings(root).dagster[0], root / ".playbook" / "dagster", root / "launch.log")
config = {"ops": {"sqlmesh_project": {"config": {"restate_models": ["oso.m0"]}}}}
print(dagster.launch(Launch("sqlmesh_all_assets", config, sys.argv[1]), lambda *told: None).status)
"""


@dataclass(frozen=True)
class Clone:
    """A copy of the project whose models are the graph."""

    root: Path

    @cached_property
    def data(self) -> Path:
        return self.root / ".playbook" / "warehouse"

    def python(self, program: str, *arguments: str, kill: str = "", approval: str = "") -> tuple[int, str]:
        """Exit code and output of a program; who is told to kill its parent finds this one alone in its session."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER_", "OSO_", "PLAYBOOK_", "SQLMESH_"))}
        more = {
            "OSO_GIT_REPOSITORY": str(self.root),
            "MAX_FORK_WORKERS": "1",
            kill_hook.KILL: kill,
            kill_hook.RECORDS: str(self.root / "recorded.jsonl"),
        }
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=self.root,
            env={**kept, **more, "OSO_RESTATEMENT_APPROVAL": approval},
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

    def approve(self) -> None:
        keys = self.root / ".playbook" / "approvers"
        assert self.playbook("approve", "--try-out") == 0, self.said()
        assert self.playbook("plan", *RESTATE, "--request", "--key", str(keys / "requester")) == 0, self.said()
        (request,) = (self.root / ".playbook" / "approvals").glob("*.json")
        assert self.playbook("approve", request.stem, "--yes", "--key", str(keys / "approver")) == 0, self.said()

    def evaluations(self) -> dict[str, list[tuple[int, int]]]:
        """Since the copy was made; the records of the deployment stay where it was deployed."""
        return kill_hook.recorded(self.root / "recorded.jsonl")

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        tables = [*(f"m{number}" for number in range(len(GRAPH))), "projects_v1"]
        return sqlmesh_records.rows(self.data / "iceberg.duckdb", tables)

    def copy(self, root: Path) -> Clone:
        shutil.copytree(self.root, root, ignore=shutil.ignore_patterns("recorded.jsonl"))
        return Clone(root)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Every model is up to date, and the restatement of the first one is approved."""
    clone = Clone(tmp_path_factory.mktemp("graph") / "clone")
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
    clone.approve()
    return clone


@dataclass(frozen=True)
class Undisturbed:
    """What the runbook restates and leaves when nothing disturbs it."""

    evaluated: dict[str, list[tuple[int, int]]]
    rows: dict[str, list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def undisturbed(deployed: Clone, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    clone = deployed.copy(tmp_path_factory.mktemp("calm") / "clone")
    assert clone.playbook("run", *RESTATE, "--answer", "sure=yes") == 0, clone.said()
    return Undisturbed(clone.evaluations(), clone.rows())


def boundaries(*steps: str) -> list[str]:
    """Just before and after each line that the journal gets for these steps."""
    lines = [(event, step) for step in steps for event in ("step-started", "step-finished")]
    return [f"journal:{moment}:{event}:{step}" for event, step in lines for moment in ("before", "after")]


def places(everywhere: bool) -> list[str]:
    """Where the run is killed, in the order of its way; inside the restatement a few evaluations on each time."""
    inside = ["inside:1:both", "after:2:child", "inside:3:child", "after:4:both", "inside:5:both", "after:1:parent"]
    if everywhere:
        whos = ("both", "child")
        inside = [f"{moment}:1:{whos[n % 2]}" for n in range(EVALUATIONS) for moment in ("inside", "after")]
    return [
        "journal:after:opened:",
        *boundaries("idle", "sure"),
        *boundaries("restate")[:2],
        *(f"evaluation:{place}" for place in inside),
        *boundaries("restate")[2:],
        *boundaries("nothing_left", "filled"),
        "journal:before:closed:",
    ]


def test_the_graph_is_worth_it(undisturbed: Undisturbed) -> None:
    """What hangs on the first model: 18 of the 20 with it and the mart, and some have several evaluations."""
    assert len(undisturbed.evaluated) == AFFECTED + 1
    assert sum(map(len, undisturbed.evaluated.values())) == EVALUATIONS


def test_killed_everywhere_a_restatement_is_done_exactly_once(
    deployed: Clone, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    """After every kill `playbook resume` goes on; evaluations and rows are those of an undisturbed run."""
    clone, table = deployed.copy(tmp_path / "clone"), os.environ.get("PLAYBOOK_KILL_TABLE", "")
    where = places(everywhere=bool(table))
    command: tuple[str, ...] = ("run", *RESTATE)
    for place in where:
        assert clone.playbook(*command, "--answer", "sure=yes", kill=place) not in (0, 1), clone.said()
        command = ("resume",)
    assert clone.playbook("resume", "--answer", "sure=yes") == 0, clone.said()
    assert clone.evaluations() == undisturbed.evaluated
    assert clone.rows() == undisturbed.rows
    assert clone.playbook("runs", "verify") == 0, clone.said()
    naive = naive_count(deployed.copy(tmp_path / "naive"))
    assert naive == EVALUATIONS + 10
    if table:
        once = sum(map(len, undisturbed.evaluated.values()))
        ways = [
            {"way": "undisturbed", "kills": 0, "evaluations": once, "evaluated_twice": 0},
            {"way": "playbook run and resume", "kills": len(where), "evaluations": once, "evaluated_twice": 0},
            {"way": "launched again", "kills": 1, "evaluations": naive, "evaluated_twice": naive - once},
        ]
        text = json.dumps({"models": len(GRAPH), "affected": AFFECTED, "ways": ways}, indent=2)
        Path(table).write_text(text + "\n")


def naive_count(clone: Clone) -> int:
    """Evaluations when the job is killed after the tenth and then launched again as it was, as a retry does."""
    code, _ = clone.python(NAIVE, "first", kill="evaluation:after:10:child", approval="off")
    assert code != 0
    assert clone.python(NAIVE, "second", approval="off") == (0, "SUCCESS\n")
    return sum(map(len, clone.evaluations().values()))
