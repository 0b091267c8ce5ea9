"""What the build reads, each once: settings, facts of the platform, verdicts of the check, the history in Git."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_playbook.settings import load_settings
from dagster_playbook.site.names import Names, names_of
from dagster_playbook.site.terms import Terms, read_terms

if TYPE_CHECKING:
    from dagster_playbook.check import Checker
    from dagster_playbook.check.result import CheckResult, PageSummary
    from dagster_playbook.claims.runbook_model import Runbook
    from dagster_playbook.facts.facts import Facts
    from dagster_playbook.findings import Finding
    from dagster_playbook.settings import Settings

_GIT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its full hash, and the day that it was made, as 2026-01-31."""

    hash: str
    day: str


@dataclass
class Sources:
    """One project, read lazily and kept for one build; `repository` is its address on a code host, "" if none."""

    root: Path
    repository: str = ""

    @cached_property
    def settings(self) -> Settings:
        """The project's own settings."""
        return load_settings(self.root)

    @cached_property
    def _checker(self) -> Checker:
        from dagster_playbook.check import Checker

        return Checker(self.settings)

    @property
    def facts(self) -> Facts:
        """What the platform is, as the check has it."""
        return self._checker.facts

    @cached_property
    def result(self) -> CheckResult:
        """The verdict on every page; kept verdicts count, as in `playbook check`."""
        return self._checker.check()

    @cached_property
    def verdicts(self) -> dict[str, PageSummary]:
        """Path of a page, relative to the root, to its verdict."""
        return {page.path: page for page in self.result.pages}

    def findings_of(self, name: str, text: str, job: str) -> list[Finding]:
        """The findings of one block of run config, as the check has them of a page called `name`."""
        from dagster_playbook.check.config_files import config_page
        from dagster_playbook.check.page_check import check_page

        page = config_page(name, text, job)
        return check_page(page, self._checker.world, seconds=self.settings.page_seconds).findings

    @cached_property
    def runbooks(self) -> dict[str, Runbook]:
        """Path of a page on the site, relative to its folder of pages, to the runbook that it shows."""
        from dagster_playbook.claims.runbook import parse
        from dagster_playbook.markdown.reader import read_page

        files = sorted((self.root / "runbooks").glob("*.md"))
        return {f"runbooks/{file.name}": parse(read_page(self.root, f"runbooks/{file.name}")) for file in files}

    @cached_property
    def terms(self) -> Terms:
        """The words of the glossary."""
        return read_terms(self.root / "docs")

    @cached_property
    def names(self) -> Names:
        """The names that have a page of their own."""
        return names_of(self.facts)

    @cached_property
    def head(self) -> Commit | None:
        """The commit that is built, None outside Git."""
        lines = self._git("log", "-1", "--format=%H %cs")
        return Commit(*lines[0].split()) if lines else None

    @cached_property
    def has_changes(self) -> bool:
        """Whether a file of the project differs from that commit."""
        return bool(self._git("status", "--porcelain", "--untracked-files=no"))

    @cached_property
    def _last_commits(self) -> dict[str, Commit]:
        """Path of each page's file to the newest commit that touched it: one walk for all."""
        found: dict[str, Commit] = {}
        commit = None
        for line in self._git("log", "--format=@%H %cs", "--name-only", "--relative", "--", *self.settings.pages):
            if line.startswith("@"):
                commit = Commit(*line[1:].split())
            elif line and commit is not None:
                found.setdefault(line, commit)
        return found

    def changed(self, files: tuple[str, ...]) -> Commit | None:
        """The newest commit that touched one of the files."""
        # the walk goes from the newest to the oldest, and so does the dict
        return next((commit for name, commit in self._last_commits.items() if name in files), None)

    def _git(self, *arguments: str) -> list[str]:
        try:
            done = subprocess.run(
                ["git", "-C", str(self.root), *arguments],  # noqa: S607 - the git of the PATH
                capture_output=True, text=True, timeout=_GIT_SECONDS, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return []
        return done.stdout.splitlines() if done.returncode == 0 else []
