"""Where Python modules are, and what their sources say: found and read, never imported.

`importlib.util.find_spec` imports every package above the module that it is asked for, so packages are followed here
folder by folder, by the same path finder that Python itself uses.
"""

from __future__ import annotations

import ast
import importlib.machinery
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from dagster_playbook.static_python.python_getattr import served_names

#: what every module has
_ALWAYS = frozenset({"__name__", "__file__", "__doc__", "__path__", "__all__", "__dict__", "__spec__", "__loader__"})
#: calls that bind names which nobody can read off the source
_BINDING_CALLS = frozenset({"globals", "vars", "locals", "exec", "eval", "setattr"})
#: a longer source is not read: it says nothing
_LONGEST_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a module is.

    Attributes:
        source: its source, None for a compiled module and for a namespace package.
        folders: where its submodules are, None for a module that is no package.
        is_compiled: whether there is code that no source tells of.
    """

    source: Path | None = None
    folders: tuple[str, ...] | None = None
    is_compiled: bool = False


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What a module's source binds.

    Attributes:
        names: every name that is bound at its top level.
        imported: name -> the dotted path of what it is imported from.
        wildcards: modules that all names are imported from.
        served: names that its `__getattr__` gives; None when that cannot be told.
        is_open: whether it binds names in ways that cannot be read.
    """

    names: frozenset[str] = _ALWAYS
    imported: dict[str, str] = field(default_factory=dict)
    wildcards: tuple[str, ...] = ()
    served: frozenset[str] | None = frozenset()
    is_open: bool = False


OPEN = Skeleton(is_open=True)


class Sources:
    """The modules of this Python, of `folders` before all others."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(map(str, folders))
        self.place = cache(self._place)
        self.skeleton = cache(self._skeleton)

    def _place(self, module: str) -> Place | None:
        parent, _, _ = module.rpartition(".")
        if not parent:
            return self._top(module)
        above = self.place(parent)
        if above is None or above.folders is None:
            return None
        return _found(module, list(above.folders))

    def _top(self, module: str) -> Place | None:
        if module in sys.builtin_module_names:
            return Place(is_compiled=True)
        own = _found(module, list(self._folders))
        # a folder of that name without a source is no package as long as another path has one
        if own is not None and (own.source or own.is_compiled):
            return own
        return _found(module, None) or own

    def _skeleton(self, module: str) -> Skeleton:
        place = self.place(module)
        if place is None or place.is_compiled:
            return OPEN
        if place.source is None:
            return Skeleton()
        return _read(module, place.source)


def _found(module: str, path: list[str] | None) -> Place | None:
    # by its last name alone: with the whole one the finder looks for the package among what is imported
    try:
        spec = importlib.machinery.PathFinder.find_spec(module.rpartition(".")[2], path)
        if spec is None and path is None:
            spec = importlib.machinery.FrozenImporter.find_spec(module)
        for finder in sys.meta_path if spec is None and path is None else ():
            # what setuptools puts there for packages that are installed to be edited
            if getattr(finder, "__module__", "").startswith("__editable__"):
                spec = spec or finder.find_spec(module, None)
    except (ImportError, ValueError, OSError, AttributeError):
        return None
    if spec is None:
        return None
    folders = tuple(spec.submodule_search_locations) if spec.submodule_search_locations is not None else None
    origin = Path(spec.origin) if spec.has_location and spec.origin else None
    if origin is not None and origin.suffix == ".py":
        return Place(origin, folders)
    return Place(None, folders, is_compiled=folders is None or origin is not None)


def _read(module: str, source: Path) -> Skeleton:
    try:
        if source.stat().st_size > _LONGEST_BYTES:
            return OPEN
        tree = ast.parse(source.read_text(encoding="utf-8"))
    except Exception:
        # a source that does not parse here, for whatever reason, says nothing about the page
        return OPEN
    package = module if source.name == "__init__.py" else module.rpartition(".")[0]
    imports = tuple(_imports(tree.body, package))
    return Skeleton(
        names=frozenset({*_ALWAYS, *_bound(tree.body)}),
        imported={name: target for name, target in imports if name != "*"},
        wildcards=tuple(target for name, target in imports if name == "*"),
        served=served_names(tree),
        is_open=any(map(_is_binding, _top_level(tree.body))),
    )


def _bound(body: Sequence[ast.stmt]) -> Iterator[str]:
    """Names that statements bind: definitions, imports, assignments, loops, unpacking, context managers."""
    for node in _top_level(body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names if alias.name != "*")
        else:
            yield from (
                item.id for item in ast.walk(node) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
            )


def _imports(body: Sequence[ast.stmt], package: str) -> Iterator[tuple[str, str]]:
    """Each name that an import binds with the dotted path that it comes from, `*` with the module that it opens."""
    for node in _top_level(body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], alias.name if alias.asname else _first(alias.name)
        elif isinstance(node, ast.ImportFrom):
            home = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            origin = ".".join(filter(None, (home, node.module)))
            for alias in node.names:
                yield alias.asname or alias.name, origin if alias.name == "*" else f"{origin}.{alias.name}"


def _first(dotted: str) -> str:
    return dotted.partition(".")[0]


def _is_binding(node: ast.stmt) -> bool:
    """Whether a statement binds names, or finds submodules, in a way that nobody can read off it."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
        return False
    for item in ast.walk(node):
        if isinstance(item, ast.Call) and getattr(item.func, "id", "") in _BINDING_CALLS:
            return True
        is_stored = isinstance(getattr(item, "ctx", None), ast.Store)
        if is_stored and isinstance(item, ast.Name) and item.id == "__path__":
            return True
        if is_stored and isinstance(item, ast.Subscript) and getattr(item.value, "attr", "") == "modules":
            return True
    return False


def _top_level(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for name in ("body", "orelse", "finalbody"):
            yield from _top_level(getattr(node, name, []))
        for handler in (*getattr(node, "handlers", []), *getattr(node, "cases", [])):
            yield from _top_level(handler.body)
