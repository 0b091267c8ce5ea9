"""Workflow commands that GitHub shows as annotations beside the changed lines of a pull request."""

from __future__ import annotations

from dagster_playbook.findings import Finding, Severity
from dagster_playbook.report import Report
from dagster_playbook.report.plain_text import counts_line


def render(report: Report) -> str:
    """One workflow command a finding, then the counts as a plain line of the log."""
    return "\n".join([*(_annotation(finding, report.prefix) for finding in report.findings), counts_line(report)])


def _annotation(finding: Finding, prefix: str) -> str:
    place = finding.location
    level = "warning" if finding.severity is Severity.WARNING else "error"
    properties = {"file": prefix + place.path, "line": place.line, "endLine": place.end_line, "col": place.column}
    if place.end_line == place.line and place.end_column > place.column:
        # GitHub counts the last column in and takes a column's end only for a finding on one line
        properties["endColumn"] = place.end_column - 1
    properties["title"] = f"{finding.rule} {finding.name}"
    told = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    message = f"{finding.message}\nevidence: {finding.evidence}" if finding.evidence else finding.message
    return f"::{level} {told}::{_data(message)}"


def _data(text: str) -> str:
    """A message as the runner reads it back: percent first, or the other escapes would be escaped again."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
