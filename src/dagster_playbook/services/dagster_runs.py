"""Run, find and cancel Dagster jobs: on the embedded instance in a process of its own, or on a deployed Dagster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from dagster_playbook.durable import write_whole
from dagster_playbook.errors import PlatformError, on_disk
from dagster_playbook.services import living
from dagster_playbook.services.living import Started
from dagster_playbook.settings import CodeLocation
from dagster_playbook.stopping import is_urgent

#: told while a run goes on: the kind of event, the step's key or "", and Dagster's own words
Progress = Callable[[str, str, str], None]
#: of every Dagster run that a runbook launches: the runbook's run, and the newest line of its journal at that time
RUN_TAG, ANCHOR_TAG = "playbook/run", "playbook/journal"
IN_FLIGHT = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")
_STOP_S = 30
_POLL_S = 1.0
_LOOK_S = 0.05


class LaunchRefusedError(PlatformError):
    """Dagster does not take a job's run config; nothing was started."""


@dataclass(frozen=True, slots=True)
class DagsterRun:
    """A run; `status` is Dagster's own word, `root_run_id` the first run of its chain of re-executions."""

    run_id: str
    job: str
    status: str
    config: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    root_run_id: str = ""
    parent_run_id: str = ""

    @property
    def is_success(self) -> bool:
        """Whether it ended well."""
        return self.status == "SUCCESS"

    @property
    def is_in_flight(self) -> bool:
        """Whether it has not ended."""
        return self.status in IN_FLIGHT


@dataclass(frozen=True, slots=True)
class Launch:
    """A job to run: `run_key` names it for whoever asks again, `parent_run_id` makes it a re-execution."""

    job: str
    config: dict[str, Any]
    run_key: str
    tags: dict[str, str] = field(default_factory=dict)
    parent_run_id: str = ""


class Dagster(Protocol):
    """What a runbook asks of Dagster; every method raises `PlatformError` when it cannot be asked."""

    def launch(self, launch: Launch, progress: Progress, *, timeout_s: float = 0.0) -> DagsterRun:
        """Run a job to its end and follow it; raises `LaunchRefusedError` when its config is not taken."""

    def follow(self, run_id: str, progress: Progress, *, timeout_s: float = 0.0) -> DagsterRun:
        """Follow a run that was started before to its end; `timeout_s` 0 is no limit."""

    def find(self, run_key: str) -> DagsterRun | None:
        """The newest run of a run key."""

    def show(self, run_id: str) -> DagsterRun | None:
        """One run by its id."""

    def runs(self, *, jobs: Sequence[str] = (), statuses: Sequence[str] = ()) -> list[DagsterRun]:
        """The newest runs."""

    def launched_by(self, runbook_runs: Sequence[str]) -> list[DagsterRun]:
        """Every run that carries one of these ids in its tag `RUN_TAG`; only looks."""

    def cancel(self, run_id: str) -> DagsterRun:
        """Cancel a run and return what became of it."""


