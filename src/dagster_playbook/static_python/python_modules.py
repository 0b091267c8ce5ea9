"""What a dotted Python name is: a module, an object, nothing, or not to be told without running code."""

from __future__ import annotations

import enum
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from dagster_playbook.static_python.python_sources import Skeleton, Sources

#: names are followed through so many imports, then nothing is said
_DEEPEST = 24


class Is(enum.Enum):
    """What a name is known to be."""

    MODULE = "a module"
    OBJECT = "an object"
    UNKNOWN = "unknown"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Named:
    """A name, and for a module the name that its source has."""

    kind: Is
    module: str = ""


_UNKNOWN, _OBJECT, _ABSENT = Named(Is.UNKNOWN), Named(Is.OBJECT), Named(Is.ABSENT)


class Modules:
    """Names of modules and of what is in them, read off the sources; nothing is imported, no attribute is got."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._sources = Sources(folders)
        self.module = cache(self._module)
        self.member = cache(self._member)

    def lacks(self, module: str, name: str) -> bool:
        """Whether a module of that name surely has no such name; told without following where it comes from."""
        return name not in self._sources.skeleton(module).names and self.member(module, name).kind is Is.ABSENT

    def in_namespace(self, dotted: str) -> bool:
        """Whether the nearest package above that name that is there is a namespace: any distribution may add to it."""
        parent = dotted.rpartition(".")[0]
        while parent and (place := self._sources.place(parent)) is None:
            parent = parent.rpartition(".")[0]
        return bool(parent) and place is not None and place.source is None and not place.is_compiled

    def _module(self, dotted: str) -> Named:
        """What `import dotted` binds the last name to."""
        parent, _, last = dotted.rpartition(".")
        if dotted == "__main__":
            return _UNKNOWN
        if self._sources.place(dotted) is not None:
            return Named(Is.MODULE, dotted)
        if not parent:
            return _UNKNOWN if dotted in sys.modules else _ABSENT
        above = self.module(parent)
        if above.kind is not Is.MODULE:
            return above
        # `import os.path`: what the package calls so may be a module that stands elsewhere
        inside = self.member(above.module, last)
        if inside.kind is not Is.OBJECT:
            return inside
        place = self._sources.place(above.module)
        is_package = place is not None and place.folders is not None
        is_open = self._sources.skeleton(above.module).is_open or dotted in sys.modules
        return _ABSENT if is_package and not is_open else _UNKNOWN

    def _member(self, module: str, name: str, depth: int = 0) -> Named:
        """What `name` is in a module of that name.

        What the module's source binds comes before a submodule of the same name: a package that re-exports an object
        imports it after the submodule that it stands in.
        """
        if depth > _DEEPEST:
            return _UNKNOWN
        skeleton = self._sources.skeleton(module)
        whole = f"{module}.{name}"
        is_submodule = self._sources.place(whole) is not None
        target = skeleton.imported.get(name)
        if loaded := _module_loaded_as(module, name):
            return Named(Is.MODULE, loaded)
        if target is not None and target != whole:
            found = self._target(target, depth + 1)
            # what its source cannot be followed to is there all the same: the module binds the name
            return found if found.kind is Is.MODULE else _OBJECT
        if is_submodule and (target == whole or name not in skeleton.names):
            return Named(Is.MODULE, whole)
        if name in skeleton.names or name in (skeleton.served or ()):
            return _OBJECT
        return self._elsewhere(module, name, skeleton, depth)

    def _target(self, dotted: str, depth: int) -> Named:
        """What `from parent import last` gives, or `import dotted`."""
        parent, _, last = dotted.rpartition(".")
        if not parent:
            return Named(Is.MODULE, dotted) if self._sources.place(dotted) is not None else _UNKNOWN
        if self._sources.place(parent) is not None:
            found = self.member(parent, last, depth)
            return found if found.kind is not Is.ABSENT else _UNKNOWN
        above = self._target(parent, depth + 1) if depth <= _DEEPEST else _UNKNOWN
        return self.member(above.module, last, depth + 1) if above.kind is Is.MODULE else _UNKNOWN

    def _elsewhere(self, module: str, name: str, skeleton: Skeleton, depth: int) -> Named:
        """A name that the module's own source does not bind by itself."""
        if _is_loaded_with(module, name):
            return _OBJECT
        is_open = skeleton.is_open or skeleton.served is None
        for source in skeleton.wildcards:
            found = self.member(source, name, depth + 1) if self._sources.place(source) is not None else _UNKNOWN
            if found.kind in (Is.MODULE, Is.OBJECT):
                return found
            is_open = is_open or found.kind is Is.UNKNOWN
        return _UNKNOWN if is_open and not _is_loaded_without(module) else _ABSENT


def _module_loaded_as(module: str, name: str) -> str:
    """The module that one of Python's own binds to a name, where it binds one or another: `os.path`."""
    loaded = sys.modules.get(module)
    if module not in sys.stdlib_module_names or type(loaded) is not ModuleType:
        return ""
    bound = vars(loaded).get(name)
    return str(vars(bound).get("__name__", "")) if type(bound) is ModuleType else ""


def _is_loaded_with(module: str, name: str) -> bool:
    loaded = sys.modules.get(module)
    return type(loaded) is ModuleType and name in vars(loaded)


def _is_loaded_without(module: str) -> bool:
    """Whether a module of Python's own is loaded, so that what is not in it is not there."""
    loaded = sys.modules.get(module)
    is_python_s = module.partition(".")[0] in sys.stdlib_module_names
    return is_python_s and type(loaded) is ModuleType and "__getattr__" not in vars(loaded)
