"""The process that loads somebody's project, in that project's own Python (see `bootstrap`).

It reads one JSON object a line from standard input (the first describes the project, each other asks a question) and
answers each with one line on a pipe of its own. What the project's code prints goes elsewhere, so it can never be
taken for an answer. Of this package, a worker imports only what needs the standard library and the platform.

The project's own code is trusted here, the text of a page is not: a question about one is passed on, unread, to a
sandboxed child (see `isolation`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import sys
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

from dagster_playbook.errors import PlatformError, UnjudgedError
from dagster_playbook.failure import platform_error
from dagster_playbook.interpreters.bootstrap import PROTOCOL
from dagster_playbook.isolation.isolation import Isolated

#: the questions whose arguments are text of a page
PAGE_QUESTIONS = frozenset(
    {"select", "load_model", "sqlmesh_config", "dagster_instance", "python_names", "validate_run_config"}
)


def main(kind: str, lifeline: int, answers: int) -> None:
    """Answer on the descriptor `answers`, in the order of the questions, until standard input ends.

    `lifeline` is a pipe's descriptor that the asking process holds the other end of.
    """
    end_with_pipe(lifeline)
    serve(kind, sys.stdin.buffer, os.fdopen(answers, "wb"))


def serve(kind: str, questions: IO[bytes], answers: IO[bytes]) -> None:
    """Load the project that the first line describes when a question needs it, and answer each line after it."""
    project = json.loads(questions.readline())
    if project["protocol"] != PROTOCOL:
        sys.exit(f"this worker speaks protocol {PROTOCOL}, it was asked in {project['protocol']}")
    root = Path(project["root"])
    os.environ.update(project["environment"])
    _leave_no_bytecode(root)
    pages: _Pages | None = None
    for line in questions:
        try:
            pages = pages or _Pages(_authority(kind, root, project["project"]), root)
        except PlatformError as error:
            _tell(answers, {"refused": _refusal(error)})
        else:
            _answer(answers, pages, root, json.loads(line))


def end_with_pipe(lifeline: int) -> None:
    """Be killed by the kernel when the other end of a pipe is closed, whatever this process is busy with.

    A process whose parent is killed would go on with what it computes before it sees that nobody asks any more.
    """
    import select
    from fcntl import F_GETFL, F_SETFL, F_SETOWN, fcntl

    number = signal.SIGIO
    with contextlib.suppress(ImportError, OSError):
        from fcntl import F_SETSIG

        number = signal.SIGKILL
        fcntl(lifeline, F_SETSIG, number)
    with contextlib.suppress(OSError):
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        fcntl(lifeline, F_SETOWN, os.getpid())
        fcntl(lifeline, F_SETFL, fcntl(lifeline, F_GETFL) | os.O_ASYNC)
    if select.select([lifeline], [], [], 0)[0]:
        # it was closed before the kernel was told
        os._exit(1)


class _Pages:
    """The authority, and its sandboxed child that is asked about pages."""

    def __init__(self, authority: Any, root: Path) -> None:
        self.authority = authority
        # what the child imports later, this package has to be read for
        readable = [root, Path(__file__).resolve().parents[1]]
        self._child = Isolated(lambda question, arguments: _plain(getattr(authority, question)(*arguments)), readable)

    def ask(self, question: str, arguments: list[Any]) -> Any:
        """The child's answer; what the question needs of the project is loaded here, where its code is trusted."""
        if self.authority.prepare(question):
            # a child that was forked before does not know it
            self._child.close()
        return self._child.ask(question, *arguments)


