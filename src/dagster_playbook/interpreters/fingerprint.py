"""Whether the platform is still the one that was read: a digest of all that can change it, without loading it."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dagster_playbook.interpreters.interpreter import interpreters
from dagster_playbook.settings import Settings

_PACKAGE = Path(__file__).resolve().parents[1]
#: the modules of this package that facts and answers come from
READERS = (
    "facts/authority", "facts/codec", "facts/facts", "failure", "interpreters/bootstrap", "interpreters/environments",
    "interpreters/fingerprint", "interpreters/interpreter", "interpreters/interpreter_probe",
    "platform/environment_reader", "platform/installed",
    "platform/loader", "platform/local_values", "platform/services_reader",
    "static_python/python_getattr", "static_python/python_modules", "static_python/python_names",
    "static_python/python_sources", "workers/block_properties", "workers/commands_reader", "workers/config_problems",
    "workers/dagster_authority", "workers/dagster_reader", "workers/dagster_releases", "workers/instance_reader",
    "workers/macro_names", "workers/model_macros", "workers/model_texts", "workers/python_authority",
    "workers/sqlmesh_authority", "workers/sqlmesh_config_texts", "workers/sqlmesh_reader", "workers/sqlmesh_releases",
    "workers/worker",
)  # fmt: skip
#: what tools leave beside sources, and no platform reads
IGNORED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages"})
IGNORED_SUFFIXES = (".pyc", ".duckdb", ".wal", ".db", ".sqlite", ".log", ".parquet", ".tmp", ".swp", "~")
#: the settings that say what the platform is; the others say what is done with it
_SETTINGS = ("schema", "commands", "makefile", "mkdocs", "catalogs", "references", "sqlmesh", "dagster", "environment")
#: `env_var("X")`, `EnvVar("X")`, `os.environ["X"]`, `getenv("X")`, `{env: X}`; it begins with letters to be quick
_ENVIRONMENT_NAMES = re.compile(rb"""nv(?:iron(?:\.get)?|_var|Var(?:\.int)?)?(?:[(\[]\s*["']|:\s*["']?)(\w+)""")
_NAMES_VARIABLES = (".py", ".yaml", ".yml", ".toml", ".sql")


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """Digests as hex: of everything, and of what each reader reads; equal digests mean equal facts."""

    total: str
    sqlmesh: str
    dagster: str
    commands: str


def fingerprint(settings: Settings) -> str:
    """The digest of everything that the facts of these settings depend on."""
    return fingerprints(settings).total


def fingerprints(settings: Settings) -> Fingerprints:
    """The digests of the whole and of its parts, by content; linear in the bytes of the sources, each read once.

    Raises:
        PlatformError: there is no interpreter to load the platform in.
    """
    sources = _Sources(settings.root)
    readers = [f"{name} {file_digest(_PACKAGE / f'{name}.py')}" for name in READERS]
    base = _digest([*_installed(settings), *_settings(settings), *readers])
    projects = [line for item in settings.sqlmesh for line in sources.below(settings.root / item.path)]
    locations = [line for path in _location_sources(settings) for line in sources.below(path)]
    environment = _environment(sources.variables, settings)
    own = list(sources.below(_PACKAGE)) if "playbook" in settings.commands else []
    paths = (*_local_sources(settings), *environment_sources(settings))
    local = [line for path in paths for line in sources.below(path)]
    sqlmesh = _digest([base, *projects, *environment])
    dagster = _digest([base, *projects, *locations, *environment])
    commands = _digest([base, *own, *(locations if any("=" in item for item in settings.commands) else [])])
    return Fingerprints(_digest([sqlmesh, dagster, commands, *local]), sqlmesh, dagster, commands)


def environment_sources(settings: Settings) -> list[Path]:
    """The folders whose files name the environment variables that a page may tell a person to set."""
    found = [settings.root / project.path for project in settings.sqlmesh]
    for location in settings.dagster:
        beside = location.working_directory not in ("", ".")
        found.append(settings.root / location.working_directory if beside else next(_location_sources(settings)))
    return [*found, _PACKAGE] if _PACKAGE.is_relative_to(settings.root) else found


def file_digest(path: Path) -> str:
    """The digest of one file's content; a file that is missing, unreadable or not regular has a digest of its own."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return "not a file"
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except OSError as error:
        return f"unreadable {error.errno}"


def distributions(folders: Sequence[str] | None = None) -> dict[str, str]:
    """Installed distributions, normalised name to version, from the names of their metadata folders.

    `folders` is the sys.path of an interpreter, that of this process when None.
    """
    found: dict[str, str] = {}
    for folder in sys.path if folders is None else folders:
        if not folder.endswith(("site-packages", "dist-packages")):
            continue
        try:
            names = [entry.name for entry in os.scandir(folder)]
        except OSError:
            continue
        for name in names:
            if name.endswith(".dist-info"):
                distribution, _, version = name.removesuffix(".dist-info").partition("-")
                found.setdefault(re.sub(r"[-_.]+", "-", distribution).lower(), version)
    return dict(sorted(found.items()))


def _digest(lines: list[str]) -> str:
    return hashlib.blake2b("\n".join(lines).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _installed(settings: Settings) -> Iterator[str]:
    """What this process has, for it judges, and what each interpreter of the platform has."""
    yield sys.version
    for name, version in distributions().items():
        yield f"{name}=={version}"
    for interpreter in interpreters(settings):
        if not interpreter.is_own:
            yield f"python {interpreter.version}"
            yield from (f"{name}=={version}" for name, version in distributions(interpreter.folders).items())


def _settings(settings: Settings) -> Iterator[str]:
    for key, value in sorted(asdict(settings).items()):
        if key in _SETTINGS:
            yield f"{key}={value!r}"


def _location_sources(settings: Settings) -> Iterator[Path]:
    for location in settings.dagster:
        folder, package = settings.root / location.working_directory, location.module.partition(".")[0]
        yield folder / package if (folder / package).is_dir() else folder / f"{package}.py"
        if location.instance:
            yield settings.root / location.instance


def _local_sources(settings: Settings) -> Iterator[Path]:
    for name in (settings.catalogs, settings.references, settings.makefile, settings.mkdocs, "pyproject.toml"):
        if name:
            yield settings.root / name


def _environment(variables: set[bytes], settings: Settings) -> list[str]:
    """The variables that the sources name, and SQLMesh's own; a value is only ever seen as part of a digest."""
    names = {name.decode("ascii", "replace") for name in variables}
    names |= {n for n in os.environ if n.startswith("SQLMESH__") and n != "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS"}
    return [f"{name}={settings.environment.get(name, os.environ.get(name))!r}" for name in sorted(names)]


class _Sources:
    """The source files of a project, each read once; collects the variables that they name.

    Paths are plain strings here: this runs at each check, and pathlib would take most of its time.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._lines: dict[str, str] = {}
        self.variables: set[bytes] = set()

    def below(self, start: Path) -> Iterator[str]:
        """`path digest` of each source file at or below `start`, in order."""
        for path in _walk(str(start), os.path.realpath(self._root), set()):
            if path not in self._lines:
                self._lines[path] = self._line(path)
            yield self._lines[path]

    def _line(self, path: str) -> str:
        name = _name(path, self._root) or _name(path, str(_PACKAGE)) or os.path.basename(path)  # noqa: PTH119
        try:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123
                content = file.read()
        except OSError as error:
            return f"{name} unreadable {error.errno}"
        if path.endswith(_NAMES_VARIABLES):
            self.variables.update(_ENVIRONMENT_NAMES.findall(content))
        return f"{name} {hashlib.blake2b(content, digest_size=16).hexdigest()}"


def _name(path: str, base: str) -> str:
    return path[len(base) + 1 :] if path.startswith(base + os.sep) else ""


def _walk(start: str, root: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    """Regular files below `start`; each folder once, and no link that leads out of the project."""
    try:
        status = os.stat(start)  # noqa: PTH116
    except OSError:
        if os.path.islink(start):  # noqa: PTH114
            yield start
        return
    if stat.S_ISREG(status.st_mode):
        yield start
        return
    if not stat.S_ISDIR(status.st_mode) or (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    try:
        entries = sorted(os.scandir(start), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if not entry.name.startswith(".") and entry.name not in IGNORED_FOLDERS:
                yield from _walk(entry.path, root, seen)
        elif entry.is_symlink():
            if not os.path.isdir(entry.path) or _leads_inside(entry.path, root):  # noqa: PTH112
                yield from _walk(entry.path, root, seen)
        elif entry.is_file() and not entry.name.endswith(IGNORED_SUFFIXES):
            yield entry.path


def _leads_inside(path: str, root: str) -> bool:
    return (os.path.realpath(path) + os.sep).startswith(root + os.sep)
