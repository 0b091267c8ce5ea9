"""What tells the rows of each model apart, as the SQLMesh project says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagster_playbook.diff.model import Grain
from dagster_playbook.settings import Settings

if TYPE_CHECKING:
    from sqlmesh.core.model import Model

_UNIQUE_AUDITS = ("unique_values", "unique_combination_of_columns")


def model_grains(settings: Settings) -> dict[str, Grain]:
    """The grain of each model that has one, by its dotted name without a catalog, e.g. `oso.projects_v1`.

    A model's own `grain` comes first, then the unique key of its kind, then an audit of unique columns.

    Raises:
        PlatformError: SQLMesh refuses the project.
    """
    from sqlglot import exp

    from dagster_playbook.workers.sqlmesh_reader import open_context

    found: dict[str, Grain] = {}
    for project in settings.sqlmesh:
        for model in open_context(settings.root, project).models.values():
            table = exp.to_table(model.fqn)
            if grain := _grain_of(model):
                found[f"{table.db}.{table.name}"] = grain
    return found


def _grain_of(model: Model) -> Grain | None:
    if columns := _names(model.grains):
        return Grain(columns, "grain")
    if columns := _names(model.unique_key):
        # of a model that keeps history a key stands for several rows, one for each time
        history = (model.kind.valid_from_name.name,) if model.kind.is_scd_type_2 else ()  # type: ignore[union-attr]
        return Grain((*columns, *history), "unique key")
    for name, arguments in model.audits:
        if name in _UNIQUE_AUDITS and (columns := _names(_listed(arguments.get("columns")))):
            unique = columns if name != "unique_values" else columns[:1]
            return Grain(unique, "audit")
    return None


def _listed(columns: Any) -> list[Any]:
    from sqlglot import exp

    if isinstance(columns, exp.Tuple | exp.Array):
        return list(columns.expressions)
    if isinstance(columns, exp.Paren):
        return [columns.this]
    return list(columns) if isinstance(columns, list | tuple) else [columns]


def _names(columns: Any) -> tuple[str, ...]:
    """The names of plain columns; nothing when one is computed, e.g. `coalesce(a, '')`."""
    from sqlglot import exp

    found: list[str] = []
    for entry in columns or ():
        parts = entry.expressions if isinstance(entry, exp.Tuple) else [entry]
        for part in parts:
            inner = part.this if isinstance(part, exp.Paren) else part
            if not isinstance(inner, exp.Column | exp.Identifier):
                return ()
            found.append(inner.name)
    return tuple(found)
