"""A command of a step: its group of processes, what it prints, and how it is stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from dagster_playbook.errors import PlatformError
from dagster_playbook.runbook import commands
from dagster_playbook.runbook.commands import Command, CommandStoppedError, Ended
from dagster_playbook.runbook.output import TAIL_CHARACTERS, Output
from dagster_playbook.runbook.redaction import Redactor
from dagster_playbook.services import living
from dagster_playbook.services.living import MARK, Started


def output_in(folder: Path, **options: Any) -> Output:
    return Output(folder / "evidence" / "0001-step.log", Redactor((), {}), **options)


def run(folder: Path, *arguments: str, output: Output | None = None, timeout_s: float = 0.0) -> Ended:
    """Run a command to its end, marked as this test's own."""
    environment = {**os.environ, MARK: str(folder)}
    command = Command(arguments, folder, environment, timeout_s)
    return commands.run(command, output or output_in(folder), lambda started: None)


def python(program: str) -> tuple[str, str, str]:
    return sys.executable, "-c", program


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path: Path) -> Any:
    """Whatever a test's command has left running is ended."""
    yield
    living.stop(Started(2**31, "", socket.gethostname(), str(tmp_path)))


def test_a_step_ends_with_its_process_and_names_what_outlives_it(tmp_path: Path) -> None:
    """A child that holds the pipe does not hold the step: it is named with its process and command."""
    program = "import subprocess; subprocess.Popen(['sleep', '600']); print('parent done')"
    output = output_in(tmp_path)
    ended = run(tmp_path, *python(program), output=output, timeout_s=300)
    assert (ended.exit_code, ended.is_late) == (0, False)
    assert [one["command"] for one in ended.left] == ["sleep 600"]
    assert output.tail == "parent done"


def test_a_child_that_left_the_group_is_named_too(tmp_path: Path) -> None:
    """A session of its own hides nobody: the variable of the run is in its environment."""
    program = "import subprocess; subprocess.Popen(['sleep', '601'], start_new_session=True, stdout=-3)"
    assert [one["command"] for one in run(tmp_path, *python(program)).left] == ["sleep 601"]


def test_the_time_limit_stops_the_whole_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also children that would go on, and those that do not listen are ended."""
    stop = living.stop
    monkeypatch.setattr(living, "stop", lambda started, **options: stop(started, grace_s=0.1, **options))
    program = (
        "import signal, subprocess, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "subprocess.Popen(['sleep', '602']); subprocess.Popen(['sleep', '603'], start_new_session=True); "
        "time.sleep(600)"
    )
    ended = run(tmp_path, *python(program), timeout_s=1.0)
    assert (ended.is_late, ended.left) == (True, [])
    assert not [p for p in psutil.process_iter() if living._is_marked(p, str(tmp_path))]


def test_what_cannot_be_stopped_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop that does not reach a process says so instead of claiming it."""
    monkeypatch.setattr(living, "END_S", 0.0)
    monkeypatch.setattr(psutil.Process, "terminate", lambda self: None)
    monkeypatch.setattr(psutil.Process, "kill", lambda self: None)
    stop = living.stop
    monkeypatch.setattr(living, "stop", lambda started, **options: stop(started, grace_s=0.0, **options))
    program = "import subprocess, time; subprocess.Popen(['sleep', '604']); print('up', flush=True); time.sleep(600)"

    class Stops(Output):
        def feed(self, data: bytes) -> None:
            Output.feed(self, data)
            raise KeyboardInterrupt

    output = Stops(tmp_path / "evidence" / "1.log", Redactor((), {}))
    with pytest.raises(KeyboardInterrupt) as stopped:
        run(tmp_path, *python(program), output=output)
    monkeypatch.undo()
    assert isinstance(stopped.value.__cause__, CommandStoppedError)
    assert "sleep 604" in [one["command"] for one in stopped.value.__cause__.left]


def test_a_process_is_written_down_before_it_works(tmp_path: Path) -> None:
    """When that fails nothing was run."""
    seen: list[Started] = []

    def fails(started: Started) -> None:
        seen.append(started)
        raise OSError(28, "No space left on device")

    command = Command(("touch", "made"), tmp_path, dict(os.environ))
    with pytest.raises(OSError, match="No space left"):
        commands.run(command, output_in(tmp_path), fails)
    assert not (tmp_path / "made").exists()
    assert not living.is_alive(seen[0].pid, seen[0].born)


