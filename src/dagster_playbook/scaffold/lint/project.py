"""Everything that the warehouse rules look at, read once: models, seeds, declared sources, source modules, tests."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from dagster_playbook.errors import ScaffoldError
from dagster_playbook.findings import Fix
from dagster_playbook.location import LINE_END, Location, lines_of, lines_with_ends
from dagster_playbook.scaffold.layout import Layout
from dagster_playbook.scaffold.lint.model_file import ModelFile, read_model

_AS_ON_DISK: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class SeedFile:
    """A seed's CSV: header and cells as written; `lines[i]` is the 1-based line where row i begins."""

    path: str
    text: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    @property
    def table(self) -> tuple[str, str]:
        """(source, table) by the file's name `seed_<source>__<table>.csv`, ("", "") when it is no source's."""
        match = re.match(r"seed_(.+?)__(.+)\.csv$", Path(self.path).name)
        return (match[1], match[2]) if match else ("", "")

    def with_first(self, row: int) -> Fix:
        """This row (0-based) moved to the top of the rows."""
        lines = lines_with_ends(self.text)
        ends = [*(line - 1 for line in self.lines[1:]), len(lines)]
        rows = ["".join(lines[start - 1 : end]) for start, end in zip(self.lines, ends, strict=True)]
        was = "".join(rows)
        rows = [item if item.endswith("\n") else item + "\n" for item in rows]
        return Fix(self._to_the_end(self.lines[0]), was, "".join([rows.pop(row), *rows]))

    def whole(self) -> Location:
        """The whole file."""
        return self._to_the_end(1)

    def _to_the_end(self, line: int) -> Location:
        lines = lines_of(self.text)
        return Location(self.path, line, 1, len(lines), len(lines[-1]) + 1)

    def at(self, row: int = -1) -> Location:
        """The place of a row (0-based), of the header for -1."""
        return Location(self.path, self.lines[row] if row >= 0 else 1)


@dataclass(frozen=True, slots=True)
class SourceModule:
    """A Python module that reads sources."""

    path: str
    text: str
    tree: ast.Module

    def at(self, node: ast.AST) -> Location:
        """The place of a node."""
        line, offset = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        end_line, end_offset = getattr(node, "end_lineno", line), getattr(node, "end_col_offset", offset)
        return Location(self.path, line, self._column(line, offset), end_line, self._column(end_line, end_offset))

    def _column(self, line: int, offset: int) -> int:
        """The column of an offset in a line, 1-based; a syntax tree counts bytes of UTF-8."""
        lines = lines_of(self.text)
        return len(lines[line - 1].encode()[:offset].decode(errors="replace")) + 1 if line <= len(lines) else 1


