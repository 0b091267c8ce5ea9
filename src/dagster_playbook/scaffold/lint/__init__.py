"""The rules files `.cursor/rules/*.mdc` as machine checks on the real files of a warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dagster_playbook.findings import Finding
from dagster_playbook.scaffold.layout import Layout
from dagster_playbook.scaffold.lint import assets, seed_words, seeds, staging
from dagster_playbook.scaffold.lint.project import read_warehouse
from dagster_playbook.scaffold.lint.rule import Rule

#: every rule by its code
RULES: dict[str, Rule] = {rule.code: rule for rule in (*assets.RULES, *seeds.RULES, *seed_words.RULES, *staging.RULES)}


@dataclass(frozen=True, slots=True)
class LintResult:
    """Findings in reading order, and the files that were looked at."""

    findings: tuple[Finding, ...]
    files: tuple[str, ...]


def lint_warehouse(layout: Layout, *, now: datetime) -> LintResult:
    """Hold a warehouse to every rule.

    Args:
        now: aware; seeds' dates are judged against it.

    Raises:
        ScaffoldError: there is no warehouse.
    """
    house = read_warehouse(layout, now)
    found = [finding for rule in RULES.values() for finding in rule.findings(house)]
    return LintResult(tuple(sorted(found, key=Finding.sort_key)), tuple(house.files))
