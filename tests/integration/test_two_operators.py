"""Two operators on one platform, and somebody who stops, kills and freezes them and sets their clocks.

Each history: both run the same page, each in a clone of their own on one warehouse. At random lines of their journals
they get TERM, HUP, KILL, or STOP and later CONT; their clocks jump. Then everything is resumed until it has ended. The
steps are writers that notice each other and write down each evaluation. The seed is fixed and every wait is for
something that happens; PLAYBOOK_NEMESIS_HISTORIES=NUMBER asks for more, PLAYBOOK_NEMESIS_TABLE=FILE for the figures.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

FORK = multiprocessing.get_context("fork")
STEPS = ("one", "two", "three")
HISTORIES = int(os.environ.get("PLAYBOOK_NEMESIS_HISTORIES", "16"))
#: takes the only place there is, works a little, and writes down that it has: one evaluation
WRITER = """
import fcntl, os, sys, time
data, step = sys.argv[1:]
place = open(os.path.join(data, "place"), "a")
def tell(file, text):
    with open(os.path.join(data, file), "a") as lines:
        lines.write(text + "\\n")
try:
    fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    tell("violations", "two writers at " + step)
time.sleep(0.05)
tell("evaluated", os.environ["PLAYBOOK_RUN_KEY"])
"""
HEAD = "---\ntitle: Three evaluations\nrunbook:\n  owner: data engineer\n  risk: low\n---\n\n# Three evaluations\n"
FENCE = '\n```sh {{#{step} no_undo="It is evaluated."}}\n{python} -S {writer} {data} {step}\n```\n'
ACTS = ("TERM", "HUP", "KILL", "KILL", "STOP", "TERM twice")


@dataclass
class Operator:
    """Somebody with a clone of the project; `clock_s` is how far their clock is off."""

    root: Path
    data: Path
    clock_s: float = 0.0
    process: BaseProcess | None = None
    ended: Counter[str] = field(default_factory=Counter)

    def start(self, *arguments: str) -> BaseProcess:
        """Start the command in a process of its own."""
        self.process = FORK.Process(target=playbook, args=(self, list(arguments)))
        self.process.start()
        return self.process

    def wait(self) -> int:
        """The exit code of the command, negative for a signal."""
        assert self.process is not None
        self.process.join(120)
        assert self.process.exitcode is not None, self.said()
        self.ended[str(self.process.exitcode)] += 1
        return self.process.exitcode

    def journal(self) -> list[dict[str, Any]]:
        """The whole lines of the newest run."""
        found = sorted(self.root.glob(".playbook/runs/*/journal.jsonl"))
        text = found[-1].read_text() if found else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def said(self) -> str:
        """The end of what was printed."""
        return (self.root / "said.txt").read_text()[-3000:]

    def is_done(self) -> bool:
        """Whether the newest run has ended well."""
        lines = self.journal()
        return bool(lines) and any(x["event"] == "closed" and x["data"]["state"] == "succeeded" for x in lines)

    def next_command(self) -> tuple[str, ...]:
        """What somebody would do now who looks at what the step left."""
        lines = self.journal()
        if not lines:
            return ("run", "page.md", "--target", self.root.name)
        run = max((self.root / ".playbook" / "runs").glob("*/journal.jsonl")).parent.name
        begun = [x["data"]["step"] for x in lines if x["event"] == "step-started"]
        done = {x["data"]["step"] for x in lines if x["event"] == "step-finished"}
        if not begun or begun[-1] in done or "was cut while its command ran" not in self.said():
            return ("resume", run)
        is_evaluated = f"{run}/{begun[-1]}" in evaluated(self.data)
        return ("resume", run, "--done" if is_evaluated else "--again", begun[-1])


def playbook(operator: Operator, arguments: list[str]) -> None:
    """In a process of its own: the command, by the clock of its operator."""
    from dagster_playbook.cli import main
    from dagster_playbook.runbook import journal, owner

    os.chdir(operator.root)
    os.environ["OSO_WAREHOUSE_DATA"] = str(operator.data)
    sys.stdout = sys.stderr = (operator.root / "said.txt").open("w", buffering=1)
    shift = dt.timedelta(seconds=operator.clock_s)
    clock = SimpleNamespace(now=lambda zone: dt.datetime.now(zone) + shift, fromisoformat=dt.datetime.fromisoformat)
    for module in (journal, owner):
        module.dt = SimpleNamespace(datetime=clock, UTC=dt.UTC, timedelta=dt.timedelta)  # type: ignore[attr-defined]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    main(arguments)


def evaluated(data: Path) -> list[str]:
    """The run keys of all evaluations, in their order."""
    file = data / "evaluated"
    return file.read_text().split() if file.is_file() else []


@dataclass
class History:
    """One history of two operators."""

    dice: random.Random
    operators: list[Operator]
    acts: Counter[str] = field(default_factory=Counter)
    frozen: list[BaseProcess] = field(default_factory=list)

    def play(self) -> None:
        """Disturb both a few times, then let everything come to its end."""
        for _ in range(3):
            for operator in self.operators:
                self._begin(operator)
            for operator in self.dice.sample(self.operators, 2):
                self._disturb(operator)
            self._thaw()
            for operator in self.operators:
                if operator.process is not None:
                    operator.wait()
        for _ in range(12):
            for operator in self.operators:
                if not operator.is_done():
                    operator.start(*operator.next_command())
                    operator.wait()

    def _begin(self, operator: Operator) -> None:
        operator.process = None
        if not operator.is_done():
            if self.dice.random() < 0.3:
                operator.clock_s = self.dice.choice((-86_400.0, -600.0, 600.0, 86_400.0))
                self.acts["clock"] += 1
            operator.start(*operator.next_command())

    def _disturb(self, operator: Operator) -> None:
        act, lines = self.dice.choice(ACTS), self.dice.randrange(1, 9)
        process, before = operator.process, len(operator.journal())
        if process is None:
            return
        while process.is_alive() and len(operator.journal()) < before + lines:
            time.sleep(0.001)
        if not process.is_alive():
            return
        self.acts[act] += 1
        assert process.pid is not None
        for name in ["TERM", "TERM"] if act == "TERM twice" else [act]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.Signals[f"SIG{name}"])
        if act == "STOP":
            self.frozen.append(process)

    def _thaw(self) -> None:
        """Somebody frozen goes on, though the other one has tried to work meanwhile."""
        for process in self.frozen:
            others = [o.process for o in self.operators if o.process is not process and o.process is not None]
            for other in others:
                if other not in self.frozen:
                    other.join(120)
            assert process.pid is not None
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
        self.frozen.clear()


def make(folder: Path) -> list[Operator]:
    """Two clones on one warehouse."""
    data = folder / "warehouse"
    data.mkdir(parents=True)
    (folder / "writer.py").write_text(WRITER)
    fences = (FENCE.format(step=s, python=sys.executable, writer=folder / "writer.py", data=data) for s in STEPS)
    page = HEAD + "".join(fences)
    operators = []
    for name in ("ada", "grace"):
        (folder / name).mkdir()
        (folder / name / "pyproject.toml").write_text('[project]\nname = "small"\n\n[tool.playbook]\n')
        (folder / name / "page.md").write_text(page)
        (folder / name / "said.txt").touch()
        operators.append(Operator(folder / name, data))
    return operators


def problems_of(history: History) -> list[str]:
    """What must not be: two writers, an evaluation twice or never, a run without end, a journal that was changed."""
    from dagster_playbook.runbook.evidence import look_at

    data = history.operators[0].data
    violations = data / "violations"
    found = violations.read_text().splitlines() if violations.exists() else []
    expected = Counter[str]()
    for operator in history.operators:
        if not operator.is_done():
            found.append(f"{operator.root.name} never came to an end: {operator.said()}")
        for folder in operator.root.glob(".playbook/runs/*"):
            found += look_at(folder).problems
            if (folder / "journal.jsonl").exists():
                expected.update(f"{folder.name}/{step}" for step in STEPS)
    if Counter(evaluated(data)) != expected:
        found.append(f"evaluated {Counter(evaluated(data))}, not {expected}")
    return found


def test_two_operators_never_write_at_once_nor_twice(tmp_path: Path) -> None:
    """Whatever happens to them: one writer at a time, each evaluation once, every run comes to its end and verifies."""
    import dagster_playbook.cli.resume
    import dagster_playbook.runbook.session  # noqa: F401 - once, before the first fork

    dice, acts, ended = random.Random(20_260_131), Counter[str](), Counter[str]()
    violations: list[str] = []
    for number in range(HISTORIES):
        history = History(random.Random(dice.random()), make(tmp_path / str(number)))
        history.play()
        violations += [f"history {number}: {problem}" for problem in problems_of(history)]
        acts.update(history.acts)
        for operator in history.operators:
            ended.update(operator.ended)
    figures = {"histories": HISTORIES, "acts": dict(acts), "exit codes": dict(ended), "violations": len(violations)}
    if table := os.environ.get("PLAYBOOK_NEMESIS_TABLE"):
        Path(table).write_text(json.dumps(figures, indent=2) + "\n")
    assert not violations, violations
    assert sum(acts[act] for act in ("TERM", "HUP", "KILL", "STOP", "TERM twice")) >= HISTORIES


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_stops_the_command_and_frees_the_lock_after_it(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """The exit code is the shell's, the run is told as interrupted with how to go on, and nothing works any more."""
    from dagster_playbook.services.living import Started, still_running

    ada, _ = make(tmp_path)
    page = (ada.root / "page.md").read_text()
    (ada.root / "page.md").write_text(page.replace(f"{sys.executable} -S", f"{sys.executable} -S wait.py"))
    (ada.root / "wait.py").write_text("import time\nprint('works', flush=True)\ntime.sleep(600)\n")
    process = ada.start("run", "page.md")
    while not any(file.stat().st_size for file in ada.root.glob(".playbook/runs/*/evidence/*.log")):
        assert process.is_alive(), ada.said()
        time.sleep(0.001)
    assert process.pid is not None
    os.kill(process.pid, number)
    assert ada.wait() == code
    events = {line["event"]: line["data"] for line in ada.journal()}
    assert events["interrupted"]["reason"] == ("Ctrl-C" if number == signal.SIGINT else number.name)
    assert events["interrupted"]["result"]["output"] == "works"
    run = next((ada.root / ".playbook" / "runs").iterdir()).name
    assert f"go on with: playbook resume {run}" in ada.said()
    started = Started.read(events["process-started"])
    assert started is not None
    assert still_running(started) == []
    assert not list(ada.data.glob("*.owner.json"))
