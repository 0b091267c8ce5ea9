"""Which Python a project is loaded in: the one that the settings name, else the project's own environment."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dagster_playbook.errors import PlatformError
from dagster_playbook.facts.cache import Cache
from dagster_playbook.interpreters.environments import Candidate, candidates
from dagster_playbook.settings import CodeLocation, Settings, SqlmeshProject, setting_line

#: what a platform's project needs to be installed
DISTRIBUTIONS = {"dagster": "dagster", "sqlmesh": "sqlmesh"}
_CURE = 'name the project\'s interpreter in [tool.playbook] of pyproject.toml: python = ".venv/bin/python"'


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that was asked what it is.

    Attributes:
        path: what is started.
        found: by what it was found, in words.
        version: e.g. `3.12.4`.
        prefix: the folder of its environment.
        folders: its sys.path, without what a project adds to it.
        platforms: which of `dagster` and `sqlmesh` it has.
    """

    path: str
    found: str
    version: str
    prefix: str
    folders: tuple[str, ...]
    platforms: tuple[str, ...] = ()

    @property
    def is_own(self) -> bool:
        """Whether it is the one that runs this process."""
        return self.prefix == sys.prefix

    def environment(self) -> dict[str, str]:
        """The variables of a process in it: those of this process, with its own programs first on PATH."""
        if self.is_own:
            return dict(os.environ)
        variables = {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}
        programs = str(Path(self.path).parent)
        variables["PATH"] = os.pathsep.join([programs, variables.get("PATH", os.defpath)])
        if (Path(self.prefix) / "pyvenv.cfg").is_file():
            variables["VIRTUAL_ENV"] = self.prefix
        return variables


def own_interpreter() -> Interpreter:
    """The one that runs this process."""
    version = ".".join(map(str, sys.version_info[:3]))
    return Interpreter(sys.executable, "the one that runs playbook", version, sys.prefix, tuple(filter(None, sys.path)))


def interpreter_for(settings: Settings, project: SqlmeshProject | CodeLocation | None = None) -> Interpreter:
    """The interpreter of a project, of the settings when there is none.

    `python` of the project comes first, then `python` of the settings, then the first environment of the project that
    has one of its platforms (see `environments.candidates`), then the interpreter of this process.

    Raises:
        PlatformError: the named one is gone, hangs, is no Python or too old, or none has what the project needs.
    """
    named = (project.python if project else "") or settings.python
    if named:
        return _named(settings, named)
    wanted = [name for name in DISTRIBUTIONS if getattr(settings, name)]
    return _found(settings, tuple(wanted)) if wanted else own_interpreter()


def _named(settings: Settings, named: str) -> Interpreter:
    line = setting_line(settings.root, "python")
    candidate = _spelled(settings.root, named)
    if candidate is None:
        cure = "make the environment, or name another interpreter in `python` of [tool.playbook]"
        raise PlatformError(f"there is no interpreter {named!r}", cure=cure, path="pyproject.toml", line=line)
    try:
        return _asked(settings, candidate)
    except PlatformError as error:
        raise PlatformError(error.message, cure=error.cure, path="pyproject.toml", line=line) from error


def _spelled(root: Path, named: str) -> Candidate | None:
    """The interpreter that a setting names: a file, an environment's folder, or a program on PATH."""
    found = "`python` of [tool.playbook]"
    place = root / Path(named).expanduser()
    if place.is_dir():
        place = place / "bin" / "python"
    if place.is_file() and os.access(place, os.X_OK):
        return Candidate(Path(os.path.normpath(place)), found)
    on_path = shutil.which(named) if os.sep not in named else None
    return Candidate(Path(on_path), found) if on_path else None


def _found(settings: Settings, wanted: tuple[str, ...]) -> Interpreter:
    looked = []
    for candidate in candidates(settings.root):
        try:
            interpreter = _asked(settings, candidate)
        except PlatformError as error:
            looked.append(f"{candidate.found}: {error.message}")
            continue
        if set(interpreter.platforms) & set(wanted):
            return interpreter
        looked.append(f"{candidate.found}: Python {interpreter.version} without {' and '.join(wanted)}")
    own = own_interpreter()
    if not looked or set(platforms_of_own()) & set(wanted):
        return own
    told = "; ".join([*looked, f"{own.found}: without {' and '.join(wanted)}"])
    raise PlatformError(f"no Python that has {' or '.join(wanted)} was found; {told}", cure=_CURE)


@cache
def platforms_of_own() -> tuple[str, ...]:
    """Which platforms the interpreter of this process has; none is imported."""
    from importlib.util import find_spec

    return tuple(name for name in DISTRIBUTIONS if (spec := find_spec(name)) is not None and spec.loader is not None)


#: what candidates have said to this process, by `_key`
_KNOWN: dict[str, dict[str, Any]] = {}


def _asked(settings: Settings, candidate: Candidate) -> Interpreter:
    """What a candidate says of itself; asked once as long as nothing is installed into it."""
    if candidate.prefix == Path(sys.prefix):
        return Interpreter(**{**asdict(own_interpreter()), "found": candidate.found, "platforms": platforms_of_own()})
    key = _key(candidate)
    kept = Cache(settings.root / settings.cache)
    told = _KNOWN.get(key) or kept.read("interpreter", key)
    if told is None or told["stamps"] != _stamps(told["path"]):
        from dagster_playbook.interpreters.interpreter_probe import ask

        told = ask(candidate, _CURE)
        told["stamps"] = _stamps(told["path"])
        kept.write("interpreter", key, told)
    _KNOWN[key] = told
    version = ".".join(map(str, told["version"]))
    rest = (told["prefix"], tuple(told["path"]), tuple(told["platforms"]))
    return Interpreter(str(candidate.path), candidate.found, version, *rest)


def _key(candidate: Candidate) -> str:
    """What an interpreter is known by: its file, and what its environment says of itself."""
    parts = [str(candidate.path), os.path.realpath(candidate.path), candidate.found]
    for file in (candidate.path, candidate.prefix / "pyvenv.cfg"):
        try:
            status = file.stat()
            parts.append(f"{status.st_size} {status.st_mtime_ns}")
        except OSError:
            parts.append("none")
    return hashlib.blake2b("\n".join(parts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _stamps(folders: list[str]) -> list[int]:
    """When something was last installed into each folder of packages."""
    stamps = []
    for folder in folders:
        try:
            stamps.append(os.stat(folder).st_mtime_ns if folder.endswith("-packages") else 0)  # noqa: PTH116
        except OSError:
            stamps.append(0)
    return stamps


def interpreters(settings: Settings) -> Iterator[Interpreter]:
    """Every interpreter that a part of the platform is loaded in, each once."""
    seen = set()
    projects: tuple[SqlmeshProject | CodeLocation | None, ...] = (*settings.sqlmesh, *settings.dagster)
    for project in projects or (None,):
        interpreter = interpreter_for(settings, project)
        if interpreter.path not in seen:
            seen.add(interpreter.path)
            yield interpreter
