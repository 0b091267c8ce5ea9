"""Write the safe fixes of findings into their files, all or none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from dagster_playbook.findings import Finding, Fix
from dagster_playbook.scaffold import files


def apply_safe_fixes(root: Path, findings: Iterable[Finding]) -> list[str]:
    """Apply every safe fix and return the paths that changed.

    Raises:
        ScaffoldError: a file cannot be read or written; nothing is changed then.
    """
    fixes: dict[str, list[Fix]] = defaultdict(list)
    for finding in findings:
        if finding.fix and finding.fix.safe:
            fixes[finding.fix.location.path].append(finding.fix)
    changes = []
    for path, wanted in fixes.items():
        before = files.change(root, path, "").before or ""
        changes.append(files.change(root, path, _fixed(before, wanted), is_edit=True))
    return files.write(root, changes)


def _fixed(text: str, fixes: list[Fix]) -> str:
    """From the last to the first, so that earlier places stay where they are; of two that overlap only the last."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    untouched = len(text)
    for fix in sorted(fixes, key=lambda f: f.location, reverse=True):
        place = fix.location
        start = starts[place.line - 1] + place.column - 1
        end = starts[place.end_line - 1] + place.end_column - 1
        if end > untouched:
            continue
        untouched = start
        text = text[:start] + fix.replacement + text[end:]
    return text
