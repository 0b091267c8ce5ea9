"""What a project has that pages can be held to, found by looking at its files; nothing is imported or run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dagster_playbook.dagster_settings import dagster_tables
from dagster_playbook.settings import CodeLocation, SqlmeshProject

#: folders that are never the project's own
_SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__", "build", "dist", "site", "target", "tests"})
_DEEPEST = 4
_MOST_FOLDERS = 5000
_CONFIGS = ("config.yaml", "config.yml", "config.py")
_DEFINES = re.compile(
    r"(?m)^\w+\s*(?::[^=\n]+)?=\s*(?:\w+\.)?(?:Definitions|load_from_defs_folder)\(|^@(?:\w+\.)?definitions\b"
)
_LONGEST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """What there is, with paths relative to the root; each with why it was taken."""

    pages: tuple[str, ...] = ()
    sqlmesh: tuple[SqlmeshProject, ...] = ()
    dagster: tuple[CodeLocation, ...] = ()
    schema: str = ""

    @property
    def has_platform(self) -> bool:
        """Whether there is anything whose names pages can be held to."""
        return bool(self.sqlmesh or self.dagster)


def discover(root: Path) -> Found:
    """Look through the project's folders, at most four deep."""
    folders = list(_folders(root))
    projects = tuple(SqlmeshProject(_name(root, folder)) for folder in folders if _is_sqlmesh(folder))
    locations = tuple(_told_locations(root, folders)) or tuple(_seen_locations(root, folders))
    schemas = {schema for project in projects for schema in _schemas(root / project.path)}
    return Found(tuple(_pages(root)), projects, locations, schemas.pop() if len(schemas) == 1 else "")


def _folders(root: Path) -> Iterator[Path]:
    """The root and the folders below it, those above first within each branch."""
    for count, (current, names, _) in enumerate(os.walk(root), start=1):
        folder = Path(current)
        depth = len(folder.relative_to(root).parts)
        names[:] = sorted(n for n in names if not n.startswith(".") and n not in _SKIPPED and depth < _DEEPEST)
        names[:] = [name for name in names if not (folder / name / "pyvenv.cfg").exists()]
        yield folder
        if count >= _MOST_FOLDERS:
            return


def _name(root: Path, folder: Path) -> str:
    return folder.relative_to(root).as_posix()


def _is_sqlmesh(folder: Path) -> bool:
    if not (folder / "models").is_dir():
        return False
    texts = (_text(folder / name) for name in _CONFIGS)
    return any(re.search(r"model_defaults|gateways|sqlmesh", text) for text in texts)


def _schemas(folder: Path) -> set[str]:
    """The schemas that model names begin with."""
    names = set()
    for path in sorted((folder / "models").rglob("*.sql"))[:500]:
        if found := re.search(r"(?is)\bMODEL\s*\(\s*name\s+([\w.\"]+)", _text(path)):
            parts = found[1].replace('"', "").split(".")
            names.add(parts[-2] if len(parts) > 1 else "")
    return names - {""}


def _told_locations(root: Path, folders: list[Path]) -> Iterator[CodeLocation]:
    """Code locations that Dagster's own settings name: `[tool.dagster]`, `[tool.dg.project]` and dg.toml."""
    for folder in folders:
        for table in dagster_tables(folder):
            work = Path(_name(root, folder)) / table.get("working_directory", ".")
            yield CodeLocation(table["module"], work.as_posix(), _instance(root, folder))


def _seen_locations(root: Path, folders: list[Path]) -> Iterator[CodeLocation]:
    """Code locations by their source: a file that makes Definitions, the one called definitions.py before others."""
    for folder in folders:
        for path in sorted(folder.glob("*.py"), key=lambda item: (item.name != "definitions.py", item.name)):
            if path.name.startswith("test_") or not _DEFINES.search(_text(path)):
                continue
            home = folder
            while (home / "__init__.py").is_file() and home != root:
                home = home.parent
            parts = path.relative_to(home).with_suffix("").parts
            module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if module:
                yield CodeLocation(module, _name(root, home), _instance(root, folder))
                return


def _instance(root: Path, folder: Path) -> str:
    """The dagster.yaml that is nearest above a folder, "" without one."""
    above = [folder, *(parent for parent in folder.parents if parent == root or parent.is_relative_to(root))]
    return next((_name(root, each / "dagster.yaml") for each in above if (each / "dagster.yaml").is_file()), "")


def _pages(root: Path) -> Iterator[str]:
    for name in ("docs", "doc", "documentation", "runbooks", "handbook", "wiki"):
        if (root / name).is_dir() and next((root / name).rglob("*.md"), None) is not None:
            yield name
    if (root / "README.md").is_file():
        yield "README.md"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.stat().st_size <= _LONGEST_BYTES else ""
    except (OSError, UnicodeDecodeError):
        return ""
