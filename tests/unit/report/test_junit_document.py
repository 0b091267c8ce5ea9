from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from dagster_playbook.findings import Finding, Severity
from dagster_playbook.location import Location
from dagster_playbook.report import Report
from dagster_playbook.report.junit import render


def finding(path: str, message: str = "m", severity: Severity = Severity.ERROR) -> Finding:
    return Finding(Location(path, 2, 3), "DG104", "unknown-job", message, severity=severity)


def test_clean_page_is_a_passing_case() -> None:
    """A page without findings is one test case without a failure."""
    suites = ET.fromstring(render(Report({}, (), ("docs/a.md",))))
    assert [case.get("classname") for case in suites.iter("testcase")] == ["docs/a.md"]
    assert suites.find(".//failure") is None


def test_counts_add_up() -> None:
    """Tests and failures of the whole are those of its suites, and a suite's those of its cases."""
    found = (finding("a.md"), finding("a.md", severity=Severity.WARNING), finding("b.md"))
    suites = ET.fromstring(render(Report({}, found, ("a.md", "b.md", "c.md"))))
    by_suite = [(s.get("tests"), s.get("failures"), str(len(s))) for s in suites]
    assert by_suite == [("2", "1", "2"), ("1", "1", "1"), ("1", "0", "1")]
    assert (suites.get("tests"), suites.get("failures")) == ("4", "2")


def test_warning_passes_with_output() -> None:
    """A warning does not fail its case; what it says stands in the case's output."""
    suites = ET.fromstring(render(Report({}, (finding("a.md", severity=Severity.WARNING),))))
    assert suites.find(".//failure") is None
    assert "unknown-job" in (suites.findtext(".//system-out") or "")


def test_navigation_has_a_suite() -> None:
    """A finding in a file that is no page, the navigation, is told as well."""
    suites = ET.fromstring(render(Report({}, (finding("mkdocs.yml"),), ("a.md",))))
    assert {suite.get("name") for suite in suites} == {"a.md", "mkdocs.yml"}


@given(st.text())
def test_any_text_is_xml(message: str) -> None:
    """Whatever a message holds, control characters too, the document is read by an XML parser."""
    suites = ET.fromstring(render(Report({}, (finding("a.md", message),))).encode("utf-8", "surrogatepass"))
    assert suites.find(".//failure") is not None
