"""A worker answers in order, survives a question that fails, and is never asked about another platform."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from dagster_playbook.errors import PlatformError
from dagster_playbook.interpreters.fingerprint import fingerprints
from dagster_playbook.platform.live_authority import LiveAuthority
from dagster_playbook.settings import Settings
from dagster_playbook.workers import workers as workers_module
from dagster_playbook.workers.workers import POOL, WorkerPool


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    made = WorkerPool()
    # the first process of a kind is started anew; these tests are about what comes after
    made._started |= {"sqlmesh", "dagster"}
    yield made
    made.close()


def test_a_question_that_fails_leaves_the_worker_as_it_was(pool: WorkerPool, sample_settings: Settings) -> None:
    """The refusal is an error with a cure, and the next question is answered."""
    worker = pool.workers("sqlmesh", sample_settings, "state")[0]
    with pytest.raises(PlatformError, match="could not be answered") as caught:
        worker.ask("no such question")
    assert caught.value.cure
    assert worker.ask("select", "shop.customers")["models"] == ["shop.customers"]


def test_questions_are_answered_in_their_order(pool: WorkerPool, sample_settings: Settings) -> None:
    """Several may be on their way at once."""
    worker = pool.workers("sqlmesh", sample_settings, "state")[0]
    entries = ["shop.customers", "shop.stg_orders", "nothing"]
    for entry in entries:
        worker.send("select", entry)
    assert [worker.receive()["entry"] for _ in entries] == entries


def test_the_same_state_is_asked_again_and_another_is_loaded(pool: WorkerPool, sample_settings: Settings) -> None:
    """A worker belongs to the fingerprint that it has loaded."""
    first = pool.workers("sqlmesh", sample_settings, "state")
    assert pool.workers("sqlmesh", sample_settings, "state") == first
    assert pool.workers("sqlmesh", sample_settings, "later") != first


def test_the_pool_keeps_a_few_workers_and_ends_the_rest(
    pool: WorkerPool, sample_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mutation run over hundreds of copies holds a few processes at a time."""
    monkeypatch.setattr(workers_module, "KEPT", 2)
    made = []
    for number in range(4):
        root = tmp_path / str(number)
        shutil.copytree(sample_settings.root, root, ignore=shutil.ignore_patterns(".playbook"))
        made += pool.workers("sqlmesh", replace(sample_settings, root=root), "state")
    made[-1].ask("select", "shop.customers")
    assert [worker._process.fileno() >= 0 for worker in made] == [False, False, True, True]


def test_what_a_project_prints_is_no_answer(pool: WorkerPool, sample_settings: Settings, tmp_path: Path) -> None:
    """Standard output of the project's code goes elsewhere, from Python and from below it."""
    root = tmp_path / "noisy"
    shutil.copytree(sample_settings.root, root, ignore=shutil.ignore_patterns(".playbook"))
    definitions = root / "location" / "sample_location" / "definitions.py"
    noise = "import os\n\nprint('{\"answer\": 1}')\nos.write(1, b'noise\\n')\n"
    definitions.write_text(noise + definitions.read_text(encoding="utf-8"), encoding="utf-8")
    worker = pool.workers("dagster", replace(sample_settings, root=root), "state")[0]
    assert set(worker.ask("facts")["jobs"]) == {"__ASSET_JOB", "load_job", "promote_job"}


