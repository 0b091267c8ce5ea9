"""`pytest --playbook docs/`: each claim of a page is a test item, and a finding is its failure.

Without the option nothing of the checker is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dagster_playbook.check import Checker
    from dagster_playbook.claims.model import Claim
    from dagster_playbook.findings import Finding

_SUFFIXES = (".md", ".markdown")
#: project root -> its checker; the platform is loaded once a session
_CHECKERS = pytest.StashKey[dict[Path, "Checker"]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--playbook`."""
    group = parser.getgroup("playbook", "documentation held to its platform")
    group.addoption(
        "--playbook",
        action="store_true",
        help="collect Markdown pages; each fence, code span, bound fact and link is a test",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a page, unless its project's settings leave it out."""
    if not parent.config.getoption("--playbook") or file_path.suffix not in _SUFFIXES:
        return None
    return PageFile.from_parent(parent, path=file_path)


class FindingsError(Exception):
    """The findings of a claim; shown without a traceback."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(f"{len(findings)} findings")
        self.findings = findings


class PageFile(pytest.File):
    """A Markdown page: one item for the page itself, then one for each claim."""

    def collect(self) -> Iterator[pytest.Item]:
        """The items in reading order, each with the findings that stand in it."""
        from dagster_playbook.errors import PlaybookError

        try:
            checker = _checker_of(self)
            path = self.path.relative_to(checker.settings.root).as_posix()
            if any(fnmatch(path, pattern) for pattern in checker.settings.exclude):
                return
            claims = _claims(checker, path)
            found = checker.check([str(self.path)]).findings
        except PlaybookError as error:
            raise self.CollectError(str(error)) from error
        of_claim, of_page = _shared_out(found, claims)
        yield ClaimItem.from_parent(self, name=f"{path}:1 page", line=1, findings=of_page)
        for claim, findings in zip(claims, of_claim, strict=True):
            place = claim.location
            yield ClaimItem.from_parent(self, name=f"{place} {claim.kind}", line=place.line, findings=findings)


class ClaimItem(pytest.Item):
    """A claim as a test; it fails on an error and tells a warning beside its result."""

    def __init__(self, *, line: int, findings: list[Finding], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.line = line
        self.findings = findings

    def runtest(self) -> None:
        """Fail when one of the findings is an error."""
        from dagster_playbook.findings import Severity

        if any(finding.severity is Severity.ERROR for finding in self.findings):
            raise FindingsError(self.findings)
        if self.findings:
            self.add_report_section("call", "playbook", _told(self.findings))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The findings as `playbook check` tells them."""
        if isinstance(excinfo.value, FindingsError):
            return _told(excinfo.value.findings)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The page and the line (0-based, as pytest counts) of the claim."""
        return self.path, self.line - 1, self.name


def _checker_of(page: PageFile) -> Checker:
    """The checker of the project that a page belongs to; a nested project has its own."""
    from dagster_playbook.check import Checker
    from dagster_playbook.settings import find_root, load_settings

    root = find_root(page.path.parent)
    if root == page.path.parent and page.path.is_relative_to(page.config.rootpath):
        has_settings = (root / "pyproject.toml").is_file()
        root = root if has_settings else page.config.rootpath
    checkers = page.config.stash.setdefault(_CHECKERS, {})
    if root not in checkers:
        checkers[root] = Checker(load_settings(root))
    return checkers[root]


def _claims(checker: Checker, path: str) -> list[Claim]:
    from dagster_playbook.claims.extract import claims_of
    from dagster_playbook.markdown.reader import read_page

    settings = checker.settings
    return list(claims_of(read_page(settings.root, path, include_roots=settings.include_roots)))


def _shared_out(findings: list[Finding], claims: list[Claim]) -> tuple[list[list[Finding]], list[Finding]]:
    """Findings by claim, the smallest claim that holds a finding's place; and those that no claim holds."""
    of_claim: list[list[Finding]] = [[] for _ in claims]
    of_page: list[Finding] = []
    smallest_first = sorted(range(len(claims)), key=lambda index: len(claims[index].text))
    for finding in findings:
        owner = next((index for index in smallest_first if _holds(claims[index], finding)), None)
        (of_page if owner is None else of_claim[owner]).append(finding)
    return of_claim, of_page


def _holds(claim: Claim, finding: Finding) -> bool:
    place, whole = finding.location, claim.location
    if claim.fence is not None and any((o.path, o.line) == (place.path, place.line) for o in claim.fence.lines):
        return True
    after_start = (whole.line, whole.column) <= (place.line, place.column)
    before_end = (place.line, place.column) <= (whole.end_line, whole.end_column)
    return place.path == whole.path and after_start and before_end


def _told(findings: list[Finding]) -> str:
    from dagster_playbook.report import Report
    from dagster_playbook.report.plain_text import Style, render

    return render(Report({}, tuple(findings)), Style(counts=False))
