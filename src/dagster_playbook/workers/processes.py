"""The two ways to a process that loads a project: started anew, or forked from one that has its imports behind it.

The first load starts a process, as anybody would. From the second load of a kind on (a watching check, an editor, a
mutation run) a nursery imports SQLMesh and Dagster once and forks a child for each load, which then takes a fraction
of the time and shares most of its memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import IO, Any, Protocol

from dagster_playbook.errors import PlatformError
from dagster_playbook.interpreters import bootstrap
from dagster_playbook.interpreters.interpreter import Interpreter

#: what keeps SQLMesh and Dagster quiet, at home and in one process
QUIET = {
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
    "MAX_FORK_WORKERS": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONWARNINGS": "ignore",
}
#: how long the nursery may take for its imports
NURSERY_TIMEOUT_S = 120.0


class Process(Protocol):
    """A process that reads lines and writes lines."""

    def fileno(self) -> int:
        """The descriptor to wait on for answers."""

    def read(self) -> bytes:
        """What has arrived; empty when the process has ended."""

    def write(self, data: bytes) -> None:
        """Send all of it; raises OSError when the process has ended."""

    def is_alive(self) -> bool:
        """Whether it can still answer."""

    def last_words(self) -> str:
        """The last line that it wrote to standard error, and its exit code where that is known."""

    def close(self) -> None:
        """End it and free what it holds."""


class StartedProcess:
    """A new Python process, told things on its standard input; it ends with this one, however.

    It answers on a pipe of its own: what the interpreter or the project prints is never taken for an answer.
    """

    def __init__(self, kind: str, folder: Path, interpreter: Interpreter) -> None:
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        lifeline, self._lifeline = os.pipe()
        self._answers, answers = os.pipe()
        request = {"do": "dagster_playbook.workers.worker", "arguments": [kind, lifeline, answers]}
        try:
            self._child = _python(interpreter, request, folder, self._log, passed=(lifeline, answers))
        finally:
            os.close(lifeline)
            os.close(answers)

    def fileno(self) -> int:
        """See `Process`."""
        return self._answers

    def read(self) -> bytes:
        """See `Process`."""
        return os.read(self._answers, 1 << 20)

    def write(self, data: bytes) -> None:
        """See `Process`."""
        assert self._child.stdin is not None
        self._child.stdin.write(data)
        self._child.stdin.flush()

    def is_alive(self) -> bool:
        """See `Process`."""
        return self._child.poll() is None

    def last_words(self) -> str:
        """See `Process`."""
        code = self._child.wait()
        self._log.seek(0)
        return f"with code {code}{_last_line(self._log.read())}"

    def close(self) -> None:
        """See `Process`."""
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()
        self._child.kill()
        self._child.wait()
        self._log.close()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            os.close(self._answers)
            self._lifeline = self._answers = -1


class ForkedProcess:
    """A child of the nursery, spoken to through a socket; it ends when the socket does."""

    def __init__(self, kind: str, folder: Path, address: str) -> None:
        descriptor, name = tempfile.mkstemp(prefix="playbook-worker-", suffix=".log")
        self._log = os.fdopen(descriptor, "rb")
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(address)
        # the child takes on this process's environment, as a started one would
        environment = "\0".join(f"{key}={value}" for key, value in {**os.environ, **QUIET}.items())
        head = "\0".join([kind, str(folder), name, environment]).encode("utf-8", "surrogateescape")
        self._socket.sendall(len(head).to_bytes(8, "big") + head)
        self._pid = int.from_bytes(self._socket.recv(8, socket.MSG_WAITALL), "big")
        # the child has the log open: its name is not needed any more, whatever ends this process
        Path(name).unlink()

    def fileno(self) -> int:
        """See `Process`."""
        return self._socket.fileno()

    def read(self) -> bytes:
        """See `Process`."""
        try:
            return self._socket.recv(1 << 20)
        except ConnectionError:
            return b""

    def write(self, data: bytes) -> None:
        """See `Process`."""
        self._socket.sendall(data)

    def is_alive(self) -> bool:
        """See `Process`."""
        if not select.select([self._socket], [], [], 0)[0]:
            return True
        try:
            return bool(self._socket.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def last_words(self) -> str:
        """See `Process`."""
        return "without an answer" + _last_line(self._log.read())

    def close(self) -> None:
        """See `Process`."""
        if self._socket.fileno() >= 0 and self._pid:
            # code that hangs would not see that the socket is closed
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        self._socket.close()
        self._log.close()


class Nursery:
    """The process that has the platforms of an interpreter imported, and forks."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="playbook-nursery-"))
        self._address = str(self._folder / "s")
        self._ready, ready = os.pipe()
        request = {"do": "dagster_playbook.workers.nursery", "arguments": [self._address, ready]}
        try:
            self._child = _python(interpreter, request, self._folder, subprocess.DEVNULL, passed=(ready,))
        finally:
            os.close(ready)

    def fork(self, kind: str, folder: Path) -> ForkedProcess:
        """A child that is ready for its first line.

        Raises:
            PlatformError: the nursery does not come up.
        """
        if not Path(self._address).exists():
            is_heard = select.select([self._ready], [], [], NURSERY_TIMEOUT_S)[0]
            if not is_heard or not os.read(self._ready, 1):
                raise PlatformError("the process that loads SQLMesh and Dagster does not come up", cure="try again")
        return ForkedProcess(kind, folder, self._address)

    def close(self) -> None:
        """End the nursery; its children end with their sockets."""
        if self._child.stdin is not None:
            self._child.stdin.close()
        if self._ready >= 0:
            os.close(self._ready)
            self._ready = -1
        self._child.kill()
        self._child.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _python(
    interpreter: Interpreter,
    request: dict[str, Any],
    folder: Path,
    errors: IO[bytes] | int,
    *,
    passed: tuple[int, ...],
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [interpreter.path, bootstrap.__file__, json.dumps(request)],
            stdin=subprocess.PIPE,
            stdout=errors,
            stderr=errors,
            cwd=folder,
            env={**interpreter.environment(), **QUIET},
            pass_fds=passed,
        )
    except OSError as error:
        message = f"the interpreter {Path(interpreter.path).name} does not start: {error.strerror or error}"
        raise PlatformError(message, cure="name one that does in `python` of [tool.playbook]") from error


def _last_line(log: bytes) -> str:
    told = [line.strip() for line in log.decode("utf-8", "replace").splitlines() if line.strip()]
    return f": {told[-1]}" if told else ""
