"""Text of a page is judged in a process that has nothing to lose, and that costs nobody else anything when it ends."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from dagster_playbook.errors import PlatformError, UnjudgedError
from dagster_playbook.isolation import isolation, landlock, sandbox, seccomp
from dagster_playbook.isolation.isolation import Isolated

HAS_LANDLOCK = pytest.mark.skipif(not landlock.version(), reason="the kernel has no Landlock")
HAS_SECCOMP = pytest.mark.skipif(not seccomp.is_supported(), reason="not a Linux whose calls are known")
ON_LINUX = pytest.mark.skipif(platform.system() != "Linux", reason="Linux alone has it")


def _answer(question: str, arguments: list[Any]) -> Any:
    """What a child is asked to do here: everything that text of a page must not come to."""
    argument = arguments[0] if arguments else None
    return {
        "echo": lambda: argument,
        "environment": lambda: dict(os.environ),
        "read": lambda: Path(argument).read_text(encoding="utf-8"),
        "write": lambda: Path(argument).write_text("x", encoding="utf-8"),
        "remove": lambda: Path(argument).unlink(),
        "rename": lambda: Path(argument).rename(argument + ".moved"),
        "connect": lambda: socket.create_connection(("127.0.0.1", argument), timeout=5).close(),
        "run": lambda: os.execv(sys.executable, [sys.executable, "-c", "0"]),
        "fork": os.fork,
        "signal": lambda: os.kill(os.getppid(), signal.SIGTERM),
        "exit": lambda: sys.exit(3),
        "interrupt": lambda: signal.raise_signal(signal.SIGINT),
        "crash": lambda: ctypes.string_at(0),
        "memory": lambda: [bytearray(1 << 28) for _ in range(64)],
        "depth": lambda: _answer("depth", []),
        "refuse": lambda: (_ for _ in ()).throw(PlatformError("not here", cure="elsewhere", path="p", line=3)),
        "fail": lambda: {}["key"],
        "compute": lambda: 9**9**9**9,
        "wait": lambda: time.sleep(600),
    }[question]()


@pytest.fixture
def child() -> Iterator[Isolated]:
    made = Isolated(_answer)
    yield made
    made.close()


def test_what_is_said_to_be_in_force_was_tried() -> None:
    """Whatever this system offers against something holds when that is attempted."""
    told = sandbox.in_force()
    assert [(item.name, item.is_in_force) for item in told if item.means] == [
        (item.name, True) for item in told if item.means
    ]
    assert {"the environment", "connections", "writing files", "starting programs"} <= {item.name for item in told}


def test_the_environment_is_empty(child: Isolated, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the process that asks is left."""
    monkeypatch.setenv("PLAYBOOK_CANARY", "secret")
    assert child.ask("environment") == {}


@ON_LINUX
def test_the_environment_is_blank_in_proc_too() -> None:
    """The block that the system keeps of a process's first variables is overwritten as well."""
    code = (
        "from pathlib import Path\n"
        "from dagster_playbook.isolation import sandbox\n"
        "sandbox.empty_environment()\n"
        "print('secret' in Path('/proc/self/environ').read_text())\n"
    )
    environment = {**os.environ, "PLAYBOOK_CANARY": "secret"}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


@pytest.mark.parametrize("question", ["write", "remove", "rename"])
@HAS_SECCOMP
def test_no_file_is_changed(child: Isolated, tmp_path: Path, question: str) -> None:
    """Neither its content nor its name."""
    file = tmp_path / "file"
    file.write_text("before", encoding="utf-8")
    with pytest.raises(UnjudgedError, match="PermissionError"):
        child.ask(question, str(file))
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {"file": "before"}


@HAS_LANDLOCK
def test_only_what_is_named_is_read(tmp_path: Path) -> None:
    """The project can be read, what stands beside it cannot."""
    inside, outside = tmp_path / "project", tmp_path / "home"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "file").write_text("x", encoding="utf-8")
    child = Isolated(_answer, [inside])
    assert child.ask("read", str(inside / "file")) == "x"
    with pytest.raises(UnjudgedError, match="PermissionError"):
        child.ask("read", str(outside / "file"))
    child.close()


@HAS_SECCOMP
def test_nothing_is_reached_over_the_network(child: Isolated) -> None:
    """Not even a socket that listens on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        with pytest.raises(UnjudgedError, match="PermissionError"):
            child.ask("connect", server.getsockname()[1])
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("question", ["run", "fork", "signal"])
@HAS_SECCOMP
def test_nothing_else_is_started_or_ended(child: Isolated, question: str) -> None:
    """No program, no process, and no signal to the one that asks."""
    with pytest.raises(UnjudgedError, match="PermissionError"):
        child.ask(question)


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("exit", "SystemExit: 3"),
        ("interrupt", "SIGINT"),
        ("crash", "SIGSEGV"),
        ("memory", "MemoryError"),
        ("depth", "RecursionError"),
        ("fail", "KeyError: 'key'"),
    ],
)
def test_a_question_that_fails_costs_itself_alone(child: Isolated, question: str, reason: str) -> None:
    """Its reason is told, and the next question is answered."""
    with pytest.raises(UnjudgedError, match=re.escape(reason)):
        child.ask(question)
    assert child.ask("echo", [1, "a"]) == [1, "a"]


@pytest.mark.parametrize("question", ["compute", "wait"])
def test_a_question_without_end_is_ended(child: Isolated, monkeypatch: pytest.MonkeyPatch, question: str) -> None:
    """Whether it computes or waits; its process is gone, and the next question is answered."""
    monkeypatch.setattr(isolation, "WALL_S", 0.5)
    before = psutil.Process().children()
    with pytest.raises(UnjudgedError, match="no answer within"):
        child.ask(question)
    assert psutil.Process().children() == before
    monkeypatch.undo()
    assert child.ask("echo", 1) == 1


@ON_LINUX
def test_a_question_has_its_own_time_to_compute(child: Isolated, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel ends what takes more, and says so."""
    monkeypatch.setattr(isolation, "CPU_S", 1)
    with pytest.raises(UnjudgedError, match="more than 1 s of computing"):
        child.ask("compute")


def test_a_refusal_is_handed_on(child: Isolated) -> None:
    """What cannot be asked at all is no failed question."""
    with pytest.raises(PlatformError, match="not here") as caught:
        child.ask("refuse")
    assert not isinstance(caught.value, UnjudgedError)
    assert (caught.value.cure, caught.value.path, caught.value.line) == ("elsewhere", "p", 3)


@ON_LINUX
def test_a_child_ends_with_the_process_that_asks() -> None:
    """Killed in the middle of a question that computes for ever, it leaves nothing behind."""
    code = (
        "from dagster_playbook.isolation.isolation import Isolated\n"
        "child = Isolated(lambda question, arguments: question if question == 'a' else 9**9**9**9)\n"
        "print(child.ask('a'), flush=True)\n"
        "child.ask('b')\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"a\n"
    children = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    parent.communicate()
    assert len(children) == 1
    assert psutil.wait_procs(children, timeout=20)[1] == []
