"""Which fixes are offered, and the loop that writes them.

A fix is offered when it has been tried: applied to a copy of the text in memory and judged again, its finding is gone
and no other has come. That holds for each fix by itself and for all of a page together, so that every way to apply
them (`--fix`, `--diff`, an editor's quick fix) keeps the same promise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

from dagster_playbook.check.edits import Rewrite, apply_fixes, write_rewrite
from dagster_playbook.findings import Finding, Fix

#: a fix may uncover another one, and only so many are offered at once; more rounds than this are a circle
MAX_ROUNDS = 20
#: fixes of one page that are tried; each costs a check of the page. The others wait until these are written
MAX_TRIED = 20

R = TypeVar("R")
_Key = tuple[str, str, str, str]


class Trial(Protocol):
    """Where fixes are tried: texts as they stand, and a verdict on what would stand there instead."""

    def text(self, path: str) -> str | None:
        """The text of a file with its own line ends, None when it cannot be read."""

    def counts_bom(self, path: str) -> bool:
        """Whether column 1 of the file's first line is a byte order mark where it has one."""

    def judge(self, changed: Mapping[str, str]) -> Sequence[Finding]:
        """Every finding, were these the texts of these files."""


def offered(findings: Sequence[Finding], trial: Trial, tries: int = MAX_TRIED) -> list[Finding]:
    """The findings, each with its fix only where the fix does what it promises; only so many are tried."""
    wanted = list(dict.fromkeys(finding.fix for finding in findings if finding.fix is not None))
    kept = [fix for fix in wanted[:tries] if _keeps_its_promise([fix], findings, trial)]
    if len(kept) > 1 and not _keeps_its_promise(kept, findings, trial):
        kept = kept[:1]
    return [finding if finding.fix in kept or not finding.fix else replace(finding, fix=None) for finding in findings]


def _keeps_its_promise(fixes: Sequence[Fix], findings: Sequence[Finding], trial: Trial) -> bool:
    """Whether, with all these applied, all their findings are gone and none has come."""
    changed: dict[str, str] = {}
    for path in dict.fromkeys(fix.location.path for fix in fixes):
        text, here = trial.text(path), [fix for fix in fixes if fix.location.path == path]
        if text is None:
            return False
        changed[path], count = apply_fixes(text, here, counts_bom=trial.counts_bom(path))
        if count != len(here):
            return False
    before = Counter(map(_key, findings))
    after = Counter(map(_key, trial.judge(changed)))
    cured = Counter(_key(finding) for finding in findings if finding.fix in fixes)
    return after <= before - cured


def _key(finding: Finding) -> _Key:
    """What stays the same when a fix moves what stands behind it on its line."""
    return finding.location.path, finding.rule, str(finding.severity), finding.message


def fix_until_stable(
    root: Path, look: Callable[[], R], rewrites_of: Callable[[R], Sequence[Rewrite]], forget: Callable[[], None]
) -> tuple[R, int]:
    """Look, write what the fixes change, and look again until there is none left.

    `forget` is called after each round of writing, so that the next look sees the files as they are then.

    Returns:
        The last result and how many fixes were written in all.

    Raises:
        PlaybookError: a file cannot be written.
    """
    written = 0
    result = look()
    for _ in range(MAX_ROUNDS):
        rewrites = rewrites_of(result)
        if not rewrites:
            break
        for rewrite in rewrites:
            write_rewrite(root, rewrite)
            written += rewrite.count
        forget()
        result = look()
    return result, written