def _authority(kind: str, root: Path, project: dict[str, str] | None) -> Any:
    """The authority of that kind.

    Raises:
        PlatformError: this interpreter does not have the platform, or only a part of it.
    """
    from dagster_playbook.settings import CodeLocation, SqlmeshProject

    if kind == "python":
        sys.path.insert(0, str(root))
        from dagster_playbook.workers.python_authority import PythonAuthority

        return PythonAuthority([root])
    location = CodeLocation(**project) if project and kind == "dagster" else None
    if kind == "dagster":
        sys.path.insert(0, str(root / (location.working_directory if location else ".")))
    try:
        if kind == "dagster":
            from dagster_playbook.workers.dagster_authority import DagsterAuthority

            return DagsterAuthority(root, location)
        from dagster_playbook.workers.sqlmesh_authority import SqlmeshAuthority

        return SqlmeshAuthority(root, SqlmeshProject(**project) if project else None)
    except PlatformError:
        raise
    except Exception as error:
        raise _not_installed(kind, error) from error


def _not_installed(kind: str, error: Exception) -> PlatformError:
    name = {"dagster": "Dagster", "sqlmesh": "SQLMesh"}[kind]
    python = f"Python {'.'.join(map(str, sys.version_info[:3]))} of {Path(sys.prefix).name}/"
    if isinstance(error, ModuleNotFoundError) and error.name == kind:
        cure = f'install {kind} there, or name the interpreter that has it: python = "..." in [tool.playbook]'
        return PlatformError(f"{name} is not installed for {python}", cure=cure)
    try:
        told = f"{name} {version(kind)}"
    except PackageNotFoundError:
        told = name
    cause = " ".join(str(error).split()) or type(error).__name__
    message = f"{told} cannot be used in {python}: {type(error).__name__}: {cause}"
    return PlatformError(message, cure=f"make `python -c 'import {kind}'` succeed there; install what is missing")


def _answer(answers: IO[bytes], pages: _Pages, root: Path, question: dict[str, Any]) -> None:
    try:
        if question["ask"] in PAGE_QUESTIONS:
            answer = {"answer": pages.ask(question["ask"], question["arguments"])}
        else:
            answer = {"answer": _ask(pages.authority, root, question["ask"], question["arguments"])}
    except UnjudgedError as error:
        answer = {"unjudged": error.message}
    except PlatformError as error:
        answer = {"refused": _refusal(error)}
    except Exception as error:
        # the question failed, not the platform: say so, and stay ready for the next one
        what = f"the question {question['ask']!r} could not be answered"
        answer = {
            "refused": _refusal(platform_error(error, what, "report it with the text that was asked about", root))
        }
    _tell(answers, answer)


def _tell(answers: IO[bytes], answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer, default=str).encode() + b"\n")
    answers.flush()


def _refusal(error: PlatformError) -> dict[str, Any]:
    return {"message": error.message, "cure": error.cure, "path": error.path, "line": error.line}


def _ask(authority: Any, root: Path, ask: str, arguments: list[Any]) -> Any:
    if ask == "commands":
        from dagster_playbook.workers.commands_reader import read_commands

        return dataclasses.asdict(read_commands(arguments[0]))
    if ask == "files":
        return _loaded_files(root)
    return _plain(getattr(authority, ask)(*arguments))


def _plain(answer: Any) -> Any:
    return dataclasses.asdict(answer) if dataclasses.is_dataclass(answer) and not isinstance(answer, type) else answer


@cache
def _loaded_files(root: Path) -> list[str]:
    """The project's own Python files that were imported when this was first asked, relative to it.

    The facts depend on them too; what later questions import does not count.
    """
    found = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(".py"):
            path = Path(file)
            if path.is_relative_to(root) and "site-packages" not in path.parts:
                found.add(path.relative_to(root).as_posix())
    return sorted(found)


def _leave_no_bytecode(root: Path) -> None:
    """Write no __pycache__ into the project: a source that changes twice in a second would meet stale bytecode."""
    write = SourceFileLoader.set_data

    def set_data(self: SourceFileLoader, path: Any, data: Any, *, _mode: int = 0o666) -> None:
        place = Path(os.fsdecode(path))
        if "site-packages" in place.parts or not place.is_relative_to(root):
            write(self, path, data, _mode=_mode)

    SourceFileLoader.set_data = set_data  # type: ignore[method-assign]
