"""SARIF 2.1.0, the static-analysis format of code hosts: results with fingerprints that outlive moved lines."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any
from urllib.parse import quote

from dagster_playbook import __version__
from dagster_playbook.findings import Finding, Fix
from dagster_playbook.location import Location
from dagster_playbook.report import Report, RuleText

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#: the name under which a result's fingerprint is told; a new way to make it needs a new number
FINGERPRINT = "playbookFinding/v1"


def render(report: Report) -> str:
    """One run with every rule, the findings as results, and the platform's versions as properties."""
    index = {code: position for position, code in enumerate(report.rules)}
    prints = fingerprints(report)
    run = {
        "tool": {"driver": _driver(report.rules)},
        "automationDetails": {"id": "playbook-check/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True}],
        "results": [
            _result(finding, mark, index, report.prefix) for finding, mark in zip(report.findings, prints, strict=True)
        ],
        "properties": {"platform": {"fingerprint": report.fingerprint, "versions": report.versions}},
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def fingerprints(report: Report) -> list[str]:
    """One hex digest a finding, of what is wrong and the words it stands in, never of where in the file that is.

    Equal findings on equal lines of a file are told apart by their order.
    """
    seen: Counter[str] = Counter()
    marks = []
    for finding in report.findings:
        place = finding.location
        words = " ".join(report.line_at(place.path, place.line).split())
        same = "\0".join((finding.rule, place.path, finding.subject, words))
        seen[same] += 1
        marks.append(hashlib.sha256(f"{same}\0{seen[same]}".encode("utf-8", "surrogatepass")).hexdigest()[:32])
    return marks


def _driver(rules: dict[str, RuleText]) -> dict[str, Any]:
    return {
        "name": "playbook",
        "fullName": "Dagster Playbook",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(code, rule) for code, rule in rules.items()],
    }


def _rule(code: str, rule: RuleText) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["documentation", rule.name]},
    }
    if rule.help:
        told["help"] = {"text": rule.help, "markdown": rule.help}
    return told


def _result(finding: Finding, mark: str, index: dict[str, int], prefix: str) -> dict[str, Any]:
    message = f"{finding.message} (evidence: {finding.evidence})" if finding.evidence else finding.message
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": str(finding.severity),
        "message": {"text": message},
        "locations": [{"physicalLocation": _physical(finding.location, prefix)}],
        "partialFingerprints": {FINGERPRINT: mark},
    }
    if finding.rule in index:
        result["ruleIndex"] = index[finding.rule]
    if finding.fix is not None:
        result["fixes"] = [_fix(finding.fix, prefix)]
    return result


def _fix(fix: Fix, prefix: str) -> dict[str, Any]:
    replacement = {"deletedRegion": _region(fix.location), "insertedContent": {"text": fix.replacement}}
    what = f"Write {fix.replacement!r} instead" if fix.replacement else "Remove it"
    change = {"artifactLocation": _artifact(fix.location, prefix), "replacements": [replacement]}
    return {"description": {"text": what}, "artifactChanges": [change]}


def _physical(place: Location, prefix: str) -> dict[str, Any]:
    return {"artifactLocation": _artifact(place, prefix), "region": _region(place)}


def _artifact(place: Location, prefix: str) -> dict[str, Any]:
    """A URI reference relative to the repository, which is what code hosts resolve it against."""
    return {"uri": quote(f"{prefix}{place.path}".encode("utf-8", "surrogateescape"))}


def _region(place: Location) -> dict[str, int]:
    """SARIF's region is ours: 1-based, in code points, the end column exclusive."""
    return {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }
