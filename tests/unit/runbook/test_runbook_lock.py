"""One operator a platform, whatever it is called and from wherever it is reached."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.runbook.lock import Place, PlatformBusyError, place_of, platform_lock
from dagster_playbook.runbook.owner import is_alive
from dagster_playbook.services import living
from dagster_playbook.services.living import Started
from dagster_playbook.settings import Settings

HOLDER = """
import subprocess, sys
from pathlib import Path
from dagster_playbook.services.living import Started
from dagster_playbook.runbook.lock import Place, platform_lock
with platform_lock(Place(Path(sys.argv[1])), "run-1") as held:
    if "works" in sys.argv:
        child = subprocess.Popen(["sleep", "600"], start_new_session=True, stdout=subprocess.DEVNULL)
        held.works(Started.of(child.pid))
        print(child.pid, flush=True)
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder: Path, *arguments: str) -> tuple[subprocess.Popen[str], list[str]]:
    """A process that holds the lock, and what it said before."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    said = []
    while (line := child.stdout.readline().strip()) != "held":
        assert line
        said.append(line)
    return child, said


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    child, _ = hold(tmp_path)
    yield child
    end(child)


def end(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()


def test_a_second_operator_is_told_who_holds_it(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    """Who, on which machine, in which process and since when, whatever the second one calls the platform."""
    with (
        pytest.raises(PlatformBusyError, match=rf"'other'.*process {holder.pid}, run run-1"),
        platform_lock(Place(tmp_path, name="other"), "run-2"),
    ):
        pass


def test_a_living_holder_is_not_taken_over(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    """A reason does not help against somebody who works."""
    with (
        pytest.raises(PlatformBusyError, match="it holds the lock"),
        platform_lock(Place(tmp_path), "run-2", take_over="in a hurry"),
    ):
        pass


def test_clones_on_one_warehouse_are_one_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is where the data are, also when they are reached through a link or from another clone."""
    own = tmp_path / "first" / ".playbook" / "warehouse"
    own.mkdir(parents=True)
    (tmp_path / "link").symlink_to(own)
    monkeypatch.delenv("OSO_WAREHOUSE_DATA", raising=False)
    monkeypatch.delenv("SQLMESH_POSTGRES_HOST", raising=False)
    first = place_of(Settings(tmp_path / "first"), "embedded")
    monkeypatch.setenv("OSO_WAREHOUSE_DATA", str(tmp_path / "link"))
    second = place_of(Settings(tmp_path / "second"), "staging")
    assert first.file == second.file
    assert first.folder == own


def test_another_state_database_is_another_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its address; a name of the target says nothing."""
    monkeypatch.setenv("SQLMESH_POSTGRES_HOST", "one.example")
    one = place_of(Settings(tmp_path), "a")
    monkeypatch.setenv("SQLMESH_POSTGRES_HOST", "other.example")
    other = place_of(Settings(tmp_path), "a")
    assert one.file != other.file


def test_a_dead_holder_does_not_keep_it(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    """After kill -9 the lock is free, and the next one learns whose it was."""
    end(holder)
    with platform_lock(Place(tmp_path), "run-2") as held:
        assert held.left_behind is not None
        assert held.left_behind["run"] == "run-1"
    with platform_lock(Place(tmp_path), "run-3") as held:
        assert held.left_behind is None


def test_what_a_dead_holder_has_started_keeps_the_platform(tmp_path: Path) -> None:
    """It may still write: another run is refused with its process, the same run may go on and wait for it."""
    child, (pid,) = hold(tmp_path, "works")
    end(child)
    try:
        with (
            pytest.raises(PlatformBusyError, match=rf"before it died: process {pid} \(sleep 600\)") as refused,
            platform_lock(Place(tmp_path), "run-2", take_over="it is dead"),
        ):
            pass
        assert refused.value.cure.endswith("playbook resume run-1")
        with platform_lock(Place(tmp_path), "run-1") as held:
            assert held.left_behind is not None
    finally:
        os.kill(int(pid), 9)


def left_elsewhere(folder: Path, minutes: float) -> dict[str, Any]:
    """The record of a holder on another host that was last heard of so long ago."""
    heard = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes)
    owner = {"pid": 1, "process_started": "x", "host": "elsewhere", "user": "ada", "run": "run-0", "since": "then"}
    owner["heard"] = heard.isoformat(timespec="seconds")
    (folder / "platform.owner.json").write_text(json.dumps(owner))
    return owner


def test_a_lock_of_another_host_is_told_with_its_age(tmp_path: Path) -> None:
    """Nobody here knows whether that holder lives: since when it is silent is said, and how to take over."""
    left_elsewhere(tmp_path, 180)
    with (
        pytest.raises(PlatformBusyError, match=r"ada on elsewhere .*last heard of 3 hours ago") as refused,
        platform_lock(Place(tmp_path), "run-2"),
    ):
        pass
    assert "--take-over REASON" in refused.value.cure


def test_a_lock_of_another_host_is_taken_over_with_a_reason(tmp_path: Path) -> None:
    """The one who takes it over learns whose it was, to write that down."""
    owner = left_elsewhere(tmp_path, 180)
    with platform_lock(Place(tmp_path), "run-2", take_over="the host is gone") as held:
        assert held.left_behind == owner
    assert not (tmp_path / "platform.owner.json").exists()


def test_a_holder_elsewhere_that_was_just_heard_of_is_not_taken_over(tmp_path: Path) -> None:
    """A sign of life less than a minute old is one."""
    left_elsewhere(tmp_path, 0.2)
    with (
        pytest.raises(PlatformBusyError, match=r"last heard of \d+ seconds ago"),
        platform_lock(Place(tmp_path), "run-2", take_over="in a hurry"),
    ):
        pass


def test_the_record_says_when_the_holder_was_last_alive(tmp_path: Path) -> None:
    """And which processes change the platform now."""
    with platform_lock(Place(tmp_path), "run-2") as held:
        held.record["heard"] = "long ago"
        held.beat()
        held.works(Started.of(os.getpid(), "run-2/step"))
        kept = json.loads((tmp_path / "platform.owner.json").read_text())
        held.works()
    assert dt.datetime.fromisoformat(kept["heard"]).tzinfo is not None
    assert [one["pid"] for one in kept["works"]] == [os.getpid()]


def test_a_process_id_that_was_given_out_again_is_no_holder(tmp_path: Path) -> None:
    """A record counts only for the process that wrote it, told by its start."""
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "process_started": 1.0}
    assert not is_alive(owner)
    assert is_alive({**owner, "process_started": living.born(os.getpid())})
    (tmp_path / "platform.owner.json").write_text(json.dumps(owner))
    with platform_lock(Place(tmp_path), "run-2") as held:
        assert held.left_behind == owner
