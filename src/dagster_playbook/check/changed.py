"""The pages that a git diff touches: changed themselves, or including a file that is."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_playbook.check.pages import find_pages
from dagster_playbook.errors import PlaybookError
from dagster_playbook.findings import Finding
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.settings import Settings

if TYPE_CHECKING:
    from dagster_playbook.check import Checker, CheckResult

_TIMEOUT_S = 60
#: what a page that includes a file has to contain somewhere
_INCLUDE_MARK = b"--8<--"


def check_changed(checker: Checker, revision: str, asked: Iterable[str] = ()) -> CheckResult:
    """Check the pages among `asked` (default: all of the settings) that a diff against `revision` touches.

    The navigation is checked when its own file has changed.

    Raises:
        PlaybookError: no git, no checkout, no such revision, or a path that does not exist.
    """
    from dagster_playbook.check import CheckResult

    start = time.perf_counter()
    settings = checker.settings
    changed = changed_files(settings.root, revision)
    pages = touched_pages(settings, find_pages(settings, asked), changed)
    found = CheckResult((), (), checker.fingerprint, dict(checker.facts.versions), 0.0)
    if pages:
        found = checker.check(str(settings.root / page) for page in pages)
    nav = _nav(settings) if settings.mkdocs in changed else ()
    return replace(found, nav=nav, duration_s=time.perf_counter() - start)


def touched_pages(settings: Settings, pages: Iterable[str], changed: frozenset[str]) -> list[str]:
    """The pages that are among the changed files or include one of them, in their order."""
    return [page for page in pages if page in changed or (changed and _includes_any(settings, page, changed))]


def changed_files(root: Path, revision: str) -> frozenset[str]:
    """Files that differ from `revision` in the working tree or the index, and untracked ones.

    Paths are POSIX and relative to `root`, which may be a folder within the checkout; git's ignore rules hold.

    Raises:
        PlaybookError: git is not there, `root` is in no checkout, or there is no such revision.
    """
    if not is_revision(root, revision):
        _git(root, "rev-parse", "--git-dir")
        raise PlaybookError(
            f"no revision {revision!r} in this checkout",
            cure="name a branch, tag or commit, e.g. --changed=origin/main; a shallow clone may lack it",
        )
    tracked = _git(root, "diff", "--name-only", "-z", "--no-ext-diff", "--relative", revision, "--")
    staged = _git(root, "diff", "--name-only", "-z", "--no-ext-diff", "--relative", "--cached", revision, "--")
    untracked = _git(root, "ls-files", "-z", "--others", "--exclude-standard")
    return frozenset(name for output in (tracked, staged, untracked) for name in output.split("\0") if name)


def is_revision(root: Path, name: str) -> bool:
    """Whether git knows a commit by that name; False also where there is no checkout."""
    if name.startswith("-"):
        return False
    try:
        _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    except PlaybookError:
        return False
    return True


def _nav(settings: Settings) -> tuple[Finding, ...]:
    from dagster_playbook.check.files import ProjectFiles
    from dagster_playbook.check.navigation import nav_findings

    return tuple(nav_findings(settings, ProjectFiles(settings.root, lambda _: frozenset())))


def _includes_any(settings: Settings, page: str, changed: frozenset[str]) -> bool:
    try:
        if _INCLUDE_MARK not in (settings.root / page).read_bytes():
            return False
    except OSError:
        return False
    read = read_page(settings.root, page, include_roots=settings.include_roots)
    lost_one = any(problem.rule == "PB004" for problem in read.problems)
    return lost_one or not changed.isdisjoint(read.files)


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), "-c", "core.quotePath=false", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT_S)
    except FileNotFoundError as error:
        raise PlaybookError("--changed needs git, which is not on PATH") from error
    except subprocess.TimeoutExpired as error:
        raise PlaybookError(f"git took more than {_TIMEOUT_S} s") from error
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip().splitlines()
        cause = told[-1].removeprefix("fatal: ") if told else f"exit code {done.returncode}"
        raise PlaybookError(f"git cannot tell what has changed: {cause}", cure="run it in a git checkout")
    return done.stdout.decode("utf-8", "surrogateescape")
