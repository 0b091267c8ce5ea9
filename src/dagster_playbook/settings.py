"""`[tool.playbook]` of a project's pyproject.toml as one frozen object, with sensible discovery when it is absent."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from dagster_playbook.dagster_settings import dagster_tables
from dagster_playbook.errors import SettingsError
from dagster_playbook.location import lines_of
from dagster_playbook.meaning import Meanings, ReferenceMove, Restatement

#: the command trees that are held when the settings name none, as far as they are installed
DEFAULT_COMMANDS = ("sqlmesh", "dagster", "playbook")
#: what is looked at when the settings do not name the pages
DEFAULT_PAGES = ("docs", "runbooks", "README.md")


@dataclass(frozen=True, slots=True)
class SqlmeshProject:
    """A SQLMesh project to hold documents to.

    `path` is relative to the root, `gateway` "" for its default, `python` the interpreter that loads it, "" for that
    of the settings.
    """

    path: str
    gateway: str = ""
    python: str = ""


@dataclass(frozen=True, slots=True)
class CodeLocation:
    """A Dagster code location.

    `module` is imported with `working_directory` first on sys.path; `instance` is its dagster.yaml, "" if none;
    `python` the interpreter that loads it, "" for that of the settings.
    """

    module: str
    working_directory: str = "."
    instance: str = ""
    attribute: str = ""
    python: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a project says about how it is checked; paths are POSIX and relative to `root`.

    Attributes:
        root: the absolute folder that holds pyproject.toml.
        pages: files and folders whose Markdown is checked.
        exclude: glob patterns of pages that are left out.
        include_roots: folders that `--8<--` includes are looked up in.
        commands: command trees that shell blocks are held to: `sqlmesh`, `dagster`, `playbook`, or
            `name=module:attribute` for any click or typer application.
        python: the interpreter in which the platform is loaded, or its environment's folder; "" to have it found.
        strict: whether a block or name that no rule understands fails the check, or is only told.
        words: inline code that is no name of the platform, each with the reason why it is exempt.
        schema: the SQLMesh schema that a model's short name stands for, e.g. `oso`.
        page_seconds: how long one page may keep a check computing.
        site: folder of the built site, whose files and anchors links are held to; "" for the pages alone.
        catalogs: folder of Trino catalog property files; references: JSON of Nessie reference names and kinds.
        restatement: ops that restate models, and which of their config fields says what.
        reference_move: ops that move a Nessie reference, and which config field holds the commit.
    """

    root: Path
    pages: tuple[str, ...] = DEFAULT_PAGES
    exclude: tuple[str, ...] = ()
    include_roots: tuple[str, ...] = (".",)
    mkdocs: str = "mkdocs.yml"
    cache: str = ".playbook/cache"
    schema: str = ""
    commands: tuple[str, ...] = DEFAULT_COMMANDS
    python: str = ""
    makefile: str = "Makefile"
    catalogs: str = ""
    references: str = ""
    sqlmesh: tuple[SqlmeshProject, ...] = ()
    dagster: tuple[CodeLocation, ...] = ()
    strict: bool = False
    words: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    page_seconds: float = 30.0
    restatement: tuple[Restatement, ...] = ()
    reference_move: tuple[ReferenceMove, ...] = ()
    site: str = ""

    @property
    def meanings(self) -> Meanings:
        """What the project declares of the config fields of its ops."""
        return Meanings(self.restatement, self.reference_move)

    @property
    def has_platform(self) -> bool:
        """Whether there is anything whose names the pages can be held to."""
        return bool(self.sqlmesh or self.dagster or self.catalogs or self.references)


def setting_names() -> frozenset[str]:
    """The keys that `[tool.playbook]` takes."""
    return frozenset(f.name for f in fields(Settings)) - {"root"}


