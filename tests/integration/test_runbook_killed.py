"""`playbook run` killed with -9 at each line of its journal: after `playbook resume` every step ran exactly once."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

FORK = multiprocessing.get_context("fork")
STEPS = ("one", "two", "three")
#: what a run of three steps writes down, in this order
EVENTS = ("opened", *("step-started", "process-started", "step-finished") * len(STEPS), "closed")
APPEND = "import sys\nwith open('ran.txt', 'a') as file:\n    file.write(sys.argv[1] + '\\n')\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one runbook, whose steps each leave a line in `ran.txt`."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "small"\n\n[tool.playbook]\n')
    (tmp_path / "append.py").write_text(APPEND)
    head = "---\ntitle: Three lines\nrunbook:\n  owner: data engineer\n  risk: low\n---\n\n# Three lines\n"
    fence = '\n```sh {{#{step} no_undo="A line is a line."}}\n{python} append.py {step}\n```\n'
    page = head + "".join(fence.format(step=step, python=sys.executable) for step in STEPS)
    (tmp_path / "three.md").write_text(page)
    return tmp_path


def playbook(project: Path, name: str, arguments: list[str], number: int, moment: str) -> None:
    """In a process of its own: the command, which dies before or after the journal's line of that number."""
    from dagster_playbook.cli import resume, run
    from dagster_playbook.runbook.journal import Journal

    os.chdir(project)
    with (project / "said.txt").open("a") as said:
        for stream in (1, 2):
            os.dup2(said.fileno(), stream)
    write = Journal.append

    def dying(self: Journal, event: str, **data: Any) -> Any:
        if self.seq + 1 == number and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        entry = write(self, event, **data)
        if entry.seq == number and moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return entry

    Journal.append = dying  # type: ignore[method-assign]
    {"run": run.command, "resume": resume.command}[name].main(arguments)


def ended(project: Path, name: str, *arguments: str, number: int = 0, moment: str = "") -> int:
    """The exit code of a command, negative for a signal."""
    process = FORK.Process(target=playbook, args=(project, name, list(arguments), number, moment))
    process.start()
    process.join(60)
    assert process.exitcode is not None
    return process.exitcode


def ran(project: Path) -> list[str]:
    """The steps whose commands ran, in the order of their running."""
    file = project / "ran.txt"
    return file.read_text().split() if file.is_file() else []


def state_of(project: Path) -> tuple[str, list[str]]:
    """How the only run stands, and what is wrong with its journal and evidence."""
    from dagster_playbook.runbook.evidence import look_at
    from dagster_playbook.runbook.store import Store, run_state

    folder = Store(project).run_folder("last")
    return run_state(folder)["state"], look_at(folder).problems


@pytest.mark.parametrize("number", [n for n, event in enumerate(EVENTS, 1) if event in ("opened", "step-finished")])
def test_a_run_cut_between_two_steps_goes_on_by_itself(project: Path, number: int) -> None:
    """Nothing is asked, nothing is repeated, nothing is left out, and the journal verifies."""
    assert ended(project, "run", "three.md", number=number, moment="after") == -signal.SIGKILL
    assert ended(project, "resume") == 0, (project / "said.txt").read_text()
    assert ran(project) == list(STEPS)
    assert state_of(project) == ("succeeded", [])


@pytest.mark.parametrize(("line", "moment"), [(0, "after"), (1, "after"), (2, "before")])
@pytest.mark.parametrize("step", STEPS)
def test_a_run_cut_inside_a_step_asks_before_it_repeats(project: Path, step: str, line: int, moment: str) -> None:
    """Before the command ran the operator says --again, after it --done: without a word nothing is done twice.

    A command whose process is written down and whose operator dies before it was let go does not run either.
    """
    number = 2 + 3 * STEPS.index(step) + line
    assert ended(project, "run", "three.md", number=number, moment=moment) == -signal.SIGKILL
    assert ended(project, "resume") != 0
    answer = "--done" if step in ran(project) else "--again"
    assert answer == ("--again" if moment == "after" else "--done")
    assert ended(project, "resume", "last", answer, step) == 0, (project / "said.txt").read_text()
    assert ran(project) == list(STEPS)
    assert state_of(project) == ("succeeded", [])


def test_a_resume_that_is_cut_is_resumed(project: Path) -> None:
    """Killed after every line that it writes, a run still comes to its end with each step run once."""
    assert ended(project, "run", "three.md", number=4, moment="after") == -signal.SIGKILL
    for _ in STEPS:
        journal = next((project / ".playbook" / "runs").glob("*/journal.jsonl"))
        lines = [json.loads(line) for line in journal.read_text().splitlines()]
        # the line of the resumption, of the step's start, of its process and of its end
        if ended(project, "resume", number=len(lines) + 4, moment="after") == 0:
            break
    assert ran(project) == list(STEPS)
    assert state_of(project) == ("succeeded", [])