def test_a_project_that_hangs_is_an_error(
    pool: WorkerPool, sample_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline is told, and the process is ended."""
    root = tmp_path / "hanging"
    shutil.copytree(sample_settings.root, root, ignore=shutil.ignore_patterns(".playbook"))
    definitions = root / "location" / "sample_location" / "definitions.py"
    definitions.write_text("import signal\n\nsignal.pause()\n", encoding="utf-8")
    worker = pool.workers("dagster", replace(sample_settings, root=root), "state")[0]
    with pytest.raises(PlatformError):
        worker.ask("no such question")
    monkeypatch.setattr(workers_module, "ANSWER_TIMEOUT_S", 0.2)
    child = psutil.Process(worker._process._pid)  # type: ignore[attr-defined]
    with pytest.raises(PlatformError, match="did not answer within"):
        worker.ask("facts")
    assert psutil.wait_procs([child], timeout=20)[1] == []


def test_the_environment_of_this_process_and_of_the_settings_counts(
    pool: WorkerPool, sample_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker sees the variables as they are when it is made, and the settings' own above them."""
    root = tmp_path / "variables"
    shutil.copytree(sample_settings.root, root, ignore=shutil.ignore_patterns(".playbook"))
    config = root / "transform" / "config.yaml"
    text = config.read_text(encoding="utf-8").replace(
        "cron: '@daily'", "cron: '@daily'\n  owner: \"{{ env_var('OWNER') }}\""
    )
    config.write_text(text, encoding="utf-8")
    monkeypatch.setenv("OWNER", "outside")
    outside = replace(sample_settings, root=root, environment={})
    inside = replace(outside, environment={"OWNER": "inside"})
    told = [pool.workers("sqlmesh", each, state)[0].ask("facts") for each, state in ((outside, "a"), (inside, "b"))]
    assert [part["values"]["sqlmesh.model_defaults.owner"] for part in told] == ["outside", "inside"]


def test_no_process_outlives_its_parent(sample_settings: Settings) -> None:
    """Whether the parent ends well or is killed, started and forked workers and the nursery end with it."""
    code = (
        "import os, sys, pathlib\n"
        "from dataclasses import replace\n"
        "from dagster_playbook.settings import load_settings\n"
        "from dagster_playbook.workers.workers import POOL\n"
        f"settings = load_settings(pathlib.Path({str(sample_settings.root)!r}))\n"
        "POOL.workers('sqlmesh', settings, 'a')[0].ask('select', 'x')\n"
        "POOL.workers('sqlmesh', settings, 'b')[0].ask('select', 'x')\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"ready\n"
    children = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    parent.communicate()
    assert len(children) >= 2
    assert psutil.wait_procs(children, timeout=20)[1] == []


def test_a_worker_that_computes_ends_with_its_parent(sample_copy: Callable[[], Settings]) -> None:
    """It is killed by the system, not asked: code of a project that never comes back hears nobody."""
    copied = sample_copy()
    pipe = copied.root / "begun"
    os.mkfifo(pipe)
    definitions = copied.root / "location" / "sample_location" / "definitions.py"
    definitions.write_text(f"open({str(pipe)!r}, 'w').write('begun')\n9**9**9**9\n", encoding="utf-8")
    code = (
        "import pathlib\n"
        "from dagster_playbook.settings import load_settings\n"
        "from dagster_playbook.workers.workers import POOL\n"
        f"settings = load_settings(pathlib.Path({str(copied.root)!r}))\n"
        "POOL.workers('dagster', settings, 'a')[0].ask('facts')\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    assert pipe.read_text(encoding="utf-8") == "begun"
    children = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    parent.wait()
    assert len(children) == 1
    assert psutil.wait_procs(children, timeout=20)[1] == []


def test_an_answer_that_was_not_waited_for_is_nobody_s(
    pool: WorkerPool, sample_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stops waiting ends the worker, so that its late answer is not taken for the next question's."""

    def stop(*_: object) -> bytes:
        raise KeyboardInterrupt

    worker = pool.workers("sqlmesh", sample_settings, "stopped")[0]
    monkeypatch.setattr(worker, "_line", stop)
    with pytest.raises(KeyboardInterrupt):
        worker.ask("select", "shop.customers")
    assert worker.is_closed


def test_a_worker_s_state_is_the_part_s_fingerprint(sample_settings: Settings) -> None:
    """Facts and live answers ask the same process: both take the state from the same place."""
    parts = fingerprints(sample_settings)
    assert len({parts.total, parts.sqlmesh, parts.dagster, parts.commands}) == 4
    assert os.environ.get("PLAYBOOK_NUMBER") is None


def test_an_authority_outlives_the_room_of_the_pool(sample_settings: Settings) -> None:
    """When the pool has ended a worker to make room for others, the next question starts it anew."""
    authority = LiveAuthority(sample_settings)
    before = authority.select("shop.*")
    POOL.close()
    assert authority.select("shop.*") == before
