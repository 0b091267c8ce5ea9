"""`playbook run --dagster-url` against a real webserver and daemon, on the project in tests/data/deployed."""

from __future__ import annotations

import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.runbook.evidence import look_at
from dagster_playbook.runbook.journal import entries
from dagster_playbook.services.dagster_graphql import DeployedDagster
from dagster_playbook.services.dagster_runs import IN_FLIGHT, DagsterRun, Launch
from dagster_playbook.stack.local import LocalStack, Selection
from dagster_playbook.stack.variables import platform_variables

pytestmark = pytest.mark.stack

SMALL = Path(__file__).resolve().parents[2] / "data" / "deployed"


@dataclass
class Deployment:
    """A Dagster that is up, and an operator's clone of the project that knows only its address."""

    root: Path
    url: str

    @property
    def client(self) -> DeployedDagster:
        return DeployedDagster(self.url)

    def start(self, *arguments: str, url: str | None = None) -> subprocess.Popen[str]:
        """`playbook ...` in a process of its own; with "" as the URL on the embedded instance."""
        program = "from dagster_playbook.cli import main; main()"
        dropped = ("DAGSTER_", "NESSIE_", "OSO_", "PLAYBOOK_", "SQLMESH_")
        return subprocess.Popen(
            [
                sys.executable,
                "-c",
                program,
                *arguments,
                "--format",
                "json",
                "--dagster-url",
                self.url if url is None else url,
            ],
            cwd=self.root,
            env={k: v for k, v in os.environ.items() if not k.startswith(dropped)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, url: str | None = None) -> tuple[int, list[dict[str, Any]], str]:
        """Exit code, events and what stood on stderr."""
        process = self.start(*arguments, url=url)
        told, errors = process.communicate(timeout=120)
        return process.returncode, [json.loads(line) for line in told.splitlines()], errors

    def open_gate(self) -> None:
        """Let the run at the gate go on, as soon as it stands there."""
        (self.root / "gate").open("wb").close()

    def folder(self) -> Path:
        """Of the newest run."""
        return max((self.root / ".playbook" / "runs").iterdir())


@pytest.fixture(scope="module")
def deployment(
    stack_templates: Path, stack_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Postgres, and on it code server, webserver and daemon."""
    root = tmp_path_factory.mktemp("deployed") / "project"
    shutil.copytree(SMALL, root, ignore=shutil.ignore_patterns("__pycache__"))
    os.mkfifo(root / "gate")
    local = LocalStack.of(root, "deployed", config=stack_templates, home=stack_home)
    try:
        context = local.up(Selection(only=("dagster",), timeout_s=90))
        yield Deployment(root, platform_variables(context)["DAGSTER_WEBSERVER_URL"])
    finally:
        local.reset()


@dataclass
class Launched:
    """A run that somebody else started, who follows it; `begun` is set when its step has begun."""

    run_id: str
    begun: threading.Event
    end: Future[DagsterRun]


@pytest.fixture
def colleague(deployment: Deployment) -> Iterator[Callable[[], Launched]]:
    """Launches the job that waits at the gate, as from Dagster's launchpad; what is left of it is cancelled."""

    def launch() -> Launched:
        ids: queue.SimpleQueue[str] = queue.SimpleQueue()
        begun = threading.Event()

        def progress(kind: str, _: str, message: str) -> None:
            if kind == "run":
                ids.put(message)
            elif kind == "STEP_START":
                begun.set()

        end = pool.submit(deployment.client.launch, Launch("gated", {}, "by-hand"), progress, timeout_s=90)
        return Launched(ids.get(timeout=60), begun, end)

    with ThreadPoolExecutor() as pool:
        yield launch
        for run in deployment.client.runs(statuses=IN_FLIGHT):
            deployment.client.cancel(run.run_id)


def until(process: subprocess.Popen[str], kind: str) -> dict[str, Any]:
    """The next event of a kind that a command tells of Dagster."""
    assert process.stdout is not None
    for line in process.stdout:
        event: dict[str, Any] = json.loads(line)
        if event.get("kind") == kind:
            return event
    raise AssertionError(f"no {kind!r}: {process.communicate()[1]}")


def result_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The end of the only step."""
    (found,) = [event for event in events if event["event"] == "step-finished"]
    return found


def test_a_job_is_followed_and_its_evidence_kept(deployment: Deployment) -> None:
    """The run's events are told as they happen, and what it gave is a file that the journal vouches for."""
    code, events, errors = deployment.run("run", "runbooks/counted.md")
    assert code == 0, errors
    kinds = [event["kind"] for event in events if event["event"] == "dagster"]
    assert kinds == ["run", "STEP_START", "STEP_SUCCESS", "RUN_SUCCESS"]
    kept = json.loads((deployment.folder() / result_of(events)["evidence"]).read_text())
    run = deployment.client.show(kept["result"]["run_id"])
    assert run is not None
    assert (run.status, run.tags["playbook/run_key"]) == ("SUCCESS", f"{deployment.folder().name}/count")
    assert look_at(deployment.folder()).problems == []


def test_a_run_carries_the_journals_head_at_its_launch(deployment: Deployment) -> None:
    """What the deployed Dagster launched for a run is found by the run's id, with the line that launched it."""
    code, _, errors = deployment.run("run", "runbooks/counted.md")
    assert code == 0, errors
    folder = deployment.folder()
    (run,) = deployment.client.launched_by([folder.name, "another run"])
    started = next(entry for entry in entries(folder) if entry.event == "step-started")
    assert run.tags["playbook/journal"] == f"{started.seq}:{started.hash}"


@pytest.mark.parametrize("url", [None, ""], ids=["deployed", "embedded"])
def test_a_job_that_fails_says_why(deployment: Deployment, url: str | None) -> None:
    """Exit code 1, and the step's message holds the exception that the job's code raised."""
    code, events, _ = deployment.run("run", "runbooks/failing.md", url=url)
    assert (code, events[-1]["state"]) == (1, "failed")
    assert result_of(events)["message"].endswith("ended as FAILURE: ValueError: the source has no rows")


def test_a_retry_by_the_daemon_is_followed(deployment: Deployment) -> None:
    """A run that Dagster starts again by itself has not failed before its retry has: here it succeeds."""
    code, events, errors = deployment.run("run", "runbooks/flaky.md")
    assert code == 0, errors
    result = result_of(events)["result"]
    followed = [event["message"] for event in events if event.get("kind") == "run"]
    assert followed == [result["root_run_id"], result["run_id"]]


def test_a_running_run_is_cancelled_by_a_step(deployment: Deployment, colleague: Callable[[], Launched]) -> None:
    """Whoever follows the run is told that it was cancelled."""
    run = colleague()
    assert run.begun.wait(60)
    code, _, errors = deployment.run("run", "runbooks/cancel.md", "-p", f"run={run.run_id}")
    assert code == 0, errors
    assert run.end.result(60).status == "CANCELED"


def test_a_queued_run_is_cancelled_by_a_step(deployment: Deployment, colleague: Callable[[], Launched]) -> None:
    """It never starts, and the run before it goes on."""
    first, second = colleague(), colleague()
    code, _, errors = deployment.run("run", "runbooks/cancel.md", "-p", f"run={second.run_id}")
    assert code == 0, errors
    assert (second.end.result(60).status, second.begun.is_set()) == ("CANCELED", False)
    deployment.open_gate()
    assert first.end.result(60).status == "SUCCESS"


def test_a_run_goes_on_without_its_operator_and_is_found_again(deployment: Deployment) -> None:
    """After kill -9 of `playbook run` the job goes on; `playbook resume` follows that run and starts no other."""
    process = deployment.start("run", "runbooks/gated.md")
    run_id = until(process, "run")["message"]
    process.kill()
    process.communicate()
    resumed = deployment.start("resume", "last")
    assert run_id in until(resumed, "wait")["message"]
    deployment.open_gate()
    told, errors = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, told + errors
    key = f"{deployment.folder().name}/wait"
    runs = [run for run in deployment.client.runs() if run.tags.get("playbook/run_key") == key]
    assert [(run.run_id, run.status) for run in runs] == [(run_id, "SUCCESS")]


@pytest.mark.parametrize("url", [None, ""], ids=["deployed", "embedded"])
def test_a_config_that_is_refused_names_its_block(deployment: Deployment, url: str | None) -> None:
    """One error with the page's line and the key, exit code 2, and no run was started."""
    before = len(deployment.client.runs())
    code, _, errors = deployment.run("run", "runbooks/refused.md", url=url)
    assert code == 2
    assert errors.startswith("error: runbooks/refused.md:10: Dagster refuses to launch 'counted': ")
    assert "root:ops:count:config:rows" in errors
    assert len(deployment.client.runs()) == before


def test_a_webserver_that_is_down_is_told(deployment: Deployment) -> None:
    """Exit code 2 and one line that names the address."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        code, _, errors = deployment.run("run", "runbooks/counted.md", url=f"http://{address}")
    assert code == 2
    assert errors.startswith(f"error: Dagster at {address} did not answer: ")
