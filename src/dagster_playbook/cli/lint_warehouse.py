"""`playbook lint-warehouse`: the rules for assets, seeds and staging models on the real files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dagster_playbook.findings import Finding, Severity
from dagster_playbook.report import FORMATS, Report, RuleText, render

if TYPE_CHECKING:
    from datetime import datetime

    from dagster_playbook.scaffold.layout import Layout
    from dagster_playbook.scaffold.lint import LintResult

#: what a report counts on pages; the files of a warehouse have none of it
_NO_CLAIMS = {"files": 0, "fences": 0, "spans": 0, "checked": 0, "exempt": 0}


@click.command(epilog="Exit codes: 0 no errors (warnings may stand), 1 errors found, 2 could not look.")
@click.option("--project", "folder", default=".", type=click.Path(path_type=Path), help="The project's folder.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="Who reads it.")
@click.option("--fix", is_flag=True, help="Write the fixes, then report what is left.")
@click.option("--refresh-dates", is_flag=True, help="Move the dates of seeds that are out of date to now.")
@click.option("--list", "is_list", is_flag=True, help="List the rules and look at nothing.")
def command(folder: Path, form: str, fix: bool, refresh_dates: bool, is_list: bool) -> None:
    """Hold source assets, seeds and staging models to the rules of .cursor/rules/*.mdc.

    \b
    playbook lint-warehouse
    playbook lint-warehouse --format sarif > warehouse.sarif
    playbook lint-warehouse --list
    """
    from datetime import UTC, datetime

    from dagster_playbook.check.edits import write_rewrite
    from dagster_playbook.scaffold.layout import layout_of
    from dagster_playbook.scaffold.lint import RULES, date_rewrites
    from dagster_playbook.scaffold.lint.reference import page_of
    from dagster_playbook.settings import find_root, load_settings

    if is_list:
        for rule in RULES.values():
            click.echo(f"{rule.code} {rule.name:<26} {rule.summary}")
        return
    layout = layout_of(load_settings(find_root(folder)))
    now = datetime.now(UTC)
    if refresh_dates:
        for rewrite in date_rewrites(layout, now=now):
            write_rewrite(layout.root, rewrite)
    result = _linted(layout, now, is_fixing=fix)
    report = Report(
        summary={**_NO_CLAIMS, "files": len(result.files), "findings": len(result.findings)},
        findings=result.findings,
        pages=result.files,
        rules={code: RuleText(rule.name, rule.summary, page_of(code)) for code, rule in RULES.items()},
    )
    click.echo(_text(report) if form == "text" else render(report, form))
    if any(finding.severity is Severity.ERROR for finding in result.findings):
        sys.exit(1)


def _linted(layout: Layout, now: datetime, *, is_fixing: bool) -> LintResult:
    from dagster_playbook.check.edits import rewrites_of_findings
    from dagster_playbook.check.fixes import fix_until_stable
    from dagster_playbook.scaffold.lint import lint_warehouse

    def look() -> LintResult:
        return lint_warehouse(layout, now=now)

    if not is_fixing:
        return look()
    root = layout.root
    return fix_until_stable(root, look, lambda seen: rewrites_of_findings(root, seen.findings), lambda: None)[0]


def _text(report: Report) -> str:
    lines = []
    for finding in report.findings:
        lines.append(f"{finding.location}: {finding.rule} {finding.name}: {finding.message}")
        lines.append(f"    {finding.evidence}" + _fix_told(finding))
    lines.append(f"{report.summary['files']} files, {len(report.findings)} findings")
    return "\n".join(lines)


def _fix_told(finding: Finding) -> str:
    if finding.fix is None:
        return ""
    is_short = "\n" not in finding.fix.replacement
    return f"; write: {finding.fix.replacement}" if is_short else "; --fix writes it"
