"""Imports on a page, and attributes of what they import, that do not resolve in the installed packages.

Names are looked up in the sources. Nothing is imported and no attribute is got, so a page cannot make anything run;
what the sources do not tell (compiled modules, names made on demand) is no finding.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

from dagster_playbook.facts.authority import TextProblem
from dagster_playbook.static_python.python_modules import Is, Modules, Named

#: what a name of the page is bound to: as the page calls it, and how to look up what that is
_Bound = dict[str, tuple[str, Callable[[], Named]]]


def unresolved_names(text: str, modules: Modules) -> Iterator[TextProblem]:
    """Problems at the place of each import or attribute access; a text that does not parse is one problem."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        yield TextProblem(f"is no Python: {error}", getattr(error, "lineno", 1) or 1, getattr(error, "offset", 1) or 1)
        return
    bound: _Bound = {}
    for node in _unguarded(tree):
        if isinstance(node, ast.Import):
            yield from _imports(node, modules, bound)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from _imports_from(node, modules, bound)
    yield from _attributes(tree, modules, bound)


def _unguarded(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node outside of the try blocks that expect an import to fail, the outer ones first."""
    waiting = deque([tree])
    while waiting:
        node = waiting.popleft()
        if not _is_guard(node):
            yield node
            waiting.extend(ast.iter_child_nodes(node))


def _is_guard(node: ast.AST) -> bool:
    """A try block that expects its import to fail, e.g. for an optional dependency."""
    if not isinstance(node, ast.Try):
        return False
    caught = {name.id for handler in node.handlers for name in ast.walk(handler) if isinstance(name, ast.Name)}
    return bool(caught & {"ImportError", "ModuleNotFoundError", "Exception"})


def _no_module(name: str, modules: Modules) -> str:
    if modules.in_namespace(name):
        return f"no installed distribution puts {name!r} into its namespace package"
    return f"there is no module {name!r}"


def _imports(node: ast.Import, modules: Modules, bound: _Bound) -> Iterator[TextProblem]:
    for alias in node.names:
        found = modules.module(alias.name)
        if found.kind is Is.ABSENT:
            yield TextProblem(_no_module(alias.name, modules), alias.lineno, alias.col_offset + 1, alias.name)
        elif alias.asname:
            bound[alias.asname] = (alias.name, partial(modules.module, alias.name))
        else:
            first = alias.name.partition(".")[0]
            bound[first] = (first, partial(modules.module, first))


def _imports_from(node: ast.ImportFrom, modules: Modules, bound: _Bound) -> Iterator[TextProblem]:
    assert node.module is not None
    home = modules.module(node.module)
    if home.kind is Is.ABSENT:
        yield TextProblem(_no_module(node.module, modules), node.lineno, node.col_offset + 1, node.module)
    for alias in node.names if home.kind is Is.MODULE else ():
        if alias.name == "*":
            continue
        if modules.lacks(home.module, alias.name):
            message = f"{node.module!r} has no name {alias.name!r}"
            yield TextProblem(message, alias.lineno, alias.col_offset + 1, alias.name)
        else:
            found = partial(modules.member, home.module, alias.name)
            bound[alias.asname or alias.name] = (f"{node.module}.{alias.name}", found)


def _attributes(tree: ast.AST, modules: Modules, bound: _Bound) -> Iterator[TextProblem]:
    rebound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    rebound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    seen: set[tuple[int, int]] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
            continue
        owner = _module_of(node.value, modules, bound, rebound)
        if owner is None or not modules.lacks(owner[1], node.attr):
            continue
        place = (node.end_lineno or node.lineno, (node.end_col_offset or 0) - len(node.attr) + 1)
        if place not in seen:
            seen.add(place)
            yield TextProblem(f"{owner[0]!r} has no name {node.attr!r}", *place, subject=node.attr)


def _module_of(node: ast.expr, modules: Modules, bound: _Bound, rebound: set[str]) -> tuple[str, str] | None:
    """The module that an expression is, as the page calls it and as its source is called."""
    if isinstance(node, ast.Name):
        if node.id in rebound or node.id not in bound:
            return None
        called, look_up = bound[node.id]
        named = look_up()
        return (called, named.module) if named.kind is Is.MODULE else None
    if isinstance(node, ast.Attribute) and (owner := _module_of(node.value, modules, bound, rebound)):
        inner = modules.member(owner[1], node.attr)
        return (f"{owner[0]}.{node.attr}", inner.module) if inner.kind is Is.MODULE else None
    return None
