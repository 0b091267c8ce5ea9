"""Records are written in one place: no other module opens a file for writing, but for these and their reasons."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import dagster_playbook

SOURCE = Path(dagster_playbook.__file__).parent
#: file -> why what it writes is no record
ELSEWHERE = {
    "durable.py": "the place itself",
    "approval/signature.py": "a text for ssh-keygen, in a folder that is gone right after",
    "approval/ledger.py": "opens its file for the lock, and appends through durable",
    "runbook/run_index.py": "opens its file for the lock, and appends through durable",
    "runbook/output.py": "the output of a command, written by the command",
    "runbook/journal.py": "opens its file to cut a torn end through durable",
    "services/dagster_child.py": "the answers on stdout",
    "services/dagster_runs.py": "the log of a child, written by the child",
    "isolation/isolation.py": "questions and answers on pipes",
    "isolation/confined.py": "the kernel's own files, which say who a process is in its namespace",
    "sessions/play.py": "the output of a command, written by the command, in a folder that is gone right after",
    "isolation/sandbox.py": "answers on a pipe, and a probe that must not succeed",
    "workers/nursery.py": "the errors of a child, written by the child",
    "workers/worker.py": "the answers on stdout",
    "branch/files.py": "copies of whole databases in a folder that gets its name when they are on disk",
    "interpreters/bootstrap.py": "the answers on a pipe",
    "serve/starting.py": "the output of a command, written by the command",
    "stack/processes.py": "the log of a service, written by the service",
    "stack/unpack.py": "an archive unpacked aside, and put in place when it is whole",
    "drift/project_copy.py": "a copy of the project that is gone after the measurement",
}
_METHODS = {"write_text", "write_bytes", "copyfile", "copyfileobj", "copy2"}

_OF_OS = {"write", "pwrite", "replace", "rename", "ftruncate", "truncate"}


def _writes(tree: ast.AST) -> Iterator[int]:
    """Lines on which a file may be opened for writing."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        opens = name in ("open", "fdopen") and _may_write(node)
        if opens or name in _METHODS or _is_of_os(node.func):
            yield node.lineno


def _is_of_os(function: ast.expr) -> bool:
    is_os = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "os"
    return is_os and isinstance(function, ast.Attribute) and function.attr in _OF_OS


def _may_write(call: ast.Call) -> bool:
    texts = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    flags = [node.attr for node in ast.walk(call) if isinstance(node, ast.Attribute)]
    is_mode = any(text.strip("bt+") in ("w", "a", "x", "r") and set(text) & set("wax+") for text in texts)
    return is_mode or any(flag in ("O_WRONLY", "O_RDWR") for flag in flags)


def test_no_other_module_writes_a_record() -> None:
    """A new place that writes has to go through `durable`, or to say here why it need not."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        lines = list(_writes(ast.parse(path.read_text(encoding="utf-8"))))
        if lines:
            found[path.relative_to(SOURCE).as_posix()] = lines
    assert {name: lines for name, lines in found.items() if name not in ELSEWHERE} == {}
    assert ELSEWHERE.keys() - found.keys() == set(), "a reason for what does not write any more"
