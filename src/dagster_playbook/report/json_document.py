"""The report as one JSON document; its shape is a contract, told on the site's reference page."""

from __future__ import annotations

import json
from dataclasses import asdict

from dagster_playbook.report import Report


def render(report: Report) -> str:
    """`{"summary": ..., "findings": [...], "doubts": [...], "platform": {"versions": ..., "fingerprint": ...}}`."""
    document = {
        "summary": report.summary,
        "findings": [finding.as_dict() for finding in report.findings],
        "doubts": [asdict(doubts) for doubts in report.doubts],
        "platform": {"versions": report.versions, "fingerprint": report.fingerprint},
    }
    return json.dumps(document, indent=2, ensure_ascii=False)
