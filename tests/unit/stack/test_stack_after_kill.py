"""What is told, and cleared, after a service was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from dagster_playbook.errors import StackError
from dagster_playbook.stack import processes
from dagster_playbook.stack.room import open_room
from dagster_playbook.stack.service import Service
from dagster_playbook.stack.services import postgres
from dagster_playbook.stack.services.postgres import clear_after_kill
from dagster_playbook.stack.status import status_of


def pid_file(folder: Path, pid: int, shared: str = "1 7") -> Path:
    """As Postgres writes it."""
    file = folder / "postmaster.pid"
    file.write_text(f"{pid}\n{folder}\n1700000000\n5432\n\n127.0.0.1\n  {shared}\nready\n")
    return file


def shared_memory(folder: Path, users: int) -> Path:
    """The kernel's table with one segment."""
    file = folder / "shm"
    file.write_text(
        f"key shmid perms size cpid lpid nattch uid\n 1 7 600 56 10 11 {users} 0\n",
    )
    return file


def test_the_pid_file_of_a_server_that_was_killed_is_cleared(tmp_path: Path) -> None:
    """Also as long as its parent has not waited for it, when its number still seems to be alive."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", str(tmp_path)])
    child.send_signal(signal.SIGKILL)
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        os.sched_yield()
    file = pid_file(tmp_path, child.pid)
    clear_after_kill(tmp_path, shared_memory=shared_memory(tmp_path, 0))
    assert not file.exists()
    child.wait()


def test_a_number_that_somebody_else_has_by_now_is_no_server(tmp_path: Path) -> None:
    """A process whose command does not name the cluster's folder is another one."""
    file = pid_file(tmp_path, os.getppid())
    clear_after_kill(tmp_path, shared_memory=shared_memory(tmp_path, 0))
    assert not file.exists()


def test_the_pid_file_of_a_living_server_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two servers on one cluster would destroy it: that is refused, with the process."""
    monkeypatch.setattr(postgres, "_LET_GO_S", 0.0)
    child = subprocess.Popen(["sh", "-c", "echo; read line", "sh", str(tmp_path)], stdin=-1, stdout=-1)
    assert child.stdout is not None
    child.stdout.readline()
    file = pid_file(tmp_path, child.pid)
    with pytest.raises(StackError, match=f"still in use: process {child.pid}"):
        clear_after_kill(tmp_path, shared_memory=shared_memory(tmp_path, 0))
    assert file.exists()
    child.communicate()


def test_children_that_outlive_their_server_are_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They hold its shared memory; the pid file goes only once they have let go of it."""
    table = shared_memory(tmp_path, 2)
    file = pid_file(tmp_path, 0)
    looked: list[float] = []

    def look(pause_s: float) -> None:
        assert file.exists()
        looked.append(pause_s)
        shared_memory(tmp_path, 0)

    monkeypatch.setattr(postgres.time, "sleep", look)
    clear_after_kill(tmp_path, shared_memory=table)
    assert len(looked) == 1
    assert not file.exists()


def test_a_service_whose_process_is_gone_has_ended(tmp_path: Path) -> None:
    """It was not stopped, so it is told as what it is, with its process; one that was never started is stopped."""
    room = open_room(tmp_path, "one")
    room.make()
    record = {"service": "nessie", "pid": 4_000_000, "created_s": 1.0, "fingerprint": "f"}
    (room.run / "nessie.json").write_text(json.dumps(record))
    services = {
        name: Service(name, name, argv=lambda _: [], probe=lambda _: None, environment=lambda _: {}, stop=signal.SIGINT)
        for name in ("nessie", "trino")
    }
    found = {state.service: state for state in status_of(room, services, None)}
    assert (found["nessie"].state, found["trino"].state) == ("ended", "stopped")
    assert "process 4000000 is gone" in found["nessie"].detail
    processes.forget(room, "nessie")
    assert [state.state for state in status_of(room, services, None)] == ["stopped", "stopped"]
