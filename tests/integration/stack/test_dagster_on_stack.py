"""Dagster's webserver and daemon on the real stack, and pages held to them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.services.dagster_runs import Launch
from dagster_playbook.services.live_services import LiveDagster
from dagster_playbook.settings import load_settings
from dagster_playbook.stack.local import Selection

pytestmark = pytest.mark.stack

PROJECT = Path(__file__).resolve().parents[3]
CONFIGS = """# Page

```{ .yaml job="sqlmesh_all_assets" }
ops:
  sqlmesh_project:
    config:
      skip_test: true
      restate_models: [1]
```

```{ .yaml job="sqlmesh_everything" }
ops: {}
```

```{ .yaml job="nessie_consumer_tag_job" }
ops:
  nessie__assign_consumer_tag:
    config:
      to_hash: ""
```

Runs are retried <!-- fact: dagster.run_retries.max_retries -->seven<!-- /fact --> times.
"""


@pytest.fixture(scope="module")
def web(running_stack: Any) -> Iterator[LiveDagster]:
    """The webserver of the stack, with its daemon and code server."""
    running_stack.up(Selection(also=("dagster",), timeout_s=90))
    try:
        yield LiveDagster(running_stack.env["DAGSTER_WEBSERVER_URL"])
    finally:
        running_stack.local.down(names=["dagster"])


def check(project: Path, url: str) -> tuple[int, list[dict[str, Any]]]:
    """Run `playbook check --dagster-url`; its exit code and its findings."""
    program = "from dagster_playbook.cli import main; main()"
    command = [sys.executable, "-c", program, "check", "--format", "json", "--dagster-url", url]
    result = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, env={**os.environ})
    return result.returncode, json.loads(result.stdout)["findings"]


def test_the_webserver_has_the_jobs(web: LiveDagster) -> None:
    """The webserver of a stack shows every job of the project's code location."""
    from dagster_playbook.platform.loader import load_facts

    assert load_facts(load_settings(PROJECT)).jobs.keys() <= web.jobs


def test_run_retries_are_the_projects(web: LiveDagster) -> None:
    """The running instance retries as the project's recorded dagster.yaml says."""
    from dagster_playbook.platform.loader import load_facts

    values = load_facts(load_settings(PROJECT)).values
    assert web.run_retries
    assert web.run_retries == {key: values[key] for key in web.run_retries}


def test_a_job_is_run_through_the_webserver(running_stack: Any, web: LiveDagster) -> None:
    """A launch through the webserver is queued, taken up by the daemon, and moves the tag to the head of main."""
    running_stack.sql(f"CREATE SCHEMA iceberg.promoted_{time.time_ns()}")
    launch = Launch(job="nessie_consumer_tag_job", config={}, run_key=f"test-{time.time_ns()}")
    run = web.launch(launch, lambda *_: None, timeout_s=90)
    with running_stack.nessie() as client:
        heads = {client.get_reference(name).hash for name in ("main", "consumer")}
    assert (run.status, len(heads)) == ("SUCCESS", 1)


def test_pages_are_held_to_the_webserver(web: LiveDagster, tmp_path: Path) -> None:
    """Without any code a page's run configs, jobs and retries are judged by the webserver, each at its place."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text(CONFIGS)
    (tmp_path / "pyproject.toml").write_text('[tool.playbook]\npages = ["docs"]\n')
    code, findings = check(tmp_path, web.url)
    found = {(f["line"], f["rule"]) for f in findings if f["evidence"].startswith("Dagster 1.")}
    assert (code, found) == (1, {(7, "DG101"), (8, "DG103"), (11, "DG104"), (22, "FA802")})
