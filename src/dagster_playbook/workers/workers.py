"""The workers: processes in which SQLMesh and Dagster run, loaded once and asked many times.

A project is loaded in a process of its own, so that SQLMesh and Dagster load at the same time on two cores, so that
this process never imports them, and so that a project which prints, crashes or hangs is an error and not a mess.
"""

from __future__ import annotations

import atexit
import json
import select
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from dagster_playbook.errors import PlatformError, UnjudgedError
from dagster_playbook.interpreters import bootstrap
from dagster_playbook.interpreters.fingerprint import file_digest
from dagster_playbook.interpreters.interpreter import Interpreter, interpreter_for, own_interpreter
from dagster_playbook.settings import CodeLocation, Settings, SqlmeshProject
from dagster_playbook.workers.processes import Nursery, Process, StartedProcess

#: how long a project may take to load before it counts as unreachable
ANSWER_TIMEOUT_S = 300.0
#: processes that are kept; each holds about 0.3 GB
KEPT = 4


class Worker:
    """One process with one SQLMesh project or one Dagster code location.

    `ask` sends a question and waits; `send` and `receive` let two workers think at the same time. Thread-safe
    only through `ask`.
    """

    def __init__(
        self, process: Process, settings: Settings, project: SqlmeshProject | CodeLocation | None, kind: str
    ) -> None:
        self.subject = getattr(project, "path", "") or getattr(project, "module", "") or kind
        self.lock = threading.RLock()
        #: the project's own files that it has imported, with their digests; known once they were asked for
        self.files: dict[str, str] = {}
        self._root = settings.root
        self._process = process
        self._buffer = b""
        #: whether `close` was called: the pool ends a worker that others may still hold
        self.is_closed = False
        described: dict[str, Any] = {"protocol": bootstrap.PROTOCOL, "root": str(settings.root.resolve())}
        described["environment"] = settings.environment
        self._write({**described, "project": asdict(project) if project else None})

    def ask(self, question: str, *arguments: Any) -> Any:
        """The answer to one question.

        Raises:
            PlatformError: the authority refuses, or its process ended or does not answer in time.
            UnjudgedError: the authority is there, but could not judge the text.
        """
        with self.lock:
            is_answered = False
            try:
                self.send(question, *arguments)
                line = self._line(time.monotonic() + ANSWER_TIMEOUT_S)
                is_answered = True
            finally:
                if not is_answered:
                    # its late answer would be taken for the next question's
                    self.close()
            return self._told(line)

    def send(self, question: str, *arguments: Any) -> None:
        """Ask without waiting; answers come in the order of the questions."""
        self._write({"ask": question, "arguments": arguments})

    def receive(self) -> Any:
        """The answer to the oldest question that has none yet."""
        return self._told(self._line(time.monotonic() + ANSWER_TIMEOUT_S))

    @staticmethod
    def _told(line: bytes) -> Any:
        answer = json.loads(line)
        if "unjudged" in answer:
            raise UnjudgedError(answer["unjudged"])
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
        return unchanged and self._process.is_alive()

    def close(self) -> None:
        """End the process."""
        self.is_closed = True
        self._process.close()

    def _write(self, message: dict[str, Any]) -> None:
        try:
            self._process.write(json.dumps(message).encode() + b"\n")
        except (OSError, ValueError) as error:
            raise self._ended() from error

    def _line(self, deadline: float) -> bytes:
        chunks = [self._buffer]
        while b"\n" not in chunks[-1]:
            if not select.select([self._process.fileno()], [], [], max(deadline - time.monotonic(), 0))[0]:
                self.close()
                message = f"{self.subject} did not answer within {ANSWER_TIMEOUT_S:.0f} s"
                raise PlatformError(message, cure="see what its code waits for when it is imported")
            chunk = self._process.read()
            if not chunk:
                raise self._ended()
            chunks.append(chunk)
        line, _, self._buffer = b"".join(chunks).partition(b"\n")
        return line

    def _ended(self) -> PlatformError:
        message = f"the process that loads {self.subject} ended {self._process.last_words()}"
        return PlatformError(message, cure="import the project in Python and see why it ends the process")


class WorkerPool:
    """The workers of this process, each under what it has loaded; one that has loaded something older is ended."""

    def __init__(self) -> None:
        self._workers: dict[tuple[str, str, str], tuple[str, Worker]] = {}
        self._lock = threading.RLock()
        self._started: set[str] = set()
        #: one for each interpreter, by its path
        self._nurseries: dict[str, Nursery] = {}

    def workers(self, kind: str, settings: Settings, state: str) -> list[Worker]:
        """One worker for each project of that kind (one without a project when there is none), in that order.

        `state` is the fingerprint of what they read: a worker of another state is not asked again.
        """
        projects: Sequence[SqlmeshProject | CodeLocation | None]
        # Python is judged where the models are when there is no code location
        projects = (settings.dagster if kind == "dagster" else settings.sqlmesh) or (None,)
        with self._lock:
            return [self._worker(kind, settings, project, state) for project in projects]

    def own_worker(self, settings: Settings, state: str) -> Worker:
        """One in the interpreter of this process, for questions that are about no platform."""
        with self._lock:
            return self._worker("python", settings, None, state, own_interpreter())

    def discard(self, worker: Worker) -> None:
        """End a worker that has refused to load, so that nothing of the failed load is asked again."""
        with self._lock:
            for key, (_, held) in list(self._workers.items()):
                if held is worker:
                    del self._workers[key]
        worker.close()

    def _worker(
        self,
        kind: str,
        settings: Settings,
        project: SqlmeshProject | CodeLocation | None,
        state: str,
        interpreter: Interpreter | None = None,
    ) -> Worker:
        used = interpreter or interpreter_for(settings, project)
        key = (f"{kind} {used.path}", str(settings.root), repr(project))
        held = self._workers.pop(key, None)
        if held is not None and (held[0] != state or not held[1].is_current):
            held[1].close()
            held = None
        worker = held[1] if held else Worker(self._process(kind, settings, used), settings, project, kind)
        self._workers[key] = (state, worker)
        while len(self._workers) > KEPT:
            oldest = next(iter(self._workers))
            self._workers.pop(oldest)[1].close()
        return worker

    def _process(self, kind: str, settings: Settings, interpreter: Interpreter) -> Process:
        if kind not in self._started:
            self._started.add(kind)
            return StartedProcess(kind, settings.root, interpreter)
        if interpreter.path not in self._nurseries:
            self._nurseries[interpreter.path] = Nursery(interpreter)
        return self._nurseries[interpreter.path].fork(kind, settings.root)

    def close(self) -> None:
        """End every process."""
        with self._lock:
            while self._workers:
                self._workers.popitem()[1][1].close()
            while self._nurseries:
                self._nurseries.popitem()[1].close()
            self._started.clear()


#: the workers that `load_facts` and the live authority share
POOL = WorkerPool()
atexit.register(POOL.close)