def test_a_program_of_the_project_is_found_from_its_root(tmp_path: Path) -> None:
    """By its path; one that is not there is named."""
    (tmp_path / "tool").write_text("#!/bin/sh\necho $0 $1\n")
    (tmp_path / "tool").chmod(0o755)
    output = output_in(tmp_path)
    assert run(tmp_path, "./tool", "a b; c", output=output).exit_code == 0
    assert output.tail.endswith("tool a b; c")
    with pytest.raises(PlatformError, match=r"'\./other' cannot be run"):
        run(tmp_path, "./other")


def test_all_of_a_large_output_is_in_the_evidence(tmp_path: Path) -> None:
    """And its end, told as that, in the result: no more of it is ever held in memory."""
    lines = 20_000
    output = output_in(tmp_path)
    run(tmp_path, *python(f"[print('x' * 1000) for _ in range({lines})]"), output=output)
    assert output.path.stat().st_size == output.size_bytes == lines * 1001
    assert output.path.read_bytes() == (b"x" * 1000 + b"\n") * lines
    first, _, rest = output.tail.partition("\n")
    assert first == f"[{lines * 1001 - TAIL_CHARACTERS} characters before this stand in evidence/0001-step.log]"
    assert len(rest) <= TAIL_CHARACTERS


def test_an_output_above_the_limit_says_what_was_cut(tmp_path: Path) -> None:
    """In the file and in the result, with the number of bytes; both agree with the digest."""
    output = output_in(tmp_path, limit_bytes=1000)
    run(tmp_path, *python("[print('é' * 49) for _ in range(100)]"), output=output)
    result = output.as_result()
    # 99 bytes a line: ten whole ones, and of the eleventh as many whole characters as there is room for
    assert result["output_cut"] == f"{9900 - 1000} bytes: the evidence of a step is at most 1000 bytes"
    text = output.path.read_text()
    assert text.endswith(
        f"[cut: {9900 - 1000} bytes more were printed: the evidence of a step is at most 1000 bytes]\n"
    )


def test_a_full_disk_cuts_the_evidence_and_not_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it does goes on to its end, and the evidence says why it is short."""
    from dagster_playbook.runbook import output as outputs

    def full(descriptor: int, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outputs, "write_all", full)
    output = output_in(tmp_path)
    assert run(tmp_path, *python("print('x' * 10); open('made', 'w')"), output=output).exit_code == 0
    assert (tmp_path / "made").exists()
    assert output.as_result()["output_cut"] == "11 bytes: the disk refuses: No space left on device"


def test_tokens_that_a_command_prints_are_in_no_file(tmp_path: Path) -> None:
    """Whether it prints them at once or in pieces, on a line or, as a private key, on several."""
    token = "ghp_" + "Ab1" * 12
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + ("Qm9vYmFy" * 8 + "\n") * 20 + "-----END RSA PRIVATE KEY-----"
    program = (
        f"import sys\nprint('the token is {token[:20]}', end='', flush=True)\nprint('{token[20:]} and on')\n"
        f"[print(line, flush=True) for line in {key.splitlines()!r}]\nprint('done')"
    )
    output = output_in(tmp_path)
    run(tmp_path, *python(program), output=output)
    expected = "the token is [secret] and on\n[secret]\ndone"
    assert output.path.read_text() == expected + "\n"
    assert output.tail == expected


def test_processes_of_a_killed_operator_are_found_again(tmp_path: Path) -> None:
    """By what was written down: the process itself, its group, and what carries the run's key."""
    child = subprocess.Popen(["sleep", "605"], start_new_session=True, env={**os.environ, MARK: str(tmp_path)})
    started = Started.of(child.pid, str(tmp_path))
    assert Started.read(started.as_dict()) == started
    assert [process.pid for process in living.still_running(started)] == [child.pid]
    later = Started(started.pid, "another start", started.host)
    assert living.still_running(later) == []
    assert living.stop(started, reap=child.poll) == []
    assert child.wait() == -signal.SIGTERM


def test_an_interrupted_command_leaves_nothing_running(
    tmp_path: Path, make_interrupt: Callable[[Callable[[], bool]], None]
) -> None:
    """Ctrl-C while it works: its processes are gone when the interrupt arrives, and what it printed is kept."""
    output = output_in(tmp_path)
    make_interrupt(lambda: output.size_bytes > 0)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, *python("import time; print('up', flush=True); time.sleep(600)"), output=output)
    assert output.path.read_text() == "up\n"
    assert not [p for p in psutil.process_iter() if living._is_marked(p, str(tmp_path))]


@pytest.fixture
def make_interrupt() -> Callable[[Callable[[], bool]], None]:
    """Sends SIGINT to this process once something has come true."""

    def make(is_time: Callable[[], bool]) -> None:
        def send() -> None:
            while not is_time():
                os.sched_yield()
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=send, daemon=True).start()

    return make
