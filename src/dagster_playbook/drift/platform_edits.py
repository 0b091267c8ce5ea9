"""What all platform mutations share: where pages mention a name, and edits of a name in the sources."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from weakref import WeakKeyDictionary

from dagster_playbook.drift.ground import Ground
from dagster_playbook.drift.model import Edit, Mutation, Place, Reload, Target
from dagster_playbook.drift.names import mentions
from dagster_playbook.location import lines_with_ends

_indexes: WeakKeyDictionary[Ground, dict[tuple[str, str], tuple[Place, ...]]] = WeakKeyDictionary()


def places_of(ground: Ground, kind: str, name: str) -> tuple[Place, ...]:
    """The places on the pages that name something, each line once."""
    if ground not in _indexes:
        index: dict[tuple[str, str], dict[Place, None]] = {}
        for mention in mentions(ground):
            index.setdefault((mention.kind, bare(mention.kind, mention.name)), {})[mention.stretch.place] = None
        _indexes[ground] = {key: tuple(places) for key, places in index.items()}
    return _indexes[ground].get((kind, bare(kind, name)), ())


def bare(kind: str, name: str) -> str:
    """The part of a name that is its own: a model's without catalog and schema and the marks of a selector."""
    return name.strip("+*^()").rpartition(".")[2] if kind == "model" else name


def platform_mutation(  # noqa: PLR0913 - the parts of a mutation, each by its name
    ground: Ground,
    kind: str,
    what: str,
    edits: Iterable[Edit],
    wrong: tuple[Place, ...],
    *,
    removed: tuple[str, ...] = (),
    renamed: tuple[tuple[str, str], ...] = (),
    changes: str = "",
) -> Mutation:
    """A mutation of sources; `changes` is a pattern of the facts that change with it, if pages are bound to them."""
    made = tuple(edits)
    first = made[0].path if made else [*removed, *(old for old, _ in renamed)][0]
    line = ground.source(first).count("\n", 0, made[0].start) + 1 if made else 1
    bound = [
        page.path
        for page in ground.pages.values()
        if changes and any(re.search(changes, item.key) for item in page.page.bindings)
    ]
    pages = tuple(dict.fromkeys([*ground.pages_of(wrong), *bound]))
    return Mutation(
        kind,
        Target.PLATFORM,
        first,
        line,
        what,
        made,
        wrong,
        pages,
        removed,
        renamed,
        Reload.PLATFORM,
    )


def word_edits(ground: Ground, paths: Iterable[str], word: str, new: str) -> Iterator[Edit]:
    """Each occurrence of a whole word in some sources."""
    pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
    for path in paths:
        yield from (Edit(path, *found.span(), new) for found in pattern.finditer(ground.source(path)))


def literal_edits(ground: Ground, paths: Iterable[str], text: str, new: str) -> Iterator[Edit]:
    """Each string literal that is exactly that text."""
    pattern = re.compile(rf"(?<=[\"']){re.escape(text)}(?=[\"'])")
    for path in paths:
        yield from (Edit(path, *found.span(), new) for found in pattern.finditer(ground.source(path)))


def location_sources(ground: Ground) -> list[str]:
    """The Python sources of the code locations."""
    folders = [f"{item.working_directory}/{item.module.partition('.')[0]}" for item in ground.settings.dagster]
    return [path for path in ground.files(*folders) if path.endswith(".py")]


def project_sources(ground: Ground) -> list[str]:
    """The sources of the SQLMesh projects."""
    return ground.files(*(item.path for item in ground.settings.sqlmesh))


def all_sources(ground: Ground) -> list[str]:
    """Both."""
    return sorted({*location_sources(ground), *project_sources(ground)})


def tree_of(ground: Ground, path: str) -> ast.Module:
    """The syntax tree of a Python source."""
    return ast.parse(ground.source(path))


def node_span(text: str, node: ast.expr | ast.stmt) -> tuple[int, int]:
    """The offsets of a node in its source, in code points (the tree counts bytes of UTF-8)."""
    lines = lines_with_ends(text)

    def offset(line: int, column: int) -> int:
        return sum(map(len, lines[: line - 1])) + len(lines[line - 1].encode()[:column].decode())

    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return offset(node.lineno, node.col_offset), offset(node.end_lineno, node.end_col_offset)


def whole_lines(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch widened to whole lines, and to the comma behind it."""
    begin = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", end)
    return begin, len(text) if stop < 0 else stop + 1
