"""A command of a step: a group of processes that is written down before it begins, and stopped or named as a whole."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_playbook.errors import PlatformError
from dagster_playbook.runbook.output import Output
from dagster_playbook.services import living
from dagster_playbook.services.living import Started

#: waits for a line, which comes when the process has been written down, and becomes the command; without one it ends
_GATE = 'IFS= read -r go || exit 125; exec "$0" "$@" </dev/null'
_LOOK_S = 0.05
#: how long what the command has started may go on printing, or take to end, once the command itself has ended
_DRAIN_S = 0.5
_PIECE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Command:
    """What is run, where, with which variables, and its time limit in seconds, 0 for none."""

    arguments: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    timeout_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended.

    Attributes:
        exit_code: of the command's own process, negative for a signal.
        is_late: it took longer than its limit and was stopped.
        left: processes that it started and that are still there, with `pid` and `command`.
    """

    exit_code: int
    is_late: bool
    left: list[dict[str, Any]]


class CommandStoppedError(Exception):
    """Something asked the command to stop; `left` are the processes that are there all the same."""

    def __init__(self, left: list[dict[str, Any]]) -> None:
        super().__init__(living.shown(left))
        self.left = left


def run(command: Command, output: Output, written_down: Callable[[Started], None]) -> Ended:
    """Run a command until its own process has ended; its children are not waited for.

    Args:
        written_down: called with the process before it begins to work; when it raises, nothing is run.

    Raises:
        PlatformError: the command is not there.
        KeyboardInterrupt: after everything was stopped; `CommandStoppedError` is its cause when something was not.
    """
    child = _gated(command)
    started = Started.of(child.pid, command.environment.get(living.MARK, ""))
    try:
        written_down(started)
        assert child.stdin is not None
        child.stdin.write(b"\n")
        child.stdin.close()
        is_late = not _follow(child, output, command.timeout_s)
    except BaseException as error:
        if left := _stopped(child, started):
            error.__cause__ = CommandStoppedError(left)
        # a second signal only hurries: it must not hide what could not be stopped
        with contextlib.suppress(KeyboardInterrupt):
            _drain(child, output)
        raise
    finally:
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        output.close()
    left = _stopped(child, started) if is_late else _outliving(started)
    return Ended(child.wait(), is_late, left)


def _gated(command: Command) -> subprocess.Popen[bytes]:
    program = _found(command)
    return subprocess.Popen(
        ["/bin/sh", "-c", _GATE, program, *command.arguments[1:]],
        cwd=command.folder,
        env=dict(command.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        bufsize=0,
    )


def _found(command: Command) -> str:
    name = command.arguments[0]
    if os.sep in name:
        path = command.folder / name
        found = str(path) if path.is_file() and os.access(path, os.X_OK) else None
    else:
        found = shutil.which(name, path=command.environment.get("PATH"))
    if found is None:
        raise PlatformError(f"{name!r} cannot be run: there is no such program")
    return found


def _follow(child: subprocess.Popen[bytes], output: Output, timeout_s: float) -> bool:
    """Take what it prints until its process has ended; whether that was in time."""
    assert child.stdout is not None
    deadline = time.monotonic() + timeout_s if timeout_s else float("inf")
    is_open, until = True, float("inf")
    while True:
        ended = child.poll() is not None
        if ended and until == float("inf"):
            until = time.monotonic() + _DRAIN_S
        if is_open:
            if select.select([child.stdout], [], [], _LOOK_S)[0]:
                data = os.read(child.stdout.fileno(), _PIECE_BYTES)
                is_open = bool(data)
                output.feed(data)
        elif not ended:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_LOOK_S)
        now = time.monotonic()
        if ended and (not is_open or now > until):
            return True
        if not ended and now > deadline:
            return False


def _drain(child: subprocess.Popen[bytes], output: Output) -> None:
    """What is in the pipe already."""
    assert child.stdout is not None
    with contextlib.suppress(OSError, ValueError):
        while select.select([child.stdout], [], [], 0)[0] and (data := os.read(child.stdout.fileno(), _PIECE_BYTES)):
            output.feed(data)


def _stopped(child: subprocess.Popen[bytes], started: Started) -> list[dict[str, Any]]:
    left = living.stop(started, reap=child.poll)
    if child.poll() is None:
        child.kill()
        child.wait()
    return living.named(left)


def _outliving(started: Started) -> list[dict[str, Any]]:
    """What the command has started and left behind; what is just ending is waited for."""
    deadline = time.monotonic() + _DRAIN_S
    while (left := living.still_running(started)) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    return living.named(left)
