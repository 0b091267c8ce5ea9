"""Properties of a MODEL block, read off its syntax tree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlglot import exp
from sqlmesh.core.model.kind import ModelKindName

from dagster_playbook.workers.sqlmesh_releases import EXPRESSION

#: how much of a seed's file is read, about
SEED_BYTES = 1 << 16


def seed_head(block: exp.Expr, folder: Path) -> str:
    """The head of a seed's file; one that is not there yet is stood in for: a page may show what is to be written.

    `folder` is the project's. A path that leads out of the project leads nowhere: a page is not to have any file read.
    """
    kind = property_of(block, "kind")
    folder = folder.resolve()
    for item in kind.expressions if kind is not None and kind_of(block) == ModelKindName.SEED.value else ():
        if item.name.lower() == "path" and (value := item.args.get("value")) is not None:
            named = Path(value.name.replace("$root", "."))
            for path in _candidates(folder, named):
                if path.is_file() and path.is_relative_to(folder):
                    with path.open(encoding="utf-8", errors="replace") as stream:
                        return "".join(stream.readlines(SEED_BYTES))
    return ",".join(declared_columns(block) or ["column_1"]) + "\n"


def _candidates(folder: Path, named: Path) -> Iterator[Path]:
    """Where a seed's path may lead: it is relative to the model's file, and a page does not say where that is."""
    yield (folder / named).resolve()
    if (folder / "models").is_dir():
        for home in [folder / "models", *(path for path in (folder / "models").rglob("*") if path.is_dir())]:
            yield (home / named).resolve()


def kind_of(block: exp.Expr) -> str:
    """The kind as the block writes it, in upper case; "" when it writes none."""
    kind = property_of(block, "kind")
    return str(getattr(kind, "this", "") or getattr(kind, "name", "")).upper() if kind is not None else ""


def declared_columns(block: exp.Expr) -> list[str]:
    """The names of the columns that the block declares."""
    columns = property_of(block, "columns")
    return [item.name for item in columns.expressions] if columns is not None else []


def property_of(block: exp.Expr, name: str) -> exp.Expr | None:
    """The value of a property, None when the block does not have it."""
    for item in block.expressions:
        if isinstance(item, exp.Property) and item.name.lower() == name:
            value = item.args.get("value")
            return value if isinstance(value, EXPRESSION) else None
    return None
