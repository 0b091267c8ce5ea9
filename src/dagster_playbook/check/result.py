"""What a check found: a summary of each page, all findings of a run, and both again from what was kept of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dagster_playbook.findings import Finding, Fix, Severity
from dagster_playbook.location import Location


@dataclass(frozen=True, slots=True)
class PageSummary:
    """The verdict on one page.

    Attributes:
        files: the page and its includes.
        waiting: positions of the page's suppressions that only a running service can tell to be of use.
        unjudged: claims that only the platform itself could judge, where it was not to be asked: what, and how many.
        claims: how many things the page asserts, bound sentences too.
        is_apart: it is no page of the project but a file of run config, or one from elsewhere.
    """

    path: str
    files: tuple[str, ...]
    fences: int
    spans: int
    checked: int
    exempt: int
    findings: tuple[Finding, ...]
    waiting: tuple[int, ...] = ()
    unjudged: dict[str, int] = field(default_factory=dict)
    claims: int = 0
    is_apart: bool = False


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes:
        pages: a summary for each page, in the order they were asked for.
        nav: findings of the navigation file.
        live: findings of running services that were asked, on the pages and on what was recorded of them.
        fingerprint: of the platform that the pages were held to.
        versions: of the distributions that gave the verdicts.
        duration_s: wall time of the check.
    """

    pages: tuple[PageSummary, ...]
    nav: tuple[Finding, ...]
    fingerprint: str
    versions: dict[str, str]
    duration_s: float
    live: tuple[Finding, ...] = ()

    @property
    def findings(self) -> list[Finding]:
        """What is told by itself: every finding once, in reading order; those of an include once for all its pages."""
        return [finding for finding in self.all_findings if not finding.cause]

    @property
    def doubts(self) -> list[Finding]:
        """What is told in a count, by its causes."""
        return [finding for finding in self.all_findings if finding.cause]

    @cached_property
    def all_findings(self) -> list[Finding]:
        """Findings and quiet doubts together, in reading order."""
        unique = dict.fromkeys([*(f for page in self.pages for f in page.findings), *self.nav, *self.live])
        return sorted(unique, key=Finding.sort_key)

    @property
    def has_errors(self) -> bool:
        """Whether the check fails."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def summary(self) -> dict[str, int]:
        """The counts that the last line and the JSON give."""
        return {
            "files": len(self.pages),
            "fences": sum(page.fences for page in self.pages),
            "spans": sum(page.spans for page in self.pages),
            "checked": sum(page.checked for page in self.pages),
            "exempt": sum(page.exempt for page in self.pages),
            "findings": len(self.findings),
            "doubts": len(self.doubts),
            "unjudged": sum(self.unjudged.values()),
        }

    @property
    def unjudged(self) -> dict[str, int]:
        """What only the platform itself could judge, and how many claims that were on all pages."""
        counts: Counter[str] = Counter()
        for page in self.pages:
            counts.update(page.unjudged)
        return dict(counts)


def summary_from(path: str, kept: dict[str, Any]) -> PageSummary:
    """The summary of a page from its kept verdict."""
    files = tuple(name for name, _ in kept["files"])
    fences, spans, checked, exempt = kept["counts"]
    findings = tuple(finding_from(item) for item in kept["findings"])
    rest = (tuple(kept["waiting"]), kept["unjudged"], kept["claims"])
    return PageSummary(path, files, fences, spans, checked, exempt, findings, *rest)


def finding_from(item: dict[str, Any]) -> Finding:
    """A finding from what `Finding.as_dict` made of it."""
    fix = item["fix"]
    repair = Fix(_location_from(fix), fix["was"], fix["replacement"]) if fix else None
    return Finding(
        _location_from(item),
        item["rule"],
        item["name"],
        item["message"],
        item["subject"],
        Severity(item["severity"]),
        item["evidence"],
        repair,
        item.get("cause", ""),
    )


def _location_from(item: dict[str, Any]) -> Location:
    return Location(item["path"], item["line"], item["column"], item["end_line"], item["end_column"])
