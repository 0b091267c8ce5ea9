"""What a warehouse rule is: a code, a kebab name, the rules file that tells it to people, and one generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dagster_playbook.findings import Finding, Fix, Severity
from dagster_playbook.location import Location
from dagster_playbook.scaffold.lint.project import Warehouse

ASSET_RULES = ".cursor/rules/add-dagster-asset.mdc"
SEED_RULES = ".cursor/rules/create-seed-and-staging-models.mdc"


@dataclass(frozen=True, slots=True)
class Problem:
    """What a rule has against the files; `evidence` says what it was held to, `fix` what to write instead."""

    location: Location
    message: str
    subject: str = ""
    evidence: str = ""
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `told_in` is the rules file that has a line for it, `is_fixable` whether `--fix` can cure it."""

    code: str
    name: str
    summary: str
    told_in: str
    check: Callable[[Warehouse], Iterator[Problem]]
    severity: Severity = Severity.ERROR
    is_fixable: bool = False

    def findings(self, house: Warehouse) -> Iterator[Finding]:
        """Each problem as a finding of this rule."""
        for problem in self.check(house):
            yield Finding(
                problem.location,
                self.code,
                self.name,
                problem.message,
                problem.subject,
                self.severity,
                problem.evidence or f"{self.told_in} ({self.code})",
                problem.fix,
            )
