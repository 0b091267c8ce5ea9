"""Imports on a page, and attributes of what they import, that do not resolve in the installed packages.

Names are looked up in the sources first; a module is imported only when it is installed outside the project and its
source does not tell. So a page that shows the project's own code cannot make it run.
"""

from __future__ import annotations

import ast
import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from dagster_playbook.platform.authority import TextProblem

#: modules that do something visible when they are imported
_NEVER_IMPORTED = frozenset({"antigravity", "this", "idlelib", "turtledemo", "__main__"})


def unresolved_names(text: str, root: Path, folders: Sequence[Path]) -> Iterator[TextProblem]:
    """Problems at the place of each import or attribute access; a text that does not parse is one problem.

    `folders` are looked in as if they stood on sys.path; code below `root` is read and never imported.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        yield TextProblem(f"is no Python: {error}", getattr(error, "lineno", 1) or 1, getattr(error, "offset", 1) or 1)
        return
    names = _Names(root.resolve(), tuple(folder.resolve() for folder in folders))
    guarded = {id(node) for parent in ast.walk(tree) if _is_guard(parent) for node in ast.walk(parent)}
    bound: dict[str, str] = {}
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        if isinstance(node, ast.Import):
            yield from _imports(node, names, bound)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from _imports_from(node, names, bound)
    yield from _attributes(tree, names, bound)


def _is_guard(node: ast.AST) -> bool:
    """A try block that expects its import to fail, e.g. for an optional dependency."""
    if not isinstance(node, ast.Try):
        return False
    caught = {name.id for handler in node.handlers for name in ast.walk(handler) if isinstance(name, ast.Name)}
    return bool(caught & {"ImportError", "ModuleNotFoundError", "Exception"})


def _imports(node: ast.Import, names: _Names, bound: dict[str, str]) -> Iterator[TextProblem]:
    for alias in node.names:
        if names.exists(alias.name):
            bound[alias.asname or alias.name.partition(".")[0]] = (
                alias.name if alias.asname else alias.name.partition(".")[0]
            )
        else:
            message = f"there is no module {alias.name!r}"
            yield TextProblem(message, alias.lineno, alias.col_offset + 1, alias.name)


def _imports_from(node: ast.ImportFrom, names: _Names, bound: dict[str, str]) -> Iterator[TextProblem]:
    assert node.module is not None
    if not names.exists(node.module):
        yield TextProblem(f"there is no module {node.module!r}", node.lineno, node.col_offset + 1, node.module)
        return
    for alias in node.names:
        if alias.name == "*":
            continue
        if not names.has(node.module, alias.name):
            message = f"{node.module!r} has no name {alias.name!r}"
            yield TextProblem(message, alias.lineno, alias.col_offset + 1, alias.name)
        elif names.exists(f"{node.module}.{alias.name}"):
            bound[alias.asname or alias.name] = f"{node.module}.{alias.name}"


def _attributes(tree: ast.AST, names: _Names, bound: dict[str, str]) -> Iterator[TextProblem]:
    rebound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    rebound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    seen: set[tuple[int, int]] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
            continue
        module = _module_of(node.value, names, bound, rebound)
        if module is None or names.has(module, node.attr):
            continue
        place = (node.end_lineno or node.lineno, (node.end_col_offset or 0) - len(node.attr) + 1)
        if place not in seen:
            seen.add(place)
            yield TextProblem(f"{module!r} has no name {node.attr!r}", *place, subject=node.attr)


def _module_of(node: ast.expr, names: _Names, bound: dict[str, str], rebound: set[str]) -> str | None:
    if isinstance(node, ast.Name):
        return bound.get(node.id) if node.id not in rebound else None
    if isinstance(node, ast.Attribute) and (module := _module_of(node.value, names, bound, rebound)):
        inner = f"{module}.{node.attr}"
        return inner if names.exists(inner) else None
    return None


class _Names:
    """What modules there are and which names they have."""

    def __init__(self, root: Path, folders: tuple[Path, ...]) -> None:
        self._root = root
        self._folders = folders
        self.exists = cache(self._exists)
        self.has = cache(self._has)

    def _exists(self, module: str) -> bool:
        return module in sys.modules or self._source(module) is not None or self._spec(module) is not None

    def _has(self, module: str, name: str) -> bool:
        loaded = sys.modules.get(module)
        if loaded is not None and hasattr(loaded, name):
            return True
        source = self._source(module)
        told = _names_in(source) if source else None
        if (told is not None and name in told) or self._exists(f"{module}.{name}"):
            return True
        if self._is_own(module) or module.partition(".")[0] in _NEVER_IMPORTED:
            return told is None or "__getattr__" in told
        try:
            return hasattr(importlib.import_module(module), name)
        except Exception:
            # an installed module that does not import here, e.g. for want of a driver, says nothing about the page
            return True

    def _is_own(self, module: str) -> bool:
        source = self._source(module)
        return source is not None and source.is_relative_to(self._root) and "site-packages" not in source.parts

    def _source(self, module: str) -> Path | None:
        relative = Path(*module.split("."))
        for folder in self._folders:
            for candidate in (folder / relative / "__init__.py", folder / relative.with_suffix(".py")):
                if candidate.is_file():
                    return candidate
        spec = self._spec(module)
        origin = spec.origin if spec else None
        return Path(origin) if origin and origin.endswith(".py") else None

    def _spec(self, module: str) -> importlib.machinery.ModuleSpec | None:
        """Where an installed module is; below a package of the project nothing is looked up: it would be imported."""
        parent = module.rpartition(".")[0]
        if parent and self._is_own(parent):
            return None
        if module.partition(".")[0] in _NEVER_IMPORTED and parent:
            return None
        try:
            return importlib.util.find_spec(module)
        except Exception:
            return None


def _names_in(source: Path) -> frozenset[str] | None:
    """The names that a module's source binds; None when it cannot be told without running it."""
    try:
        tree = ast.parse(source.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    found: set[str] = {"__name__", "__file__", "__doc__", "__path__", "__all__"}
    for node in _top_level(tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            if any(alias.name == "*" for alias in node.names):
                return None
            found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        else:
            found |= {
                item.id for item in ast.walk(node) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
            }
            if any(isinstance(item, ast.Call) and getattr(item.func, "id", "") == "globals" for item in ast.walk(node)):
                return None
    return frozenset(found)


def _top_level(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for name in ("body", "orelse", "finalbody"):
            yield from _top_level(getattr(node, name, []))
        for handler in getattr(node, "handlers", []):
            yield from _top_level(handler.body)