@dataclass(slots=True)
class Warehouse:
    """The files of a warehouse.

    Attributes:
        declared: raw table (`pypi.releases`) to its columns (name to type), from external_models.yaml.
        samples: raw table to the records and column names recorded when its asset was written.
        tested_models: names of models that a SQLMesh unit test names; test_text: all Python tests, joined.
        problems: files that could not be read: (place, why).
        now: aware; dates are judged against it.
        changed: texts that are read where the files of that path would be.
    """

    layout: Layout
    now: datetime
    changed: Mapping[str, str] = field(default_factory=dict)
    models: list[ModelFile] = field(default_factory=list)
    seeds: list[SeedFile] = field(default_factory=list)
    modules: list[SourceModule] = field(default_factory=list)
    declared: dict[str, dict[str, str]] = field(default_factory=dict)
    samples: dict[str, dict[str, Any]] = field(default_factory=dict)
    tested_models: set[str] = field(default_factory=set)
    test_text: str = ""
    default_dialect: str = ""
    problems: list[tuple[Location, str]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def seed_model(self, seed: SeedFile) -> ModelFile | None:
        """The SEED model that reads a seed file."""
        name = Path(seed.path).name
        return next((m for m in self.models if m.kind == "SEED" and f"/{name}'" in m.value("kind")), None)

    def staging(self) -> list[ModelFile]:
        """The models of the staging folder."""
        return [m for m in self.models if "/staging/" in m.path]


def read_warehouse(layout: Layout, now: datetime, changed: Mapping[str, str] = _AS_ON_DISK) -> Warehouse:
    """Read all of it, `changed` in the place of files; a file that cannot be read becomes one of the `problems`."""
    house = Warehouse(layout, now, changed)
    sqlmesh = layout.root / layout.sqlmesh
    if not sqlmesh.is_dir():
        raise ScaffoldError("there is no SQLMesh project", path=layout.sqlmesh)
    for path in sorted((sqlmesh / "models").rglob("*.sql")):
        _read(house, path, _add_model)
    for path in sorted((sqlmesh / "seeds").rglob("*.csv")):
        _read(house, path, _add_seed)
    for path in sorted((layout.root / layout.package / "sources").glob("*.py")):
        _read(house, path, _add_module)
    for path in sorted((sqlmesh / "tests").rglob("*.yaml")):
        _read(house, path, _add_unit_test)
    for path in sorted((layout.root / "tests").rglob("*.json")):
        if "__" in path.stem and "data" not in path.relative_to(layout.root).parts:
            _read(house, path, _add_sample)
    _read(house, sqlmesh / "external_models.yaml", _add_declared)
    tests = (layout.root / "tests").rglob("test_*.py")
    house.test_text = "\n".join(p.read_text(encoding="utf-8", errors="replace") for p in sorted(tests))
    for name in ("config.py", "config.yaml", "config.yml"):
        if (sqlmesh / name).is_file():
            match = re.search(r"dialect[\"']?\s*[=:]\s*[\"']?(\w+)", (sqlmesh / name).read_text(encoding="utf-8"))
            house.default_dialect = match[1] if match else ""
    return house


def _read(house: Warehouse, path: Path, add: Any) -> None:
    if not path.is_file():
        return
    relative = path.relative_to(house.layout.root).as_posix()
    house.files.append(relative)
    try:
        text = house.changed.get(relative)
        add(house, relative, path.read_text(encoding="utf-8") if text is None else LINE_END.sub("\n", text))
    except ScaffoldError as error:
        house.problems.append((Location(relative, error.line or 1), error.message))
    except SyntaxError as error:
        house.problems.append((Location(relative, error.lineno or 1), f"is no Python: {error.msg}"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        house.problems.append((Location(relative), f"cannot be read: {str(error).splitlines()[0]}"))


def _add_model(house: Warehouse, path: str, text: str) -> None:
    model = read_model(path, text)
    if model is None:
        return
    house.models.append(model)
    if model.problem:
        house.problems.append((model.at(), f"the query cannot be read: {model.problem}"))


def _add_seed(house: Warehouse, path: str, text: str) -> None:
    reader = csv.reader(io.StringIO(text), strict=True)
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    before = 0
    try:
        for row in reader:
            if row:
                rows.append(tuple(row))
                lines.append(before + 1)
            before = reader.line_num
    except csv.Error as error:
        raise ScaffoldError(f"cannot be read as CSV: {error}", path=path, line=before + 1) from error
    if not rows:
        raise ScaffoldError("has no header", path=path)
    for cells, line in zip(rows[1:], lines[1:], strict=True):
        if len(cells) != len(rows[0]):
            raise ScaffoldError(f"has {len(cells)} cells where the header has {len(rows[0])}", path=path, line=line)
    house.seeds.append(SeedFile(path, text, rows[0], tuple(rows[1:]), tuple(lines[1:])))


def _add_module(house: Warehouse, path: str, text: str) -> None:
    house.modules.append(SourceModule(path, text, ast.parse(text)))


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ScaffoldError(
            f"is no YAML: {getattr(error, 'problem', error)}", line=mark.line + 1 if mark else 0
        ) from error


def _add_unit_test(house: Warehouse, path: str, text: str) -> None:
    document = _yaml(text) or {}
    tests = document.values() if isinstance(document, dict) else ()
    house.tested_models |= {str(test.get("model", "")) for test in tests if isinstance(test, dict)}


def _add_declared(house: Warehouse, path: str, text: str) -> None:
    for entry in _yaml(text) or ():
        columns = {str(name).lower(): str(type_) for name, type_ in (entry.get("columns") or {}).items()}
        house.declared[str(entry["name"])] = columns


def _add_sample(house: Warehouse, path: str, text: str) -> None:
    document = json.loads(text)
    if isinstance(document, dict) and {"columns", "records"} <= document.keys():
        house.samples[".".join(Path(path).stem.split("__", 1))] = document
