"""From an exception in somebody's project to one `PlatformError` that names file, line, cause and cure."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dagster_playbook.errors import BusyError, PlatformError

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_SQL_LINE = re.compile(r"\bLine (\d+), Col")
_YAML_LINE = re.compile(r"\bline (\d+), column")
_NAMED_FILE = re.compile(r"(?:file|at|path) '([^']+)'")
_SELF_EXPLAINING = ("ConfigError", "SQLMeshError", "PlatformError", "DagsterInvalidDefinitionError")
_TOKEN = re.compile(r"<Token [^>]*?text: ([^,]*),[^>]*>")
#: what Dagster raises in place of the exception that a step's code raised
_WRAPPING = "DagsterExecutionStepExecutionError"
_SHOWN = 500
#: DuckDB's words for a file that another process writes to, and who that is
_BUSY = re.compile(r"Could not set lock on file .*?(?:Conflicting lock is held in .*?\(PID (\d+)\)|$)", re.DOTALL)
#: lines of a message that only introduce the cause which follows them
_INTRODUCTION = re.compile(
    r"(?i)^(failed to load|invalid project config|invalid configuration|verify your|unable to)\b.*:?$"
)


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it was raised from, the outermost first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def platform_error(error: BaseException, subject: str, cure: str, root: Path, *, within: str = "") -> PlatformError:
    """One `PlatformError` for `subject`; `within` is the file or folder to name when nothing more exact is known."""
    if isinstance(error, PlatformError):
        return error
    for item in chain(error):
        if told := busy(str(item)):
            return BusyError(f"{subject}: {told}", cure=f"wait until that process has ended; {cure}" if cure else "")
    path, line = _place(error, root)
    if not path:
        path, line = within, _yaml_line(error) if within.endswith((".yaml", ".yml")) else 0
    return PlatformError(f"{subject}: {cause(error)}", cure=cure, path=path, line=line)


def busy(text: str) -> str:
    """That a DuckDB file is in use, and by which process, when a message says so; else ""."""
    found = _BUSY.search(text)
    if found is None:
        return ""
    holder = f"process {found[1]}" if found[1] else "another process"
    return f"the DuckDB file is busy: {holder} has it open for writing"


def cause(error: BaseException) -> str:
    """What went wrong in one line, without colours, introductions and absolute paths of this machine."""
    *_, innermost = chain(error)
    if isinstance(innermost, SyntaxError):
        return f"{type(innermost).__name__}: {innermost.msg}"
    if isinstance(innermost, UnicodeDecodeError):
        return f"a file is not {innermost.encoding.upper()}: byte {innermost.object[innermost.start]:#04x}"
    # YAML readers put the problem last, after what they were doing
    if problem := getattr(innermost, "problem", None):
        return f"{type(innermost).__name__}: {problem}"
    speaker = error if _told(error) else innermost
    told, kind = _told(speaker), type(speaker).__name__
    return told if told and kind in _SELF_EXPLAINING else f"{kind}: {told or 'no message'}"


def _told(error: BaseException) -> str:
    lines = [line.strip() for line in _ANSI.sub("", str(error)).splitlines() if line.strip()]
    speaking = [line for line in lines if not _INTRODUCTION.match(line)] or lines
    if not speaking:
        return ""
    return re.sub(r"'?/[\w./-]+/([\w.-]+)'?", r"\1", _TOKEN.sub(r"'\1'", speaking[0]))


def _place(error: BaseException, root: Path) -> tuple[str, int]:
    """The most exact place inside the project that the exceptions name: a position, a frame, or only a file."""
    only_file = ""
    for item in reversed(list(chain(error))):
        if isinstance(item, SyntaxError) and item.filename and (path := _inside(item.filename, root)):
            return path, item.lineno or 0
        text = _ANSI.sub("", str(item))
        named = str(getattr(item, "location", None) or "") or next(iter(_NAMED_FILE.findall(text)), "")
        path = _inside(named, root) if named else ""
        position = _SQL_LINE.search(text) or _YAML_LINE.search(text)
        if path and position:
            return path, int(position.group(1))
        only_file = only_file or path
    frame = _last_frame(error, root)
    if frame and (not only_file or only_file == frame[0] or only_file.endswith(".py")):
        return frame
    return only_file, 0


def _yaml_line(error: BaseException) -> int:
    """The line in the one document that was read, which a YAML reader that was given a text cannot name; else 0."""
    marks = [getattr(item, "problem_mark", None) for item in chain(error)]
    return next((mark.line + 1 for mark in marks if mark is not None), 0)


def _last_frame(error: BaseException, root: Path) -> tuple[str, int] | None:
    for item in reversed(list(chain(error))):
        for frame in reversed(traceback.extract_tb(item.__traceback__)):
            if path := _inside(frame.filename, root):
                return path, frame.lineno or 0
    return None


def _inside(name: str, root: Path) -> str:
    """`name` relative to the project, "" when it lies outside or in an environment inside it."""
    try:
        if name.startswith("<"):
            return ""
        relative = Path(name).resolve().relative_to(root)
    except (ValueError, OSError):
        return ""
    return "" if "site-packages" in relative.parts else relative.as_posix()


def step_failure(error: Mapping[str, Any]) -> str:
    """Why a Dagster step failed, on one line: the exception that the code raised, not Dagster's wrapping of it.

    Args:
        error: `className`, `message` and `cause`, which is an error of the same shape or None, as GraphQL gives them.
    """
    raised = error.get("cause") if error.get("className") == _WRAPPING else None
    text = " ".join(str((raised or error).get("message") or "").split())
    kind, colon, message = text.partition(": ")
    return (f"{kind.rpartition('.')[2]}{colon}{message}" if " " not in kind else text)[:_SHOWN]
