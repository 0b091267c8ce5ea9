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
    """The one right text for a place: `replacement` stands at `location` where `was` stood, and nowhere else.

    Line ends in both are newlines, whatever the file has.

    Raises:
        ValueError: nothing is left of what stands there; taking words away is for people.
    """

    location: Location
    was: str
    replacement: str

    def __post_init__(self) -> None:
        if not self.replacement.strip():
            raise ValueError("a fix puts something in the place of what it changes, it never takes words away")

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        place = self.location
        return {
            "path": place.path,
            "line": place.line,
            "column": place.column,
            "end_line": place.end_line,
            "end_column": place.end_column,
            "was": self.was,
            "replacement": self.replacement,
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: where, by which rule, about what, and which authority says so.

    `cause` is set for a doubt that is told in a count with others of its cause, and not by itself.

    Raises:
        ValueError: a warning that carries a fix; what may be right as it stands is nothing to write over.
    """

    location: Location
    rule: str
    name: str
    message: str
    subject: str = ""
    severity: Severity = Severity.ERROR
    evidence: str = ""
    fix: Fix | None = None
    cause: str = ""

    def __post_init__(self) -> None:
        if self.fix is not None and self.severity is not Severity.ERROR:
            raise ValueError(f"{self.rule}: a doubt carries no fix")

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
            "cause": self.cause,
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