@dataclass(frozen=True, slots=True)
class EmbeddedDagster:
    """A code location that is executed here, on an instance in `home`.

    Attributes:
        root: the project.
        home: DAGSTER_HOME; the location's own dagster.yaml is copied there.
        log: where everything that the child prints is kept.
        environment: variables that the code location is to see.
        written_down: told of the process that is to execute a job, by the run key, before that begins.
        finished: told of the log when no child writes to it any more.
    """

    root: Path
    location: CodeLocation
    home: Path
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    written_down: Callable[[str, Started], None] = lambda key, started: None
    finished: Callable[[Path], None] = lambda log: None

    def launch(self, launch: Launch, progress: Progress, *, timeout_s: float = 0.0) -> DagsterRun:
        """Execute in a child process; when this one is interrupted, the child is stopped and waited for."""
        return _run(self._ask({"do": "launch", **_as_dict(launch)}, progress, timeout_s))

    def follow(self, run_id: str, progress: Progress, *, timeout_s: float = 0.0) -> DagsterRun:
        """Wait for the end of a run that another process executes."""
        progress("run", "", run_id)
        deadline = time.monotonic() + timeout_s if timeout_s else float("inf")
        while (run := self.show(run_id)) and run.is_in_flight:
            if time.monotonic() > deadline:
                raise PlatformError(f"the run {run_id} is still in flight", cure="resume later")
            time.sleep(_POLL_S)
        return run or DagsterRun(run_id, "", "GONE")

    def find(self, run_key: str) -> DagsterRun | None:
        """The newest run of a run key; one whose process is gone counts as failed."""
        found = self._ask({"do": "find", "run_key": run_key})
        return _run(found) if found else None

    def show(self, run_id: str) -> DagsterRun | None:
        """One run by its id."""
        found = self._ask({"do": "show", "run_id": run_id})
        return _run(found) if found else None

    def runs(self, *, jobs: Sequence[str] = (), statuses: Sequence[str] = ()) -> list[DagsterRun]:
        """The newest runs of the instance."""
        found = self._ask({"do": "runs", "jobs": list(jobs), "statuses": list(statuses)})
        return [_run(entry) for entry in found]

    def launched_by(self, runbook_runs: Sequence[str]) -> list[DagsterRun]:
        """The instance's runs that runbooks' runs have launched."""
        found = self._ask({"do": "launched_by", "tag": RUN_TAG, "values": list(runbook_runs)})
        return [_run(entry) for entry in found]

    def cancel(self, run_id: str) -> DagsterRun:
        """Cancel a run of the instance."""
        return _run(self._ask({"do": "cancel", "run_id": run_id}))

    def _ask(self, request: dict[str, Any], progress: Progress | None = None, timeout_s: float = 0.0) -> Any:
        self.prepare_home()
        request = {
            **request,
            "module": self.location.module,
            "attribute": self.location.attribute,
            "working_directory": str(self.root / self.location.working_directory),
        }
        self.log.parent.mkdir(parents=True, exist_ok=True)
        key = str(request["run_key"]) if request["do"] == "launch" else ""
        with self.log.open("ab") as log:
            # a session of its own: a terminal that is closed, or Ctrl-C in it, reaches this process alone
            child = subprocess.Popen(
                [sys.executable, "-m", "dagster_playbook.services.dagster_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.root,
                env=self._child_environment() | ({living.MARK: key} if key else {}),
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )
        try:
            with _stopped_at_the_end(child, timeout_s, Started.of(child.pid, key)) as started:
                if key:
                    # it begins when it has read the request, so nothing works that was not written down
                    self.written_down(key, started)
                return _answer(child, request, progress, self.log)
        finally:
            self.finished(self.log)

    def _child_environment(self) -> dict[str, str]:
        paths = [str(self.root / self.location.working_directory), os.environ.get("PYTHONPATH", "")]
        return {
            **os.environ,
            **self.environment,
            "DAGSTER_HOME": str(self.home),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        }

    def prepare_home(self) -> None:
        """Make the instance's folder with the location's own dagster.yaml in it."""
        target = self.home / "dagster.yaml"
        with on_disk("the Dagster instance cannot be prepared", target, PlatformError):
            self.home.mkdir(parents=True, exist_ok=True)
            wanted = (self.root / self.location.instance).read_bytes() if self.location.instance else None
            if wanted is None:
                target.touch()
            elif not target.exists() or target.read_bytes() != wanted:
                # whole, for another process may be reading it
                write_whole(target, wanted, mode=0o644)


class _stopped_at_the_end:  # noqa: N801 - reads as a phrase in `with`
    """Stop a child that is still there when the block is left, also by Ctrl-C or by the time limit."""

    def __init__(self, child: subprocess.Popen[str], timeout_s: float, started: Started) -> None:
        self.child = child
        self.started = started
        self.timeout_s = timeout_s
        self.expired = False

    def __enter__(self) -> Started:
        import threading

        self._timer = threading.Timer(self.timeout_s, self._expire) if self.timeout_s else None
        if self._timer:
            self._timer.daemon = True
            self._timer.start()
        return self.started

    def __exit__(self, *_: object) -> None:
        if self._timer:
            self._timer.cancel()
        if self.child.poll() is None:
            # Dagster writes down how its run ended; what it has started is ended after it
            self.child.terminate()
            deadline = time.monotonic() + _STOP_S
            while self.child.poll() is None and time.monotonic() < deadline and not is_urgent():
                time.sleep(_LOOK_S)
            living.stop(self.started, grace_s=0, reap=self.child.poll)
            self.child.wait()
        for stream in (self.child.stdin, self.child.stdout):
            if stream:
                stream.close()
        if self.expired:
            raise PlatformError(f"it took longer than {self.timeout_s:g} s and was stopped")

    def _expire(self) -> None:
        self.expired = True
        self.child.terminate()


def _answer(child: subprocess.Popen[str], request: dict[str, Any], progress: Progress | None, log: Path) -> Any:
    assert child.stdin is not None and child.stdout is not None
    child.stdin.write(json.dumps(request))
    child.stdin.close()
    for line in child.stdout:
        told = json.loads(line)
        if "result" in told:
            child.wait()
            return told["result"]
        if "refused" in told:
            raise LaunchRefusedError(f"Dagster refuses to launch {request['job']!r}: {told['refused']}")
        if "error" in told:
            raise PlatformError(f"Dagster: {told['error']}", cure=f"see {log}")
        if progress:
            progress(told["event"], told.get("step", ""), told.get("message", ""))
    raise PlatformError(f"the process that executed Dagster ended with {child.wait()}", cure=f"see {log}")


def _as_dict(launch: Launch) -> dict[str, Any]:
    return {
        "job": launch.job,
        "config": launch.config,
        "run_key": launch.run_key,
        "tags": launch.tags,
        "parent_run_id": launch.parent_run_id,
    }


def _run(data: dict[str, Any]) -> DagsterRun:
    return DagsterRun(**data)
