"""Findings that stood before somebody began to check: counted, and no reason to fail; what is new fails."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_playbook.durable import write_whole
from dagster_playbook.errors import PlaybookError, on_disk
from dagster_playbook.findings import Finding

if TYPE_CHECKING:
    from dagster_playbook.check.result import CheckResult

FORMAT = "dagster-playbook baseline"
VERSION = 1
#: more than a hundred thousand findings are no baseline
MAX_BYTES = 32 * 1024 * 1024
#: page, rule and what it is about; lines move, and are not kept
Known = tuple[str, str, str]


def known_as(finding: Finding) -> Known:
    """What a finding is recognised by."""
    return finding.location.path, finding.rule, finding.subject or finding.message


def write_baseline(path: Path, findings: Iterable[Finding]) -> int:
    """Write all findings, whole or not at all; how many there are.

    Raises:
        PlaybookError: the disk does not take it.
    """
    counts = Counter(map(known_as, findings))
    entries = [
        {"path": page, "rule": rule, "subject": subject, "count": count}
        for (page, rule, subject), count in sorted(counts.items())
    ]
    document = {"format": FORMAT, "version": VERSION, "findings": entries}
    with on_disk("the baseline cannot be written", path):
        write_whole(path, json.dumps(document, indent=1) + "\n", mode=0o644)
    return counts.total()


def read_baseline(path: Path) -> Counter[Known]:
    """The findings of a file and how often each stands.

    Raises:
        PlaybookError: there is no such file, or it is no baseline of this version.
    """
    cure = f"write it with `playbook check --baseline {path.name} --update-baseline`"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PlaybookError(f"is larger than {MAX_BYTES:,} bytes", path=str(path), cure=cure)
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlaybookError(f"cannot be read: {error.strerror or error}", path=str(path), cure=cure) from error
    except (ValueError, RecursionError) as error:
        raise PlaybookError("is no JSON", path=str(path), cure=cure) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise PlaybookError("is no baseline", path=str(path), cure=cure)
    if document.get("version") != VERSION:
        told = f"has version {document.get('version')!r} of the format, this playbook reads {VERSION}"
        raise PlaybookError(told[:120], path=str(path), cure=cure)
    try:
        return Counter({_entry(item): _count(item) for item in document["findings"]})
    except (KeyError, TypeError, ValueError) as error:
        raise PlaybookError("has an entry that is no finding", path=str(path), cure=cure) from error


def _entry(item: Any) -> Known:
    page, rule, subject = item["path"], item["rule"], item["subject"]
    if not all(isinstance(part, str) for part in (page, rule, subject)):
        raise TypeError("text expected")
    return page, rule, subject


def _count(item: Any) -> int:
    count = item["count"]
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError("a count is a number from 1 on")
    return count


def against(result: CheckResult, known: Counter[Known]) -> tuple[CheckResult, int, int]:
    """The result without what stood before, how much that is, and how much of the baseline is gone from these pages."""
    left = Counter(known)
    held: set[Finding] = set()
    for finding in result.findings:
        if left[known_as(finding)] > 0:
            left[known_as(finding)] -= 1
            held.add(finding)
    looked_at = {page.path for page in result.pages}
    gone = sum(count for (page, _, _), count in left.items() if page in looked_at)

    def new(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        return tuple(finding for finding in findings if finding not in held)

    pages = tuple(replace(page, findings=new(page.findings)) for page in result.pages)
    return replace(result, pages=pages, nav=new(result.nav), live=new(result.live)), len(held), gone
