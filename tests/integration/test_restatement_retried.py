"""With run retries on, Dagster's own daemon repeats a restatement that was killed: the op does only what is left.

Dagster's webserver, daemon and code server are real processes on the graph of 20 models; only the pause between two
looks of the run monitoring is shortened.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from graph_clone import Clone, Undisturbed
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from dagster_playbook.errors import PlatformError
from dagster_playbook.services.dagster_graphql import DeployedDagster
from dagster_playbook.services.dagster_runs import Launch
from dagster_playbook.stack.ports import LOOPBACK

CONFIG = {"ops": {"sqlmesh_project": {"config": {"restate_models": ["oso.m0"]}}}}


@pytest.fixture
def clone(deployed_graph: Clone, tmp_path: Path) -> Clone:
    return deployed_graph.copy(tmp_path / "clone")


@pytest.fixture
def dagster(clone: Clone, tmp_path: Path) -> Iterator[DeployedDagster]:
    """`dagster dev` on the copy; its first run worker dies after the tenth evaluation."""
    home = tmp_path / "dagster"
    home.mkdir()
    instance = yaml.safe_load((clone.root / "warehouse" / "dagster.yaml").read_text())
    assert instance["run_retries"] == {"enabled": True, "max_retries": 3}
    instance["run_monitoring"]["poll_interval_seconds"] = 1
    (home / "dagster.yaml").write_text(yaml.safe_dump(instance))
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "dagster", "dev", "-m", "oso_dagster.definitions", "-d", "warehouse"]
    own = {"DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1", "OSO_RESTATEMENT_APPROVAL": "off"}
    with (tmp_path / "dagster.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--host", LOOPBACK, "--port", str(port)],
            cwd=clone.root,
            env={**clone.dying("evaluation:all:10:child").environment, **own},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield answering(DeployedDagster(f"http://{LOOPBACK}:{port}"))
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def answering(dagster: DeployedDagster) -> DeployedDagster:
    """The same, when the webserver answers."""
    for attempt in Retrying(
        stop=stop_after_delay(90), wait=wait_fixed(0.5), retry=retry_if_exception_type(PlatformError), reraise=True
    ):
        with attempt:
            dagster.runs()
    return dagster


def test_the_daemons_retry_does_only_what_is_left(
    clone: Clone, dagster: DeployedDagster, undisturbed_graph: Undisturbed
) -> None:
    """Killed after the tenth evaluation and retried by the daemon: each model once, as in an undisturbed run."""
    run = dagster.launch(Launch("sqlmesh_all_assets", CONFIG, "retried"), lambda *_: None, timeout_s=240)
    chain = [(found.status, found.tags.get("dagster/retry_number", "")) for found in dagster.runs()]
    assert (run.is_success, chain) == (True, [("SUCCESS", "1"), ("FAILURE", "")])
    assert clone.evaluations() == undisturbed_graph.evaluated
    assert clone.rows() == undisturbed_graph.rows
