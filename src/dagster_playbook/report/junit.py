"""JUnit XML, the format of test dashboards: a test case for each clean page and for each finding."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import groupby

from dagster_playbook.findings import Finding, Severity
from dagster_playbook.report import Report
from dagster_playbook.report.plain_text import one_line

#: what XML 1.0 cannot carry, not even escaped
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> str:
    """A suite a page; warnings pass and stand in the case's output."""
    by_page = {path: list(found) for path, found in groupby(report.findings, key=lambda f: f.location.path)}
    suites = ET.Element("testsuites", name="playbook check")
    for path in dict.fromkeys([*report.pages, *by_page]):
        suites.append(_suite(path, by_page.get(path, [])))
    for name in ("tests", "failures"):
        suites.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    suites.set("errors", "0")
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(suites, encoding="unicode")}'


def _suite(path: str, findings: list[Finding]) -> ET.Element:
    failures = sum(finding.severity is Severity.ERROR for finding in findings)
    counts = {"tests": str(len(findings) or 1), "failures": str(failures), "errors": "0", "skipped": "0"}
    suite = ET.Element("testsuite", {"name": _text(path), **counts})
    if not findings:
        ET.SubElement(suite, "testcase", classname=_text(path), name="page is clean")
    for finding in findings:
        suite.append(_case(path, finding))
    return suite


def _case(path: str, finding: Finding) -> ET.Element:
    place = finding.location
    name = f"{finding.rule} {finding.name} at {place.line}:{place.column}"
    case = ET.Element("testcase", classname=_text(path), name=name)
    told = one_line(finding) + (f"\nevidence: {finding.evidence}" if finding.evidence else "")
    if finding.severity is Severity.ERROR:
        failure = ET.SubElement(case, "failure", message=_text(finding.message), type=finding.rule)
        failure.text = _text(told)
    else:
        ET.SubElement(case, "system-out").text = _text(told)
    return case


def _text(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