def setting_words() -> frozenset[str]:
    """Every key of `[tool.playbook]` and of the tables below it, for pages that explain them."""
    return setting_names() | {f.name for kind in _RECORDS.values() for f in fields(kind)}


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` with a pyproject.toml that has `[tool.playbook]`, else `start`."""
    start = start.resolve()
    for folder in (start, *start.parents):
        candidate = folder / "pyproject.toml"
        if candidate.is_file() and b"[tool.playbook" in candidate.read_bytes():
            return folder
    return start


def load_settings(root: Path) -> Settings:
    """Read the settings of the project at `root`.

    Raises:
        SettingsError: the file cannot be parsed, or an entry is unknown or of the wrong type.
    """
    if not root.is_dir():
        raise SettingsError(f"no project folder {root}", cure="name an existing folder with --project")
    table = _read_table(root / "pyproject.toml")
    known = setting_names()
    try:
        for key in table:
            if key.replace("-", "_") not in known:
                cure = "known settings: " + ", ".join(sorted(known))
                raise _MistakeError(key, f"[tool.playbook] has no setting {key!r}", cure)
        typed = _typed({k.replace("-", "_"): v for k, v in table.items()})
    except _MistakeError as wrong:
        line = _line_of((root / "pyproject.toml").read_text(encoding="utf-8"), wrong.key)
        raise SettingsError(wrong.message, path="pyproject.toml", line=line, cure=wrong.cure) from wrong
    return Settings(root=root, **(_discovered(root) | typed))


def setting_line(root: Path, key: str) -> int:
    """The line of pyproject.toml on which a setting stands, 0 when it is not to be seen."""
    try:
        return _line_of((root / "pyproject.toml").read_text(encoding="utf-8"), key)
    except (OSError, UnicodeDecodeError):
        return 0


class _MistakeError(Exception):
    """What is wrong with one key, before its line has been looked up."""

    def __init__(self, key: str, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.key, self.message, self.cure = key, message, cure


def _line_of(text: str, key: str) -> int:
    """The line on which `[tool.playbook]` or a table below it states `key`, 0 when it is not to be seen."""
    stated = re.compile(rf"""\s*["']?{re.escape(key).replace("_", "[-_]")}["']?\s*[=.]""")
    is_ours = False
    for number, line in enumerate(lines_of(text), start=1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            is_ours = header[1].startswith("tool.playbook")
            if header[1] == f"tool.playbook.{key}":
                return number
        elif is_ours and stated.match(line):
            return number
    return 0


def _read_table(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    # here and not above: the classes of this module are also read by a project's Python, which may have none
    import tomllib

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        place = re.search(r"at line (\d+)", str(error))
        line = int(place[1]) if place else 0
        raise SettingsError(f"cannot be read as TOML: {error}", path="pyproject.toml", line=line) from error
    tools = document.get("tool", {})
    table: dict[str, Any] = tools.get("playbook", {})
    if not isinstance(table, dict):
        raise SettingsError("[tool.playbook] is not a table", path="pyproject.toml")
    if "dagster" not in table and (told := list(dagster_tables(path.parent))):
        table = {**table, "dagster": told}
    return table


def _discovered(root: Path) -> dict[str, Any]:
    """What can be told without settings: a SQLMesh project is a folder with a config.yaml or config.py of its own."""
    found = [
        SqlmeshProject(folder)
        for folder in (".", "sqlmesh", "warehouse", "transform")
        if (root / folder / "models").is_dir()
        and any((root / folder / name).is_file() for name in ("config.yaml", "config.yml", "config.py"))
    ]
    return {"sqlmesh": tuple(found[:1])}


#: `[[tool.playbook.<name>]]` -> what an entry of it becomes
_RECORDS: dict[str, type[Any]] = {
    "sqlmesh": SqlmeshProject,
    "dagster": CodeLocation,
    "restatement": Restatement,
    "reference_move": ReferenceMove,
}


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    typed: dict[str, Any] = {}
    for key, value in values.items():
        if key in _RECORDS:
            typed[key] = tuple(_record(_RECORDS[key], key, item) for item in _list(key, value))
        elif key in ("words", "environment"):
            if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
                raise _MistakeError(key, f"{key} has to be a table of strings")
            typed[key] = value
        elif key == "strict":
            if not isinstance(value, bool):
                raise _MistakeError(key, "strict has to be true or false")
            typed[key] = value
        elif key == "page_seconds":
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 86_400:
                raise _MistakeError(key, "page_seconds has to be a number of seconds above 0, of at most a day")
            typed[key] = float(value)
        elif key in ("mkdocs", "cache", "schema", "python", "makefile", "catalogs", "references", "site"):
            if not isinstance(value, str):
                raise _MistakeError(key, f"{key} has to be a string")
            if key == "site" and (value.startswith("/") or ".." in value.split("/")):
                raise _MistakeError(key, "site has to be a folder of the project", "build the site into the project")
            typed[key] = value.strip("/") if key == "site" else value
        else:
            items = _list(key, value)
            if not all(isinstance(item, str) for item in items):
                raise _MistakeError(key, f"{key} has to be a list of strings")
            typed[key] = tuple(items)
    return typed


def _list(key: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _MistakeError(key, f"{key} has to be a list")
    return value


def _record(kind: type[Any], key: str, item: Any) -> Any:
    known = {f.name: f.type for f in fields(kind)}
    lists = {name for name, typed in known.items() if str(typed).startswith("tuple")}
    if not isinstance(item, dict):
        raise _MistakeError(key, f"each [[tool.playbook.{key}]] has to be a table")
    values = {k.replace("-", "_"): v for k, v in item.items()}
    if not all(isinstance(v, str) for name, v in values.items() if name not in lists):
        raise _MistakeError(key, f"each [[tool.playbook.{key}]] has to be a table of strings")
    for name in lists & set(values):
        texts = _list(name, values[name])
        if not all(isinstance(text, str) for text in texts):
            raise _MistakeError(name, f"{name} has to be a list of strings")
        values[name] = tuple(texts)
    unknown = sorted(set(values) - set(known))
    if unknown:
        cure = "known entries: " + ", ".join(sorted(known))
        raise _MistakeError(unknown[0], f"[[tool.playbook.{key}]] has no entry {unknown[0]!r}", cure)
    try:
        return kind(**values)
    except TypeError as error:
        raise _MistakeError(key, f"[[tool.playbook.{key}]]: {error}") from error
