"""Questions about the text of pages, answered in a sandboxed child of the process that can answer them.

The child is forked from a process that has its project loaded, so it starts in milliseconds and knows all that the
project is; then it gives up what `sandbox` names, and only then it is told a text. It answers many questions. One that
ends it, or that it does not answer in time, costs that question alone: the next one is asked of a new child.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from dagster_playbook.errors import PlatformError, UnjudgedError
from dagster_playbook.isolation import sandbox

#: how long one question may take by the clock, and how long it may compute, in seconds
WALL_S = 20.0
CPU_S = 10
#: the longest answer that is read, in bytes
ANSWER_BYTES = 1 << 24
#: answers one question: its name, its arguments
Answering = Callable[[str, list[Any]], Any]


class Isolated:
    """One sandboxed child at a time, forked from this process at the first question.

    `answer` is called in the child. A `PlatformError` that it raises is raised here again; whatever else becomes of a
    question is an `UnjudgedError`. Not thread-safe.
    """

    def __init__(self, answer: Answering, readable: Iterable[Path] = ()) -> None:
        self._answer = answer
        self._readable = tuple(readable)
        self._child: _Child | None = None

    def ask(self, question: str, *arguments: Any) -> Any:
        """The answer to one question, as plain data.

        Raises:
            PlatformError: the question was refused, for instance for want of a project.
            UnjudgedError: it failed, ended the child, or took too long.
        """
        if self._child is None:
            self._child = _Child(self._answer, self._readable)
        try:
            told = json.loads(self._child.exchange(json.dumps([question, arguments], default=str).encode()))
        except (UnjudgedError, ValueError) as error:
            self.close()
            raise error if isinstance(error, UnjudgedError) else UnjudgedError("its answer is no answer") from error
        if told.get("is_last"):
            self.close()
        if "failed" in told:
            raise UnjudgedError(told["failed"])
        if "refused" in told:
            raise PlatformError(**told["refused"])
        return told["answer"]

    def close(self) -> None:
        """End the child; the next question is asked of one that knows what this process knows then."""
        if self._child is not None:
            self._child.end()
            self._child = None


class _Child:
    """The child as its parent sees it: a process and two pipes."""

    def __init__(self, answer: Answering, readable: tuple[Path, ...]) -> None:
        questions, self._asking = os.pipe()
        self._hearing, answers = os.pipe()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            _serve(answer, questions, answers, readable, parent)
        os.close(questions)
        os.close(answers)
        os.set_blocking(self._asking, False)

    def exchange(self, question: bytes) -> bytes:
        deadline = time.monotonic() + WALL_S
        self._send(len(question).to_bytes(8, "big") + question, deadline)
        size = int.from_bytes(self._receive(8, deadline), "big")
        if size > ANSWER_BYTES:
            raise UnjudgedError("its answer is too long")
        return self._receive(size, deadline)

    def _send(self, data: bytes, deadline: float) -> None:
        while data:
            if not select.select([], [self._asking], [], max(deadline - time.monotonic(), 0))[1]:
                raise UnjudgedError(f"no answer within {WALL_S:.0f} s")
            try:
                data = data[os.write(self._asking, data) :]
            except BrokenPipeError:
                raise self._ended() from None

    def _receive(self, size: int, deadline: float) -> bytes:
        chunks, missing = [], size
        while missing:
            if not select.select([self._hearing], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise UnjudgedError(f"no answer within {WALL_S:.0f} s")
            chunk = os.read(self._hearing, min(missing, 1 << 20))
            if not chunk:
                raise self._ended()
            chunks.append(chunk)
            missing -= len(chunk)
        return b"".join(chunks)

    def _ended(self) -> UnjudgedError:
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        if not os.WIFSIGNALED(status):
            return UnjudgedError(f"the process that judged it ended with code {os.waitstatus_to_exitcode(status)}")
        if (number := os.WTERMSIG(status)) == signal.SIGXCPU:
            return UnjudgedError(f"it took more than {CPU_S} s of computing")
        return UnjudgedError(f"the process that judged it was ended by {signal.Signals(number).name}")

    def end(self) -> None:
        for descriptor in (self._asking, self._hearing):
            os.close(descriptor)
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
            self._pid = 0


def _serve(answer: Answering, questions: int, answers: int, readable: tuple[Path, ...], parent: int) -> None:
    """The child's life; it never returns to the code that forked it."""
    status = 1
    try:
        # what is shared with the parent stays shared: a collection does not look at it
        gc.freeze()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGXCPU, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        sandbox.enter(readable, (questions, answers), parent=parent)
        while head := _read(questions, 8):
            sandbox.limit_time(CPU_S)
            name, arguments = json.loads(_read(questions, int.from_bytes(head, "big")))
            told = _told(answer, name, arguments)
            data = json.dumps(told, default=str).encode("utf-8", "backslashreplace")
            _write(answers, len(data).to_bytes(8, "big") + data)
            if told.get("is_last"):
                break
        status = 0
    finally:
        os._exit(status)


def _told(answer: Answering, name: str, arguments: list[Any]) -> dict[str, Any]:
    """The answer; what fails in a way that may leave the process damaged is this child's last."""
    try:
        return {"answer": answer(name, arguments)}
    except UnjudgedError as error:
        return {"failed": error.message}
    except PlatformError as error:
        return {
            "refused": {"message": error.message, "cure": error.cure, "path": error.path, "line": error.line},
        }
    except BaseException as error:
        told = " ".join(str(error).split())[:200]
        kind = type(error).__name__
        is_last = isinstance(error, MemoryError | RecursionError) or not isinstance(error, Exception)
        return {"failed": f"{kind}: {told}" if told else kind, "is_last": is_last}


def _read(descriptor: int, size: int) -> bytes:
    chunks, missing = [], size
    while missing:
        chunk = os.read(descriptor, min(missing, 1 << 20))
        if not chunk:
            return b""
        chunks.append(chunk)
        missing -= len(chunk)
    return b"".join(chunks)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
