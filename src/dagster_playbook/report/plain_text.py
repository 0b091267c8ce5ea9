"""Findings for a person: one line that an editor can jump to, then what the authority says, then the counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import click

from dagster_playbook.findings import Finding, Severity
from dagster_playbook.report import Report

_SHOWN_WIDTH = 160


@dataclass(frozen=True, slots=True)
class Style:
    """How much a text report may show: `colour` as ANSI codes, `source` lines with a caret, the `counts` line."""

    colour: bool = False
    source: bool = False
    counts: bool = True

    def paint(self, text: str, colour: str = "", *, bold: bool = False, dim: bool = False) -> str:
        """The text in a colour, or as it is."""
        if not self.colour or not text:
            return text
        return click.style(text, fg=colour or None, bold=bold or None, dim=dim or None)


def render(report: Report, style: Style | None = None) -> str:
    """The report as lines; pages are set apart by an empty line."""
    style = style or Style()
    blocks: list[str] = []
    previous = ""
    for finding in report.findings:
        if blocks and finding.location.path != previous:
            blocks.append("")
        previous = finding.location.path
        blocks += _block(finding, report, style)
    if style.counts:
        blocks += ([""] if blocks else []) + [counts_line(report, style), *_doubts(report, style)]
    return "\n".join(blocks)


def counts_line(report: Report, style: Style | None = None) -> str:
    """`N files, N fences, N spans: N checked, N exempt, N findings`."""
    style = style or Style()
    told = report.summary
    findings = f"{told['findings']} findings"
    colour = "red" if report.has_errors else "yellow" if report.findings else "green"
    unjudged = f"{told['unjudged']} not judged, " if told.get("unjudged") else ""
    return (
        f"{told['files']} files, {told['fences']} fences, {told['spans']} spans: "
        f"{told['checked']} checked, {told['exempt']} exempt, {unjudged}{style.paint(findings, colour, bold=True)}"
    )


def _doubts(report: Report, style: Style) -> Iterator[str]:
    """One line on what is doubted; by their causes when the findings above list them."""
    total = sum(doubts.count for doubts in report.doubts)
    if not total:
        return
    if any(finding.cause for finding in report.findings):
        for doubts in report.doubts:
            yield f"{doubts.count} {doubts.told}"
            yield f"    {style.paint('settled by:', dim=True)} {doubts.cure}"
        return
    causes = ", ".join(f"{doubts.count} {doubts.told}" for doubts in report.doubts)
    are = "doubts are" if total > 1 else "doubt is"
    yield f"{total} {are} not listed ({causes}); `playbook check --doubts` lists them with what settles them"


def one_line(finding: Finding) -> str:
    """`path:line:column: CODE name: message`; warnings say so."""
    weight = "warning: " if finding.severity is Severity.WARNING else ""
    return f"{finding.location}: {finding.rule} {finding.name}: {weight}{flat(finding.message)}"


def _block(finding: Finding, report: Report, style: Style) -> Iterator[str]:
    is_warning = finding.severity is Severity.WARNING
    colour = "yellow" if is_warning else "red"
    weight = style.paint("warning: ", "yellow") if is_warning else ""
    place = style.paint(f"{finding.location}:", bold=True)
    rule = f"{style.paint(finding.rule, colour, bold=True)} {style.paint(finding.name, 'cyan')}"
    yield f"{place} {rule}: {weight}{flat(finding.message)}"
    if style.source:
        yield from _quote(finding, report, style, colour)
    if finding.evidence:
        yield f"    {style.paint('evidence:', dim=True)} {flat(finding.evidence)}"
    if finding.fix is not None:
        what = repr(finding.fix.replacement)
        yield f"    {style.paint('fix:', dim=True)} {what} in its place; `playbook check --fix` writes it"


def _quote(finding: Finding, report: Report, style: Style, colour: str) -> Iterator[str]:
    """The source line with a caret below what is meant; long lines are cut around it."""
    place = finding.location
    text = flat(report.line_at(place.path, place.line), keep=True)
    if not text.strip():
        return
    last = place.end_column - 1 if place.end_line == place.line else len(text)
    start = min(place.column - 1, len(text))
    width = max(min(last, len(text)) - start, 1)
    cut = max(start - _SHOWN_WIDTH // 2, 0) if start + width > _SHOWN_WIDTH else 0
    shown = text[cut : cut + _SHOWN_WIDTH]
    gutter = f"{place.line:>6} | "
    yield f"{style.paint(gutter, 'blue')}{shown}"
    caret = "^" * min(width, max(len(shown) - (start - cut), 1))
    yield f"{style.paint(' ' * 6 + ' | ', 'blue')}{' ' * (start - cut)}{style.paint(caret, colour, bold=True)}"


def flat(text: str, *, keep: bool = False) -> str:
    """One line without control characters: what stands on a page or in a table must not steer a terminal."""
    joined = text if keep else " ".join(text.split())
    return "".join(character if character.isprintable() else " " for character in joined)
