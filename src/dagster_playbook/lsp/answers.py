"""Questions of an editor about one project, answered in the protocol's own values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lsprotocol import types
from pygls import uris
from pygls.workspace import PositionCodec

from dagster_playbook.findings import Finding
from dagster_playbook.location import Location
from dagster_playbook.lsp import hover, navigation
from dagster_playbook.lsp.completion import Proposal, proposals
from dagster_playbook.lsp.cursor import cursor_at, word_at
from dagster_playbook.lsp.diagnostics import FIX_ALL, diagnostic_of, fix_all, quick_fixes
from dagster_playbook.lsp.positions import Lines
from dagster_playbook.lsp.session import Session
from dagster_playbook.rules.reference import advice_of

_KINDS = {
    "model": types.CompletionItemKind.Class,
    "job": types.CompletionItemKind.Function,
    "op": types.CompletionItemKind.Method,
    "config key": types.CompletionItemKind.Property,
    "property": types.CompletionItemKind.Property,
    "column": types.CompletionItemKind.Field,
    "category": types.CompletionItemKind.EnumMember,
    "tag": types.CompletionItemKind.EnumMember,
    "value": types.CompletionItemKind.Value,
    "fact": types.CompletionItemKind.Constant,
    "command": types.CompletionItemKind.Module,
    "option": types.CompletionItemKind.Keyword,
}


@dataclass
class Answers:
    """Answers from a session; `codec` is the encoding that the editor counts columns in."""

    session: Session
    codec: PositionCodec

    def lines(self, path: str) -> Lines:
        """The lines of an open page or a file of the project."""
        text = self.session.texts.get(path)
        if text is None:
            try:
                text = (self.session.root / path).read_text(encoding="utf-8-sig")
            except (OSError, UnicodeDecodeError):
                text = ""
        return Lines(text, self.codec)

    def diagnostics(self, findings: Iterable[Finding], path: str, uri: str) -> dict[str, list[types.Diagnostic]]:
        """Diagnostics by URI; a page that includes a file has some at that file."""
        found: dict[str, list[types.Diagnostic]] = {}
        for finding in findings:
            place = finding.location.path
            target = uri if place == path else self._uri(place)
            found.setdefault(target, []).append(diagnostic_of(finding, self.lines(place)))
        return found

    def actions(
        self, findings: list[Finding], path: str, uri: str, params: types.CodeActionParams
    ) -> list[types.CodeAction]:
        """Quick fixes at the asked range, and the action that applies all safe ones, as far as they are asked for."""

        def uri_of(place: str) -> str:
            return uri if place == path else self._uri(place)

        only = [kind if isinstance(kind, str) else kind.value for kind in params.context.only or ()]
        actions: list[types.CodeAction] = []
        if not only or any(types.CodeActionKind.QuickFix.value.startswith(kind) for kind in only):
            actions += quick_fixes(findings, params.range, uri_of, self.lines)
        everything = fix_all(findings, uri_of, self.lines)
        if everything and (not only or any(FIX_ALL.startswith(kind) for kind in only)):
            actions.append(everything)
        return actions

    def hover(self, path: str, position: types.Position, findings: list[Finding]) -> types.Hover | None:
        """What the platform knows of the name under the cursor, and the rule of a finding there."""
        lines = self.lines(path)
        line, column = lines.from_editor(position)
        told = [self._bound(path, line, column)]
        word, start = word_at(lines.text(line), column)
        if word and not told[0]:
            told.append(hover.describe(word, self.session.world))
        told += [advice_of(f.rule) for f in findings if _covers(f.location, path, line, column)]
        text = "\n\n---\n\n".join(dict.fromkeys(part for part in told if part))
        if not text:
            return None
        place = Location(path, line, start, line, start + max(len(word), 1))
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text), lines.range_of(place))

    def definition(self, path: str, position: types.Position) -> types.Location | None:
        """Where the name under the cursor, or the fact that is bound there, is defined."""
        lines = self.lines(path)
        line, column = lines.from_editor(position)
        settings = self.session.settings
        keys = self._keys(path, line, column)
        if keys:
            found = navigation.origin(self.session.facts.origins.get(keys[0], ""), settings)
        else:
            word, _ = word_at(lines.text(line), column)
            found = navigation.definition(word, self.session.world, settings) if word else None
        return types.Location(self._uri(found.path), self.lines(found.path).range_of(found)) if found else None

    def symbols(self, path: str) -> list[types.DocumentSymbol]:
        """The page's headings, blocks and bound facts; needs no platform."""
        lines = self.lines(path)
        return navigation.symbols(self.session.page(path), lines, lines.count)

    def completions(self, path: str, position: types.Position) -> list[types.CompletionItem]:
        """The names that fit at the cursor; each replaces the name that is being written."""
        lines = self.lines(path)
        line, column = lines.from_editor(position)
        cursor = cursor_at(self.session.page(path), lines.text(line), line, column)
        start = lines.to_editor(line, column - len(cursor.token))
        where = types.Range(start, lines.to_editor(line, column))
        found = proposals(cursor, self.session.world)
        return [_item(proposal, where, number) for number, proposal in enumerate(found)]

    def _keys(self, path: str, line: int, column: int) -> list[str]:
        bindings = self.session.page(path).bindings
        return [item.key for item in bindings if _covers(item.location, path, line, column)]

    def _bound(self, path: str, line: int, column: int) -> str:
        keys = self._keys(path, line, column)
        return hover.fact_value(keys[0], self.session.facts) if keys else ""

    def _uri(self, path: str) -> str:
        return uris.from_fs_path(str(self.session.root / path)) or ""


def _covers(place: Location, path: str, line: int, column: int) -> bool:
    start, end = (place.line, place.column), (place.end_line, place.end_column)
    return place.path == path and start <= (line, column) <= end


def _item(proposal: Proposal, where: types.Range, number: int) -> types.CompletionItem:
    about = types.MarkupContent(types.MarkupKind.Markdown, proposal.documentation) if proposal.documentation else None
    return types.CompletionItem(
        label=proposal.label,
        kind=_KINDS.get(proposal.kind, types.CompletionItemKind.Text),
        detail=f"{proposal.kind}: {proposal.detail}" if proposal.detail else proposal.kind,
        documentation=about,
        sort_text=f"{number:05}",
        filter_text=proposal.label,
        text_edit=types.TextEdit(where, proposal.label),
    )
