"""Tests against mutants: a fork each, in which the changed file is what is imported under the target's name."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, ModuleType

from mutants.changes import Mutant
from mutants.targets import ROOT, Target

KILLED, SURVIVED, TIMED_OUT, NO_TESTS = "killed", "survived", "timed out", "no tests"
#: pytest's exit codes
_PASSED, _NOTHING_RUN = 0, 5
_OWN = ("dagster_playbook", "mutants", "tests", "test_", "conftest", "faulty_disk")


@dataclass(frozen=True, slots=True)
class Result:
    """How one mutant fared."""

    mutant: Mutant
    verdict: str


class _Replaced(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the changed code for one module."""

    def __init__(self, target: Target, code: CodeType) -> None:
        self._target, self._code = target, code

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if name != self._target.module:
            return None
        spec = importlib.machinery.ModuleSpec(name, self, origin=str(self._target.path), is_package=self._is_package)
        spec.has_location = True
        if self._is_package:
            spec.submodule_search_locations = [str(self._target.path.parent)]
        return spec

    @property
    def _is_package(self) -> bool:
        return self._target.path.name == "__init__.py"

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)


def warm_up(target: Target) -> float:
    """Import what the tests import from others, so that no fork has to; how long the tests take then, in seconds.

    Raises:
        RuntimeError: the tests fail without any change.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = _tested(target, None)
        others = [name for name in sys.modules if not name.startswith(_OWN)]
        with os.fdopen(writing, "w") as told:
            told.write("\n".join(others))
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as told:
        names = told.read().split("\n")
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != _PASSED:
        raise RuntimeError(f"the tests of {target.name} fail without any change")
    for name in names:
        try:
            importlib.import_module(name)
        except Exception:
            continue
    begun = time.monotonic()
    pid = _start(target, None)
    os.waitpid(pid, 0)
    return time.monotonic() - begun


def results(target: Target, mutants: Sequence[Mutant], *, at_once: int, limit_s: float) -> Iterator[Result]:
    """Try the mutants, some at the same time; one that takes longer than `limit_s` counts as noticed."""
    waiting, running = list(reversed(mutants)), {}
    while waiting or running:
        while waiting and len(running) < at_once:
            mutant = waiting.pop()
            running[_start(target, mutant)] = (mutant, time.monotonic() + limit_s)
        for pid, (mutant, deadline) in list(running.items()):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                del running[pid]
                yield Result(mutant, _verdict(os.waitstatus_to_exitcode(status)))
            elif time.monotonic() > deadline:
                del running[pid]
                os.killpg(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                yield Result(mutant, TIMED_OUT)
        select.select([], [], [], 0.02)


def _verdict(code: int) -> str:
    return {_PASSED: SURVIVED, _NOTHING_RUN: NO_TESTS}.get(code, KILLED)


def _start(target: Target, mutant: Mutant | None) -> int:
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        try:
            code = _tested(target, mutant)
        except BaseException:
            code = 1
        os._exit(code)
    return pid


def _tested(target: Target, mutant: Mutant | None) -> int:
    """In a fork: pytest's exit code, told to nobody."""
    import pytest

    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    # no test cuts the power, and waiting for the disk would be most of the time
    os.fsync = lambda descriptor: None  # type: ignore[assignment]
    if mutant is not None:
        # before pytest, whose own hook for assertions would come first
        sys.meta_path.insert(0, _Replaced(target, compile(mutant.tree, str(target.path), "exec")))
        importlib.import_module(target.module)
    os.chdir(ROOT)
    arguments = ["-x", "-q", "-p", "no:cacheprovider", *map(str, target.tests)]
    return int(pytest.main(arguments))
