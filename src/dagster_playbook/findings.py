"""What a check says: findings, their severity, and the fixes that a tool may apply."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from dagster_playbook.location import Location


class Severity(enum.StrEnum):
    """How much a finding weighs: an error fails the check, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Fix:
    """Replace the text at `location` by `replacement`; `safe` fixes are the ones that `--fix` applies."""

    location: Location
    replacement: str
    safe: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        place = self.location
        return {
            "path": place.path,
            "line": place.line,
            "column": place.column,
            "end_line": place.end_line,
            "end_column": place.end_column,
            "replacement": self.replacement,
            "safe": self.safe,
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: where, by which rule, about what, and which authority says so."""

    location: Location
    rule: str
    name: str
    message: str
    subject: str = ""
    severity: Severity = Severity.ERROR
    evidence: str = ""
    fix: Fix | None = None

    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Findings are told in reading order."""
        return (self.location.path, self.location.line, self.location.column, self.rule, self.message)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON, in the order that the documentation gives."""
        place = self.location
        return {
            "path": place.path,
            "line": place.line,
            "column": place.column,
            "end_line": place.end_line,
            "end_column": place.end_column,
            "rule": self.rule,
            "name": self.name,
            "severity": str(self.severity),
            "message": self.message,
            "subject": self.subject,
            "evidence": self.evidence,
            "fix": self.fix.as_dict() if self.fix else None,
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its code (never reused), kebab name and what it holds; its page has why and examples."""

    code: str
    name: str
    summary: str
    severity: Severity = Severity.ERROR

    def finding(
        self,
        location: Location,
        message: str,
        *,
        subject: str = "",
        evidence: str = "",
        fix: Fix | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """A finding of this rule."""
        return Finding(location, self.code, self.name, message, subject, severity or self.severity, evidence, fix)


def by_code(*rules: Rule) -> dict[str, Rule]:
    """Rules by code, in the order of the codes; the names are unique as well, for a suppression may use them.

    Raises:
        ValueError: two rules share a code or a name, of which one would be lost in silence.
    """
    table: dict[str, Rule] = {}
    names: dict[str, str] = {}
    for rule in sorted(rules, key=lambda rule: rule.code):
        if rule.code in table:
            raise ValueError(f"{rule.code} is used twice: by {table[rule.code].name!r} and by {rule.name!r}")
        if rule.name in names:
            raise ValueError(f"the name {rule.name!r} is used twice: by {names[rule.name]} and by {rule.code}")
        table[rule.code], names[rule.name] = rule, rule.code
    return table
