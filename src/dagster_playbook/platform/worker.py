"""The process that loads somebody's project: `python -m dagster_playbook.platform.worker sqlmesh|dagster`.

It reads one JSON object a line from standard input (the first describes the project, each other asks a question) and
answers each with one line on what was standard output when it began. What the project's own code prints goes to
standard error, so it can never be taken for an answer.

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
from pathlib import Path
from typing import IO, Any

from dagster_playbook.errors import PlatformError, UnjudgedError
from dagster_playbook.platform.failure import platform_error
from dagster_playbook.platform.isolation import Isolated

#: the questions whose arguments are text of a page
PAGE_QUESTIONS = frozenset(
    {"select", "load_model", "sqlmesh_config", "dagster_instance", "python_names", "validate_run_config"}
)


def main(kind: str, lifeline: str = "") -> None:
    """Answer on standard output, in the order of the questions, until standard input ends.

    `lifeline` is the number of a pipe's descriptor that the asking process holds the other end of.
    """
    if lifeline:
        end_with_pipe(int(lifeline))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(kind, sys.stdin.buffer, answers)


def serve(kind: str, questions: IO[bytes], answers: IO[bytes]) -> None:
    """Load the project that the first line describes when a question needs it, and answer each line after it."""
    project = json.loads(questions.readline())
    root = Path(project["root"])
    os.environ.update(project["environment"])
    authority = _authority(kind, root, project["project"])
    _leave_no_bytecode(root)
    pages = _Pages(authority, root)
    for line in questions:
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
        self._child = Isolated(lambda question, arguments: _plain(getattr(authority, question)(*arguments)), [root])

    def ask(self, question: str, arguments: list[Any]) -> Any:
        """The child's answer; what the question needs of the project is loaded here, where its code is trusted."""
        if self.authority.prepare(question):
            # a child that was forked before does not know it
            self._child.close()
        return self._child.ask(question, *arguments)


def _authority(kind: str, root: Path, project: dict[str, str] | None) -> Any:
    from dagster_playbook.settings import CodeLocation, SqlmeshProject

    if kind == "sqlmesh":
        from dagster_playbook.platform.sqlmesh_authority import SqlmeshAuthority

        return SqlmeshAuthority(root, SqlmeshProject(**project) if project else None)
    from dagster_playbook.platform.dagster_authority import DagsterAuthority

    location = CodeLocation(**project) if project else None
    sys.path.insert(0, str(root / (location.working_directory if location else ".")))
    return DagsterAuthority(root, location)


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
    answers.write(json.dumps(answer, default=str).encode() + b"\n")
    answers.flush()


def _refusal(error: PlatformError) -> dict[str, Any]:
    return {"message": error.message, "cure": error.cure, "path": error.path, "line": error.line}


def _ask(authority: Any, root: Path, ask: str, arguments: list[Any]) -> Any:
    if ask == "commands":
        from dagster_playbook.platform.commands_reader import read_commands

        return {name: dataclasses.asdict(command) for name, command in read_commands(arguments[0]).items()}
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


if __name__ == "__main__":
    main(*sys.argv[1:])
