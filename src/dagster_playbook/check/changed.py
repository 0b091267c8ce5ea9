"""The pages that a change touches: changed themselves, resting on a file that is, or on a platform that is."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from posixpath import normpath
from typing import TYPE_CHECKING

from dagster_playbook.check.pages import find_pages
from dagster_playbook.errors import PlaybookError
from dagster_playbook.findings import Finding
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.settings import Settings

if TYPE_CHECKING:
    from dagster_playbook.check import Checker
    from dagster_playbook.check.result import CheckResult

_TIMEOUT_S = 60
#: what a page that includes a file has to contain somewhere
_INCLUDE_MARK = b"--8<--"


def check_changed(
    checker: Checker, revision: str, asked: Iterable[str] = (), on_platform: Callable[[str], None] = lambda _: None
) -> CheckResult:
    """Check the pages among `asked` (default: all of the settings) that a diff against `revision` touches.

    `on_platform` is told one changed file of the platform when there is any, for then every page is checked.

    Raises:
        PlaybookError: no git, no checkout, no such revision, or a path that does not exist.
    """
    return check_touched(checker, changed_files(checker.settings.root, revision), asked, on_platform)


def check_touched(
    checker: Checker,
    changed: frozenset[str],
    asked: Iterable[str] = (),
    on_platform: Callable[[str], None] = lambda _: None,
) -> CheckResult:
    """Check the pages that rest on any of the changed files; the paths are POSIX and relative to the root.

    The navigation is checked when its own file or a page has changed. Where nothing is touched, nothing is loaded.

    Raises:
        PlaybookError: a page that was asked for does not exist, or an authority cannot be asked.
    """
    from dagster_playbook.check.result import CheckResult

    start = time.perf_counter()
    settings = checker.settings
    pages = find_pages(settings, asked)
    if source := platform_source(settings, changed):
        on_platform(source)
    else:
        pages = touched_pages(settings, pages, changed)
    found = CheckResult((), (), "", {}, 0.0)
    if pages:
        found = checker.check(str(settings.root / page) for page in pages)
    has_page = any(path.endswith(".md") for path in changed)
    nav = _nav(settings) if settings.mkdocs in changed or has_page else ()
    return replace(found, nav=nav, duration_s=time.perf_counter() - start)


#: files that say which releases of a platform a project has
_LOCKS = re.compile(
    r"(?:^|/)(?:[\w.-]*requirements[\w.-]*\.(?:txt|lock|in)|(?:uv|poetry|pdm|pixi|conda-lock)\.(?:lock|yml)|Pipfile\.lock)$"
)


def platform_source(settings: Settings, changed: frozenset[str]) -> str:
    """One of the changed files that the platform is read from; "" when there is none.

    Code of the project counts wherever it stands: what a code location imports is known only once it is loaded.
    """
    files = {settings.catalogs, settings.references, settings.makefile, "pyproject.toml"}
    files |= {location.instance for location in settings.dagster}
    folders = [project.path for project in settings.sqlmesh]
    folders += [location.working_directory for location in settings.dagster if location.working_directory != "."]
    named = [normpath(name) for name in (*files, *folders) if name]
    pages = [normpath(name) for name in settings.pages]
    for path in sorted(changed):
        # what stands beside pages is not what they are held to, also where the project's folder is the root
        if path.endswith(".md") or any(path.startswith(f"{page}/") for page in pages):
            continue
        is_below = any(folder in (".", path) or path.startswith(f"{folder}/") for folder in named)
        is_code = settings.has_platform and path.endswith(".py")
        if is_below or is_code or _LOCKS.search(path):
            return path
    return ""


def touched_pages(settings: Settings, pages: Iterable[str], changed: frozenset[str]) -> list[str]:
    """The pages that are among the changed files, include one of them or name one of them, in their order."""
    names = {path.rpartition("/")[2].encode() for path in changed}
    return [page for page in pages if page in changed or (changed and _rests_on(settings, page, changed, names))]


def changed_files(root: Path, revision: str) -> frozenset[str]:
    """Files that differ from `revision` in the working tree or the index, and untracked ones; a renamed one is two.

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
    tracked = _git(root, "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--relative", revision, "--")
    staged = _git(
        root, "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--relative", "--cached", revision, "--"
    )
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


def _rests_on(settings: Settings, page: str, changed: frozenset[str], names: set[bytes]) -> bool:
    """Whether a page names one of the files, in a link or the title of a block, or includes one."""
    try:
        text = (settings.root / page).read_bytes()
    except OSError:
        return False
    if any(name in text for name in names):
        return True
    if _INCLUDE_MARK not in text:
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
