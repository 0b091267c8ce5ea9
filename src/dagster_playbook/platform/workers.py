"""The processes in which SQLMesh and Dagster run: started once, asked many times, ended with this process.

A project is loaded in a process of its own, so that SQLMesh and Dagster load at the same time on two cores, so that
this process never imports them, and so that a project which prints, crashes or hangs is an error and not a mess.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import IO, Any

from dagster_playbook.errors import PlatformError
from dagster_playbook.platform.fingerprint import file_digest
from dagster_playbook.settings import CodeLocation, Settings, SqlmeshProject

#: how long a project may take to load before it counts as unreachable
ANSWER_TIMEOUT_S = 300.0
#: processes that are kept; each holds about 0.3 GB
KEPT = 4
_QUIET = {
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
    "MAX_FORK_WORKERS": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONWARNINGS": "ignore",
}


class Worker:
    """One process with one SQLMesh project or one Dagster code location.

    `ask` sends a question and waits; `send` and `receive` let two workers think at the same time. Thread-safe
    only through `ask`.
    """

    def __init__(self, kind: str, settings: Settings, project: SqlmeshProject | CodeLocation | None) -> None:
        self.kind = kind
        self.subject = getattr(project, "path", "") or getattr(project, "module", "") or kind
        self.lock = threading.Lock()
        #: the project's own files that it has imported, with their digests; known once they were asked for
        self.files: dict[str, str] = {}
        self._root = settings.root
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "dagster_playbook.platform.worker", kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=settings.root,
            env={**os.environ, **_QUIET},
        )
        self._buffer = b""
        described = {"root": str(settings.root.resolve()), "environment": settings.environment}
        self._write({**described, "project": asdict(project) if project else None})

    def ask(self, question: str, *arguments: Any) -> Any:
        """The answer to one question.

        Raises:
            PlatformError: the authority refuses, or its process ended or does not answer in time.
        """
        with self.lock:
            self.send(question, *arguments)
            return self.receive()

    def send(self, question: str, *arguments: Any) -> None:
        """Ask without waiting; answers come in the order of the questions."""
        self._write({"ask": question, "arguments": arguments})

    def receive(self) -> Any:
        """The answer to the oldest question that has none yet."""
        answer = json.loads(self._line(time.monotonic() + ANSWER_TIMEOUT_S))
        if "refused" in answer:
            told = answer["refused"]
            raise PlatformError(told["message"], cure=told["cure"], path=told["path"], line=told["line"])
        return answer["answer"]

    def receive_files(self) -> dict[str, str]:
        """The answer to the question `files`: what the project's code was imported from, with digests."""
        self.files = {path: file_digest(self._root / path) for path in self.receive()}
        return self.files

    @property
    def is_current(self) -> bool:
        """Whether the process still runs, and nothing that it has imported has changed since."""
        unchanged = all(file_digest(self._root / path) == digest for path, digest in self.files.items())
        return unchanged and self._process.poll() is None

    def close(self) -> None:
        """End the process and wait for it."""
        if self._process.stdin and not self._process.stdin.closed:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._log.close()

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise self._ended() from error

    def _line(self, deadline: float) -> bytes:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        chunks = [self._buffer]
        while b"\n" not in chunks[-1]:
            if not select.select([descriptor], [], [], max(deadline - time.monotonic(), 0))[0]:
                self.close()
                message = f"{self.subject} did not answer within {ANSWER_TIMEOUT_S:.0f} s"
                raise PlatformError(message, cure="see what its code waits for when it is imported")
            chunk = os.read(descriptor, 1 << 20)
            if not chunk:
                raise self._ended()
            chunks.append(chunk)
        line, _, self._buffer = b"".join(chunks).partition(b"\n")
        return line

    def _ended(self) -> PlatformError:
        code = self._process.wait()
        self._log.seek(0)
        told = [line for line in self._log.read().decode("utf-8", "replace").splitlines() if line.strip()]
        last = f": {told[-1].strip()}" if told else ""
        message = f"the process that loads {self.subject} ended with code {code}{last}"
        return PlatformError(message, cure="import the project in Python and see why it ends the process")


class WorkerPool:
    """The workers of this process, each under what it has loaded; one that has loaded something older is ended."""

    def __init__(self) -> None:
        self._workers: dict[tuple[str, str, str], tuple[str, Worker]] = {}
        self._lock = threading.Lock()

    def workers(self, kind: str, settings: Settings, state: str) -> list[Worker]:
        """One worker for each project of that kind (one without a project when there is none), in that order.

        `state` is the fingerprint of what they read: a worker of another state is not asked again.
        """
        projects: Sequence[SqlmeshProject | CodeLocation | None]
        projects = (settings.sqlmesh if kind == "sqlmesh" else settings.dagster) or (None,)
        with self._lock:
            return [self._worker(kind, settings, project, state) for project in projects]

    def _worker(
        self, kind: str, settings: Settings, project: SqlmeshProject | CodeLocation | None, state: str
    ) -> Worker:
        key = (kind, str(settings.root), repr(project))
        held = self._workers.pop(key, None)
        if held is not None and (held[0] != state or not held[1].is_current):
            held[1].close()
            held = None
        worker = held[1] if held else Worker(kind, settings, project)
        self._workers[key] = (state, worker)
        while len(self._workers) > KEPT:
            oldest = next(iter(self._workers))
            self._workers.pop(oldest)[1].close()
        return worker

    def close(self) -> None:
        """End every process."""
        with self._lock:
            while self._workers:
                self._workers.popitem()[1][1].close()


#: the workers that `load_facts` and the live authority share
POOL = WorkerPool()
atexit.register(POOL.close)
