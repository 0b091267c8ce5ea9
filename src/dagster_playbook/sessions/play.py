"""Runs the marked blocks of a page in a throw-away copy of the project, and holds the page to what is printed."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dagster_playbook.drift.project_copy import project_copy
from dagster_playbook.findings import Fix
from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Fence, Page
from dagster_playbook.sessions.blocks import Session, ShownCommand, sessions_of
from dagster_playbook.sessions.compare import as_shown, compared, ids_of, with_ids
from dagster_playbook.settings import Settings

#: as wide as output on a page may be; programs wrap their lines to it
COLUMNS = 200
#: of the output of one command; a page shows no more
MAX_BYTES = 1_000_000
_QUIET = {
    "NO_COLOR": "1",
    "TERM": "dumb",
    "LANG": "C.UTF-8",
    "PYTHONUTF8": "1",
    "COLUMNS": str(COLUMNS),
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
    "NO_MKDOCS_2_WARNING": "1",
}

Programs = Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not as the page shows it, and what would make it so; `fix` is None when nothing but a person can."""

    location: Location
    message: str
    fix: Fix | None = None


@dataclass(slots=True)
class Played:
    """What came of one page: how many commands ran, and every difference in reading order."""

    path: str
    commands: int = 0
    differences: list[Difference] = field(default_factory=list)


def play(page: Page, settings: Settings, programs: Programs, *, limit_s: float, tell: Callable[[str], None]) -> Played:
    """Run the page's marked blocks in order, all in the same copy; a command that fails ends its block.

    Args:
        programs: what may be run, each with its sub-commands.
        limit_s: seconds that one command may take.
        tell: is told each command before it runs.
    """
    played = Played(page.path)
    sessions = list(sessions_of(page, programs))
    marked = {session.mark.location for session in sessions}
    for mark in page.recordings:
        if mark.location not in marked:
            played.differences.append(Difference(mark.location, "no console block follows this mark"))
    if not sessions:
        return played
    with project_copy(settings) as copied:
        _with_history(settings.root, copied.root)
        stage = _Stage(copied.root, limit_s, tell)
        ids: dict[str, str] = {}
        for session in sessions:
            for difference in _block(session, stage, ids, played, settings.root):
                played.differences.append(difference)
    return played


def _with_history(root: Path, copy: Path) -> None:
    """Give the copy the project's history, where it has one: what a reader has is a clone."""
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return
    bare = copy.parent / "history"
    cloned = [git, "clone", "--quiet", "--shared", "--no-checkout", str(root), str(bare)]
    if subprocess.run(cloned, capture_output=True, check=False, timeout=120).returncode == 0:
        (bare / ".git").rename(copy / ".git")
        subprocess.run([git, "-C", str(copy), "reset", "--quiet"], capture_output=True, check=False, timeout=120)


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where commands run, and how long one may take."""

    root: Path
    limit_s: float
    tell: Callable[[str], None]

    def run(self, words: Sequence[str]) -> tuple[int | None, list[str]]:
        """The exit code, None when the time was up, and the lines printed on both channels."""
        self.tell(shlex.join(words))
        home = self.root.parent
        for name in ("home", "tmp"):
            (home / name).mkdir(exist_ok=True)
        program = _installed(words[0])
        if program is None:
            return 127, [f"{words[0]}: not found"]
        confined = [sys.executable, "-m", "dagster_playbook.isolation.confined", str(home), program, *words[1:]]
        folders = os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"])
        environment = {**_QUIET, "PATH": folders, "HOME": str(home / "home"), "TMPDIR": str(home / "tmp")}
        output = home / "output"
        with output.open("wb") as sink:
            process = subprocess.Popen(
                confined, cwd=self.root, env=environment, stdin=subprocess.DEVNULL, stdout=sink,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                code: int | None = process.wait(self.limit_s)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                # nothing that a command has started outlives it
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        with output.open("rb") as source:
            text = source.read(MAX_BYTES).decode("utf-8", "replace")
        return code, text.replace(str(self.root), ".").split("\n")


def _installed(program: str) -> str | None:
    """The program beside this Python, else on the path of the system."""
    beside = Path(sys.executable).with_name(program)
    return str(beside) if beside.is_file() else shutil.which(program)


def _block(session: Session, stage: _Stage, ids: dict[str, str], played: Played, root: Path) -> Iterator[Difference]:
    fence, mark = session.fence, session.mark
    if mark.after:
        code, printed = stage.run(shlex.split(mark.after))
        if code != 0:
            yield Difference(mark.location, f"{mark.after!r} {_ended(code, stage)}: {_last(printed)}")
            return
    for number, command in enumerate(session.commands, 1):
        where = fence.at(command.line, 1, command.line, 1)
        if command.problem:
            yield Difference(where, command.problem)
            return
        code, printed = stage.run([with_ids(word, ids) for word in command.words])
        played.commands += 1
        wanted = mark.exit_code if number == len(session.commands) else 0
        if code != wanted:
            told = (
                f"`{shlex.join(command.words)}` {_ended(code, stage)}, not {wanted} as the page says: {_last(printed)}"
            )
            yield Difference(where, told)
            return
        ids.update(ids_of(command.output, printed))
        verdict = compared(command.output, [as_shown(line, ids) for line in printed])
        if verdict.line >= 0:
            yield _difference(verdict.line, verdict.printed, verdict.right, command, fence, root)


def _ended(code: int | None, stage: _Stage) -> str:
    return f"is not done after {stage.limit_s:g} s" if code is None else f"ends with {code}"


def _last(printed: Sequence[str]) -> str:
    return next((line.strip() for line in reversed(printed) if line.strip()), "nothing is printed")[:200]


def _difference(
    line: int, printed: str, right: Sequence[str], command: ShownCommand, fence: Fence, root: Path
) -> Difference:
    at = min(command.first + line, max(command.last, command.first - 1))
    shown = command.output[line] if line < len(command.output) else ""
    where = fence.at(at, 1, at, len(shown) + 1)
    message = f"the page shows {shown.strip()!r}, printed is {printed.strip()!r}"
    return Difference(where, message, _fix(right, command, fence, root))


def _fix(right: Sequence[str], command: ShownCommand, fence: Fence, root: Path) -> Fix | None:
    """The command's last line and its output as the file has them, with the right output below it."""
    top, bottom = fence.lines[command.first - 2], fence.lines[max(command.last, command.first - 1) - 1]
    if top.path != bottom.path:
        return None
    lines = (root / top.path).read_text(encoding="utf-8-sig").split("\n")
    prefix = lines[top.line - 1][: top.column - 1]
    place = Location(top.path, top.line, 1, bottom.line, len(lines[bottom.line - 1]) + 1)
    was = "\n".join(lines[top.line - 1 : bottom.line])
    told = [lines[top.line - 1], *((prefix + line).rstrip() for line in right)]
    return Fix(place, was, "\n".join(told))
