"""Where a name of the platform is defined, and what a page is made of: its headings, blocks and bound facts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from lsprotocol import types

from dagster_playbook.location import Location
from dagster_playbook.lsp.positions import Lines
from dagster_playbook.markdown.model import Fence, Page
from dagster_playbook.rules.world import World
from dagster_playbook.settings import Settings

#: a module that is larger is generated, and nobody goes there
_MOST_BYTES = 1_000_000


def definition(word: str, world: World, settings: Settings) -> Location | None:
    """The place of a model, a job, an op, a catalog, a reference or a fact; None for what has none."""
    model = world.model(word) or world.model(f"{world.conventions.schema}.{word}")
    if model is not None:
        return _place(model.path, model.line)
    facts = world.facts
    if word in facts.jobs or word in facts.ops:
        return next(_in_sources(word, settings), None)
    if word in facts.catalogs:
        return _place(facts.catalogs[word].path)
    if word in facts.refs and settings.references:
        return _place(settings.references)
    return origin(facts.origins.get(word, ""), settings)


def origin(path: str, settings: Settings) -> Location | None:
    """The file that a fact comes from; None when it comes from an installed distribution, or from what was loaded."""
    return _place(path) if path and (settings.root / path).is_file() else None


def _place(path: str, line: int = 1) -> Location:
    return Location(path, max(line, 1), 1, max(line, 1), 1)


def _in_sources(name: str, settings: Settings) -> Iterator[Location]:
    """Where the sources of a code location give something this name: a function, or a literal in a call."""
    for location in settings.dagster:
        folder = settings.root / location.working_directory
        package = folder / location.module.partition(".")[0]
        for file in sorted(package.rglob("*.py")) if package.is_dir() else [package.with_suffix(".py")]:
            line = _line_of(name, file)
            if line:
                yield _place(file.relative_to(settings.root).as_posix(), line)


def _line_of(name: str, file: Path) -> int:
    try:
        text = file.read_text(encoding="utf-8")
        if name not in text or len(text) > _MOST_BYTES:
            return 0
        tree = ast.parse(text)
    except (OSError, ValueError, SyntaxError, RecursionError):
        return 0
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return node.lineno
        if isinstance(node, ast.Call):
            given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "name")]
            if any(isinstance(item, ast.Constant) and item.value == name for item in given):
                return node.lineno
    return 0


def symbols(page: Page, lines: Lines, last_line: int) -> list[types.DocumentSymbol]:
    """The page's headings, each with the headings, named blocks and bound facts below it."""
    top: list[types.DocumentSymbol] = []
    open_: list[tuple[int, types.DocumentSymbol]] = []
    for level, symbol in _in_order(page, lines):
        while open_ and open_[-1][0] >= level:
            open_.pop()
        parent = open_[-1][1] if open_ else None
        (top if parent is None else _children(parent)).append(symbol)
        if level < _LEAF:
            open_.append((level, symbol))
    _extend(top, lines, last_line)
    return top


#: deeper than any heading
_LEAF = 99


def _in_order(page: Page, lines: Lines) -> Iterator[tuple[int, types.DocumentSymbol]]:
    found: list[tuple[Location, int, str, str, types.SymbolKind]] = [
        (one.location, one.level, one.text, "", types.SymbolKind.String) for one in page.headings
    ]
    found += [(one.location, _LEAF, *_block(one), types.SymbolKind.Function) for one in page.fences if _block(one)[0]]
    found += [(one.location, _LEAF, one.key, one.shown, types.SymbolKind.Constant) for one in page.bindings]
    own = [item for item in found if item[0].path == page.path]
    for place, level, name, detail, kind in sorted(own, key=lambda item: (item[0].line, item[0].column)):
        where = lines.range_of(place)
        yield level, types.DocumentSymbol(name or "(no text)", kind, where, where, detail=detail or None)


def _block(fence: Fence) -> tuple[str, str]:
    """The id of a block that has one, and what it does."""
    said = " ".join(f"{key}={value}" for key, value in fence.attributes.items() if key in _KINDS)
    return str(fence.attributes.get("id", "")), said or fence.language


_KINDS = ("job", "query", "nessie", "dagster", "ask", "approve")


def _children(symbol: types.DocumentSymbol) -> list[types.DocumentSymbol]:
    """The list of a symbol's children, to be added to."""
    if not isinstance(symbol.children, list):
        symbol.children = []
    return symbol.children


def _extend(siblings: list[types.DocumentSymbol], lines: Lines, last_line: int) -> None:
    """A heading reaches to the line before what follows it, so that an editor knows which one a cursor is in."""
    for number, symbol in enumerate(siblings):
        if symbol.kind is not types.SymbolKind.String:
            continue
        following = siblings[number + 1].range.start.line if number + 1 < len(siblings) else last_line
        end = max(symbol.range.end.line, following - 1)
        symbol.range = types.Range(symbol.range.start, lines.to_editor(end + 1, len(lines.text(end + 1)) + 1))
        if symbol.children:
            _extend(_children(symbol), lines, following)
