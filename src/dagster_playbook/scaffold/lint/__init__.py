"""The rules files `.cursor/rules/*.mdc` as machine checks on the real files of a warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dagster_playbook.check.edits import Rewrite, apply_fixes, read_raw
from dagster_playbook.check.fixes import offered
from dagster_playbook.findings import Finding
from dagster_playbook.scaffold.layout import Layout
from dagster_playbook.scaffold.lint import assets, seed_words, seeds, staging
from dagster_playbook.scaffold.lint.project import Warehouse, read_warehouse
from dagster_playbook.scaffold.lint.rule import Rule

#: every rule by its code
RULES: dict[str, Rule] = {rule.code: rule for rule in (*assets.RULES, *seeds.RULES, *seed_words.RULES, *staging.RULES)}


@dataclass(frozen=True, slots=True)
class LintResult:
    """Findings in reading order, and the files that were looked at."""

    findings: tuple[Finding, ...]
    files: tuple[str, ...]


def lint_warehouse(layout: Layout, *, now: datetime) -> LintResult:
    """Hold a warehouse to every rule, and try the fixes of what was found.

    Args:
        now: aware; seeds' dates are judged against it.

    Raises:
        ScaffoldError: there is no warehouse.
    """
    house = read_warehouse(layout, now)
    found = findings_of(house)
    if any(finding.fix for finding in found):
        found = offered(found, WarehouseTrial(layout, now))
    return LintResult(tuple(sorted(found, key=Finding.sort_key)), tuple(house.files))


def findings_of(house: Warehouse) -> list[Finding]:
    """What every rule has against a warehouse, with the fixes as the rules propose them."""
    return [finding for rule in RULES.values() for finding in rule.findings(house)]


def date_rewrites(layout: Layout, *, now: datetime) -> list[Rewrite]:
    """The seeds whose dates are too old or too far ahead, with their dates moved to now."""
    rewrites = []
    for fix in seeds.moved_dates(read_warehouse(layout, now)):
        before = read_raw(layout.root, fix.location.path) or ""
        after, count = apply_fixes(before, [fix], counts_bom=True)
        rewrites.append(Rewrite(fix.location.path, before, after, count))
    return rewrites


@dataclass(frozen=True, slots=True)
class WarehouseTrial:
    """Implements `check.fixes.Trial` for the files of a warehouse."""

    layout: Layout
    now: datetime

    def text(self, path: str) -> str | None:
        """See `Trial`."""
        return read_raw(self.layout.root, path)

    def counts_bom(self, path: str) -> bool:
        """All files of a warehouse are read with their mark."""
        return bool(path)

    def judge(self, changed: Mapping[str, str]) -> list[Finding]:
        """See `Trial`."""
        return findings_of(read_warehouse(self.layout, self.now, changed))
