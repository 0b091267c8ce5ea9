"""One operator a platform."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dagster_playbook.runbook.lock import PlatformBusyError, is_alive, platform_lock

HOLDER = """
import sys
from pathlib import Path
from dagster_playbook.runbook.lock import platform_lock
with platform_lock(Path(sys.argv[1]), "embedded", "run-1"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def end(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()


def test_a_second_operator_is_told_who_holds_it(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    """Who, on which machine, in which process and since when."""
    with (
        pytest.raises(PlatformBusyError, match=rf"process {holder.pid}, run run-1"),
        platform_lock(tmp_path, "embedded", "run-2"),
    ):
        pass
    end(holder)


def test_another_platform_is_free(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    """The lock is of one platform."""
    with platform_lock(tmp_path, "staging", "run-2") as held:
        assert held.left_behind is None
    end(holder)


def test_a_dead_holder_does_not_keep_it(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    """After kill -9 the lock is free, and the next one learns whose it was."""
    end(holder)
    with platform_lock(tmp_path, "embedded", "run-2") as held:
        assert held.left_behind is not None
        assert held.left_behind["run"] == "run-1"
    with platform_lock(tmp_path, "embedded", "run-3") as held:
        assert held.left_behind is None


def test_a_process_id_that_was_given_out_again_is_no_holder(tmp_path: Path) -> None:
    """A record counts only for the process that wrote it, told by its start time."""
    import os
    import socket

    owner = {"pid": os.getpid(), "host": socket.gethostname(), "process_started": 1.0}
    assert not is_alive(owner)
    (tmp_path / "embedded.owner.json").write_text(json.dumps(owner))
    with platform_lock(tmp_path, "embedded", "run-2") as held:
        assert held.left_behind == owner
