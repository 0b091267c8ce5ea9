"""The two ways to a process that loads a project: started anew, or forked from one that has its imports behind it.

The first load starts a process, as anybody would. From the second load of a kind on (a watching check, an editor, a
mutation run) a nursery imports SQLMesh and Dagster once and forks a child for each load, which then takes a fraction
of the time and shares most of its memory.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Protocol

from dagster_playbook.errors import PlatformError

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
    """A new Python process, spoken to through its standard input and output; it ends with this one, however."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        lifeline, self._lifeline = os.pipe()
        module = ["dagster_playbook.platform.worker", kind, str(lifeline)]
        self._child = _python(module, folder, self._log, passed=(lifeline,))
        os.close(lifeline)

    def fileno(self) -> int:
        """See `Process`."""
        assert self._child.stdout is not None
        return self._child.stdout.fileno()

    def read(self) -> bytes:
        """See `Process`."""
        return os.read(self.fileno(), 1 << 20)

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
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._child.kill()
        self._child.wait()
        self._log.close()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1


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
    """The process that has SQLMesh and Dagster imported, and forks."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="playbook-nursery-"))
        self._address = str(self._folder / "s")
        self._child = _python(["dagster_playbook.platform.nursery", self._address], self._folder, subprocess.DEVNULL)

    def fork(self, kind: str, folder: Path) -> ForkedProcess:
        """A child that is ready for its first line.

        Raises:
            PlatformError: the nursery does not come up, for instance because SQLMesh or Dagster does not import.
        """
        if not Path(self._address).exists():
            assert self._child.stdout is not None
            ready = select.select([self._child.stdout], [], [], NURSERY_TIMEOUT_S)[0]
            if not ready or not self._child.stdout.readline():
                raise PlatformError(
                    "SQLMesh and Dagster cannot be imported", cure="python -c 'import sqlmesh, dagster'"
                )
        return ForkedProcess(kind, folder, self._address)

    def close(self) -> None:
        """End the nursery; its children end with their sockets."""
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                stream.close()
        self._child.kill()
        self._child.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _python(
    module: list[str], folder: Path, errors: IO[bytes] | int, *, passed: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", *module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd=folder,
        env={**os.environ, **QUIET},
        pass_fds=passed,
    )


def _last_line(log: bytes) -> str:
    told = [line.strip() for line in log.decode("utf-8", "replace").splitlines() if line.strip()]
    return f": {told[-1]}" if told else ""
