"""Every write of a record made to fail, and the process ended at it: no promise breaks, and the error is one line."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faulty_disk import CUT, CUTS, FAULTS, Disk, Fault, in_a_child

from dagster_playbook import durable
from dagster_playbook.approval import ledger
from dagster_playbook.approval.envelope import Envelope, RefusedError, Signed
from dagster_playbook.check.fixes import Rewrite, write_rewrite
from dagster_playbook.errors import PlaybookError
from dagster_playbook.facts.cache import Cache
from dagster_playbook.restatement.attempts import Attempt, Attempts
from dagster_playbook.runbook import execute, run_index
from dagster_playbook.runbook.execute import where_it_stopped
from dagster_playbook.runbook.journal import FILE_NAME
from dagster_playbook.runbook.plan import make_plan
from dagster_playbook.runbook.session import Options, resume, start
from dagster_playbook.runbook.store import Store, run_state
from dagster_playbook.runbook.verification import HOLDS, known_runs, read_outside, verify_runs
from dagster_playbook.scaffold import files
from dagster_playbook.settings import load_settings

WRITERS = (durable, ledger, run_index)
PAGE = """---
title: Two lines
runbook:
  owner: data engineer
  risk: low
---

# Two lines

```sh {#one no_undo="A line is a line."}
python one.py
```

