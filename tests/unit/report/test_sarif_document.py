from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from dagster_playbook.findings import Finding, Fix, Severity
from dagster_playbook.location import Location
from dagster_playbook.report import Report, RuleText
from dagster_playbook.report.sarif import fingerprints, render

COUNTS = dict.fromkeys(("files", "fences", "spans", "checked", "exempt", "findings"), 1)
RULES = {
    "DG104": RuleText("unknown-job", "A job that is not.", "# DG104\n\nWhy."),
    "PB009": RuleText("dead-link", "No."),
}


@pytest.fixture(scope="module")
def schema() -> Draft4Validator:
    text = (Path(__file__).parents[2] / "data" / "sarif" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8")
    return Draft4Validator(json.loads(text))


def finding(line: int = 2, subject: str = "jobx", path: str = "docs/a b.md") -> Finding:
    place = Location(path, line, 5, line, 9)
    return Finding(
        place, "DG104", "unknown-job", "no such job", subject, evidence="Dagster", fix=Fix(place, "jobx", "joby")
    )


def report(*findings: Finding, lines: list[str] | None = None) -> Report:
    sources = {f.location.path: lines or ["", "run jobx"] for f in findings}
    return Report(COUNTS, findings, ("docs/a b.md",), "abc", {"dagster": "1"}, "sub/", sources, RULES)


@pytest.mark.parametrize(
    "findings",
    [(), (finding(),), (replace(finding(), fix=None, severity=Severity.WARNING), finding(9, path="x.md"))],
)
def test_valid(schema: Draft4Validator, findings: tuple[Finding, ...]) -> None:
    """A report with no, one or several findings is valid against the official schema."""
    document = json.loads(render(report(*findings)))
    assert list(schema.iter_errors(document)) == []


def test_result_names_its_rule() -> None:
    """A result's rule index leads to the rule's metadata, which has help."""
    run = json.loads(render(report(finding())))["runs"][0]
    rule: dict[str, Any] = run["tool"]["driver"]["rules"][run["results"][0]["ruleIndex"]]
    assert rule["id"] == "DG104" and "Why." in rule["help"]["markdown"]


def test_path_is_a_uri_from_the_repository() -> None:
    """The artifact is a URI reference from the repository's root, with blanks escaped."""
    result = json.loads(render(report(finding())))["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "sub/docs/a%20b.md"


def test_fix_replaces_its_region() -> None:
    """A fix tells the region that goes and the text that comes."""
    result = json.loads(render(report(finding())))["runs"][0]["results"][0]
    replacement = result["fixes"][0]["artifactChanges"][0]["replacements"][0]
    assert replacement["insertedContent"]["text"] == "joby" and replacement["deletedRegion"]["startColumn"] == 5


def test_fingerprint_outlives_moved_lines() -> None:
    """Lines added above, and another indent, leave a finding's fingerprint as it was."""
    before = fingerprints(report(finding(2), lines=["", "run jobx"]))
    after = fingerprints(report(finding(4), lines=["", "new", "new", "  run   jobx"]))
    assert before == after


def test_fingerprints_differ() -> None:
    """Two equal findings on equal lines, another subject and another line have fingerprints of their own."""
    same = report(finding(1), finding(2), finding(3, "jobz"), finding(4), lines=["jobx", "jobx", "jobx", "other jobx"])
    assert len(set(fingerprints(same))) == 4
