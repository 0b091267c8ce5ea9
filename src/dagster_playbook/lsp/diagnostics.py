"""Findings as an editor shows them, and fixes as it offers them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lsprotocol import types

from dagster_playbook.findings import Finding, Fix, Severity
from dagster_playbook.lsp.positions import Lines
from dagster_playbook.rules.extraction import UNUSED

SOURCE = "playbook"
#: the kind of the action that applies every fix of a page; editors run it on save when asked to
FIX_ALL = f"{types.CodeActionKind.SourceFixAll.value}.{SOURCE}"

UriOf = Callable[[str], str]
LinesOf = Callable[[str], Lines]


def diagnostic_of(finding: Finding, lines: Lines) -> types.Diagnostic:
    """A finding; its evidence stands on a second line."""
    evidence = f"\nevidence: {finding.evidence}" if finding.evidence else ""
    unused = [types.DiagnosticTag.Unnecessary] if finding.rule == UNUSED.code else None
    return types.Diagnostic(
        range=lines.range_of(finding.location),
        message=f"{finding.message}{evidence}",
        severity=types.DiagnosticSeverity.Error
        if finding.severity is Severity.ERROR
        else types.DiagnosticSeverity.Warning,
        code=finding.rule,
        source=SOURCE,
        tags=unused,
    )


def quick_fixes(
    findings: Iterable[Finding], asked: types.Range, uri_of: UriOf, lines_of: LinesOf
) -> list[types.CodeAction]:
    """The fix of each finding that touches the asked range, as far as the page still says what it was made for."""
    actions = []
    for finding in findings:
        lines = lines_of(finding.location.path)
        if finding.fix is None or not _still_there(finding.fix, lines_of):
            continue
        diagnostic = diagnostic_of(finding, lines)
        if _touch(diagnostic.range, asked):
            actions.append(
                types.CodeAction(
                    title=_title(finding.fix, finding),
                    kind=types.CodeActionKind.QuickFix,
                    diagnostics=[diagnostic],
                    is_preferred=True,
                    edit=_edit([finding.fix], uri_of, lines_of),
                )
            )
    return actions


def fix_all(findings: Iterable[Finding], uri_of: UriOf, lines_of: LinesOf) -> types.CodeAction | None:
    """One action for every fix that does not overlap an earlier one; None when there is none."""
    chosen: list[Fix] = []
    there = {f.fix for f in findings if f.fix and _still_there(f.fix, lines_of)}
    for fix in sorted(there, key=lambda fix: fix.location):
        last, place = chosen[-1].location if chosen else None, fix.location
        is_behind = last is None or (last.end_line, last.end_column) <= (place.line, place.column)
        if last is None or last.path != place.path or is_behind:
            chosen.append(fix)
    if not chosen:
        return None
    return types.CodeAction(title=f"Apply {len(chosen)} fixes", kind=FIX_ALL, edit=_edit(chosen, uri_of, lines_of))


def _title(fix: Fix, finding: Finding) -> str:
    return f"Write {fix.replacement!r} ({finding.rule})"


def _still_there(fix: Fix, lines_of: LinesOf) -> bool:
    """Whether the editor's text is still what the fix was made for: it may have been edited since."""
    place, line = fix.location, lines_of(fix.location.path).text(fix.location.line)
    return place.end_line == place.line and line[place.column - 1 : place.end_column - 1] == fix.was


def _edit(fixes: Iterable[Fix], uri_of: UriOf, lines_of: LinesOf) -> types.WorkspaceEdit:
    changes: dict[str, list[types.TextEdit]] = {}
    for fix in fixes:
        place = fix.location
        lines = lines_of(place.path)
        where = types.Range(
            lines.to_editor(place.line, place.column), lines.to_editor(place.end_line, place.end_column)
        )
        changes.setdefault(uri_of(place.path), []).append(types.TextEdit(where, fix.replacement))
    return types.WorkspaceEdit(changes=changes)


def _touch(one: types.Range, other: types.Range) -> bool:
    return one.start <= other.end and other.start <= one.end