```sh {#two no_undo="A line is a line."}
python two.py
```
"""


class World:
    """Something that is written, and what holds whatever happens to it; a folder of its own each time."""

    name = ""
    #: what a refusal is told as
    refusals: tuple[type[Exception], ...] = (PlaybookError,)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def before(self) -> None:
        """What was there already."""

    def do(self) -> None:
        """Write."""
        raise NotImplementedError

    def holds(self, *, is_done: bool) -> None:
        """Assert what must be true, on a disk that is well again; `is_done` when the writing was reported as done."""
        raise NotImplementedError


class ARun(World):
    name = "a journaled run, and its resumption"

    def before(self) -> None:
        (self.folder / "runbooks").mkdir()
        (self.folder / "runbooks" / "two.md").write_text(PAGE)
        (self.folder / "pyproject.toml").write_text('[tool.playbook]\npages = ["runbooks"]\n')
        self.settings = load_settings(self.folder)
        self.plan = make_plan(self.settings, "runbooks/two.md", (), target="embedded")

    def do(self) -> None:
        start(self.settings, self.plan, self._options())

    def _options(self, **answers: str) -> Options:
        return Options(lambda *_: "", lambda *_: None, lambda *_: None, **answers)

    def ran(self) -> list[str]:
        kept = self.folder / "ran.txt"
        return kept.read_text().split() if kept.exists() else []

    def verdicts(self) -> dict[str, tuple[str, list[str]]]:
        store = Store(self.folder)
        runs = known_runs(store)
        found = verify_runs(store, runs, read_outside(store, runs, lambda _: None))
        return {report.run: (report.verdict, report.problems) for report in found}

    def holds(self, *, is_done: bool) -> None:
        """The record verifies; the run goes on from it; each step has run once at the end."""
        store = Store(self.folder)
        assert all(verdict == (HOLDS, []) for verdict in self.verdicts().values()), self.verdicts()
        if is_done:
            assert self.ran() == ["one", "two"]
            return
        for run in store.run_ids():
            journal = store.folder / "runs" / run / FILE_NAME
            if journal.exists() and b"\n" in journal.read_bytes():
                self._go_on(run)
        assert self.ran() in ([], ["one", "two"])
        assert all(verdict == (HOLDS, []) for verdict in self.verdicts().values()), self.verdicts()

    def _go_on(self, run: str) -> None:
        folder = Store(self.folder).folder / "runs" / run
        if run_state(folder)["state"] == "succeeded":
            return
        progress = where_it_stopped(self.plan.runbook, folder)
        # what an operator does who has looked
        answer = {"done" if progress.step in self.ran() else "again": progress.step} if progress.again else {}
        _, state = resume(self.settings, run, self._options(**answer), secrets={})
        assert state == "succeeded"


class Spending(World):
    name = "an approval that is spent"

    refusals = (RefusedError,)

    @property
    def ledger(self) -> ledger.Ledger:
        return ledger.Ledger(self.folder / "approvals" / "ledger.jsonl")

    def grant(self, nonce: str) -> Any:
        return SimpleNamespace(
            nonce=nonce, digest="d", requester="r", approver="a", reason="", is_break_glass=False, approvers=("a",)
        )

    def before(self) -> None:
        self.ledger.spend(self.grant("earlier"), "run-0")

    def do(self) -> None:
        self.ledger.spend(self.grant("this"), "run-1")

    def may_spend(self, nonce: str, holder: str) -> bool:
        try:
            self.ledger.spend(self.grant(nonce), holder)
        except RefusedError:
            return False
        return True

    def holds(self, *, is_done: bool) -> None:
        """Spent once at most, and what was spent earlier stays spent."""
        assert not self.may_spend("earlier", "run-9")
        second = self.may_spend("this", "run-2")
        assert not (is_done and second)
        assert not (second and self.may_spend("this", "run-1"))


class OneFile(World):
    """A file that is replaced: the old one or the new one."""

    def path(self) -> Path:
        raise NotImplementedError

    def write(self, text: str) -> None:
        raise NotImplementedError

    def before(self) -> None:
        self.write("old")
        self.old = self.path().read_bytes()
        self.write("new")
        self.new = self.path().read_bytes()
        self.write("old")

    def do(self) -> None:
        self.write("new")

    def holds(self, *, is_done: bool) -> None:
        found = self.path().read_bytes()
        assert found == self.new if is_done else found in (self.old, self.new)
        self.write("new")
        assert self.path().read_bytes() == self.new


class AnEnvelope(OneFile):
    name = "a request that is kept"

    def path(self) -> Path:
        return self.folder / ".playbook" / "approvals" / f"{'d' * 64}.json"

    def write(self, text: str) -> None:
        Store(self.folder).write_envelope("d" * 64, Envelope(Signed(text, "signature")))


class AnAttempt(OneFile):
    name = "a restatement's plan"

    def path(self) -> Path:
        return self.folder / "attempts" / "key.json"

    def write(self, text: str) -> None:
        Attempts(self.folder / "attempts").write(Attempt("key", 0, {"asked": text}))


class AFix(OneFile):
    name = "a page's fix"

    def path(self) -> Path:
        return self.folder / "page.md"

    def write(self, text: str) -> None:
        self.path().touch()
        write_rewrite(self.folder, Rewrite("page.md", "", text, 1))


class ACacheEntry(World):
    name = "an entry of the cache"

    def before(self) -> None:
        assert Cache(self.folder / "cache").write("facts", "key", "old")

    def do(self) -> None:
        if not Cache(self.folder / "cache").write("facts", "key", "new"):
            raise PlaybookError("the cache did not take it", path="cache")

    def holds(self, *, is_done: bool) -> None:
        """What is read is what was written, and never a part of it."""
        found = Cache(self.folder / "cache").read("facts", "key")
        assert found == "new" if is_done else found in ("old", "new")


class Scaffolded(World):
    name = "the files of a generator"

    def before(self) -> None:
        (self.folder / "b.txt").write_bytes(b"old\r\n")

    def do(self) -> None:
        changes = [files.Change(path, f"new {path}", before=was) for path, was in self.wanted().items()]
        files.write(self.folder, changes, overwrite=True)

    def wanted(self) -> dict[str, str | None]:
        return {"deep/er/a.txt": None, "b.txt": "old\n", "c.txt": None}

    def seen(self) -> dict[str, bytes]:
        paths = (path for path in self.folder.rglob("*") if path.is_file() and not path.name.endswith(".tmp"))
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}

    def holds(self, *, is_done: bool) -> None:
        """Each file is the old one or the new one; done means all of them."""
        new = {path: f"new {path}".encode() for path in self.wanted()}
        if is_done:
            assert self.seen() == new
        for path, content in self.seen().items():
            assert content == new[path] or (path == "b.txt" and content == b"old\r\n")

    def told(self, error: Exception) -> None:
        """When nothing is said to be written, nothing is; else each file that is left is named."""
        changed = {path for path, content in self.seen().items() if content != b"old\r\n"}
        if "nothing was written" in str(error):
            assert changed == set()
        else:
            assert all(path in str(error) for path in changed), (str(error), changed)


WORLDS: tuple[type[World], ...] = (ARun, Spending, AnEnvelope, AnAttempt, AFix, ACacheEntry, Scaffolded)


@dataclass
class Tried:
    """Worlds in fresh folders, under one fault after the other."""

    kind: type[World]
    root: Path
    count: int = 0
    number: Iterator[int] = field(default_factory=itertools.count)

    def fresh(self) -> World:
        folder = self.root / str(next(self.number))
        folder.mkdir()
        world = self.kind(folder)
        world.before()
        return world

    def calls(self) -> list[str]:
        """The calls of an undisturbed writing."""
        disk, world = Disk(), self.fresh()
        with disk.under(*WRITERS):
            world.do()
        world.holds(is_done=True)
        return disk.calls

    def each(self, faults: tuple[Fault, ...], one: Callable[[World, Fault, int], None]) -> None:
        for at, name in enumerate(self.calls()):
            for fault in faults:
                if name in fault.calls:
                    world = self.fresh()
                    one(world, fault, at)
                    self.count += 1
                    shutil.rmtree(world.folder)


@pytest.fixture
def tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[type[World]], Tried]:
    """A run's steps leave a line each, as a command does, and start no process."""

    def leave_a_line(step: Any, scope: Any, around: Any, *, again: bool = False) -> dict[str, Any]:
        with (around.settings.root / "ran.txt").open("a") as kept:
            kept.write(f"{step.id}\n")
        return {"exit_code": 0, "output": step.id}

    monkeypatch.setattr(execute, "perform", leave_a_line)
    # no test cuts the power, and thousands of syncs would take minutes; what they say is still asked for
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    for name in ("PLAYBOOK_APPROVERS", "SQLMESH_POSTGRES_HOST", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    return lambda kind: Tried(kind, tmp_path)


def report(kind: type[World], what: str, count: int) -> None:
    """The figure for the page on proofs; seen with -s and after a failure."""
    sys.stdout.write(f"faults: {count} {what}, {kind.name}\n")


@pytest.mark.parametrize("kind", WORLDS, ids=lambda kind: kind.__name__)
def test_a_disk_that_fails_at_any_call_breaks_no_promise(
    tried: Callable[[type[World]], Tried], kind: type[World]
) -> None:
    """Short, full or broken, once or from there on: what is refused is told in one line, what holds still does."""

    def one(world: World, fault: Fault, at: int) -> None:
        disk, error = Disk(fault, at), None
        with disk.under(*WRITERS):
            try:
                world.do()
            except world.refusals as refusal:
                error = refusal
        assert disk.happened, f"{fault.name} at call {at} never happened"
        if error is not None:
            message = getattr(error, "message", str(error))
            assert message and "\n" not in message, f"{fault.name} at call {at}: {message!r}"
            assert not isinstance(error, PlaybookError) or error.path or error.cure, message
            if isinstance(world, Scaffolded):
                world.told(error)
        try:
            world.holds(is_done=error is None)
        except AssertionError as broken:
            raise AssertionError(f"{fault.name} at call {at} ({disk.calls[at]}), {error!r}: {broken}") from broken

    here = tried(kind)
    here.each(FAULTS, one)
    report(kind, "failing calls", here.count)
    assert here.count > 20


@pytest.mark.parametrize("kind", WORLDS, ids=lambda kind: kind.__name__)
def test_a_process_that_ends_at_any_call_breaks_no_promise(
    tried: Callable[[type[World]], Tried], kind: type[World]
) -> None:
    """Ended before, after or within a call, with nothing cleaned up: what holds still does, and work goes on."""

    def one(world: World, fault: Fault, at: int) -> None:
        def do() -> None:
            with Disk(fault, at).under(*WRITERS):
                world.do()

        assert in_a_child(do) == CUT
        try:
            world.holds(is_done=False)
        except AssertionError as broken:
            raise AssertionError(f"{fault.name} at call {at}: {broken}") from broken

    here = tried(kind)
    here.each(CUTS, one)
    report(kind, "ends of the process", here.count)
    assert here.count > 10
