"""A SQLMesh project as plain facts: loaded once, by SQLMesh itself, without asking its state or its engine."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlmesh.core.analytics import disable_analytics
from sqlmesh.core.config import DuckDBConnectionConfig
from sqlmesh.core.console import NoopConsole, set_console
from sqlmesh.core.context import Context
from sqlmesh.core.model import Model, ModelKindName, SeedKind, SeedModel

from dagster_playbook.errors import PlatformError
from dagster_playbook.facts.facts import ModelFact
from dagster_playbook.failure import platform_error
from dagster_playbook.settings import SqlmeshProject
from dagster_playbook.workers.sqlmesh_releases import cache_in, open_unloaded, selector_class, values_of

CONFIG_NAMES = ("config.yaml", "config.yml", "config.py")


class ReadOnlyContext(Context):
    """SQLMesh's Context for reading: it connects to nothing."""

    @cached_property
    def default_catalog_per_gateway(self) -> dict[str, str]:
        """The catalogs that the connections' own settings name; an engine is asked only if it is DuckDB in memory."""
        catalogs: dict[str, str] = {}
        for gateway, adapter in self.engine_adapters.items():
            if adapter.catalog_support.is_unsupported:
                continue
            connection = self.config.get_connection(gateway)
            named = connection.get_catalog()
            if named is None and isinstance(connection, DuckDBConnectionConfig):
                named = adapter.default_catalog
            if named:
                catalogs[gateway] = named
        return catalogs


def open_context(root: Path, project: SqlmeshProject) -> ReadOnlyContext:
    """Load the project.

    Raises:
        PlatformError: there is no project, or SQLMesh refuses it; names the file and line where they are known.
    """
    folder = root / project.path
    if not folder.is_dir():
        cure = "name the project's folder in [[tool.playbook.sqlmesh]] of pyproject.toml"
        raise PlatformError("there is no SQLMesh project here", cure=cure, path=project.path)
    config = next((name for name in CONFIG_NAMES if (folder / name).is_file()), "")
    if not config:
        cure = "run `sqlmesh init` there, or name another folder in [[tool.playbook.sqlmesh]]"
        raise PlatformError("a SQLMesh project has a config.yaml or config.py", cure=cure, path=project.path)
    disable_analytics()
    set_console(NoopConsole())
    within = (Path(project.path) / config).as_posix()
    try:
        context: ReadOnlyContext = open_unloaded(ReadOnlyContext, folder, project.gateway)
        within = project.path
        # SQLMesh hands models from one step to the next through its cache; here it lives for one load, so that
        # nothing that it keeps by time stamp gets stale
        with tempfile.TemporaryDirectory(prefix="playbook-sqlmesh-") as cache, cache_in(context, Path(cache)):
            context.load()
        return context
    except Exception as error:
        cure = f"make `sqlmesh -p {project.path} info --skip-connection` succeed"
        raise platform_error(error, "SQLMesh cannot load the project", cure, root, within=within) from error


def read_models(context: Context, root: Path, project: SqlmeshProject) -> dict[str, ModelFact]:
    """Every model by its name as written, external tables included, in the order of their names."""
    models = sorted(context.models.values(), key=lambda model: str(model.name))
    return {str(model.name): _model(model, root, project) for model in models}


def _model(model: Model, root: Path, project: SqlmeshProject) -> ModelFact:
    path = Path(model._path) if model._path else root / project.path
    return ModelFact(
        name=str(model.name),
        fqn=str(model.fqn),
        kind=str(model.kind.name.value),
        columns={name: kind.sql(dialect=model.dialect) for name, kind in (model.columns_to_types or {}).items()},
        tags=tuple(model.tags),
        cron=str(model.cron),
        depends_on=tuple(sorted(model.depends_on or ())),
        audits=tuple(name for name, _ in model.audits),
        owner=model.owner or "",
        description=model.description or "",
        path=_relative(path, root),
        line=_line_of(path, str(model.name)),
        dialect=str(model.dialect or ""),
        project=project.path,
    )


def _line_of(path: Path, name: str) -> int:
    """The line where a model states its name, else where its definition starts, else the first."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return 1
    quoted = re.escape(name)
    for pattern in (
        rf"\bname\s*[=:]?\s*[\"'`]?{quoted}\b",
        rf"[\"']{quoted}[\"']",
        r"(?im)^\s*(?:JINJA_)?MODEL\b|^@model\b",
    ):
        if found := re.search(pattern, text):
            return text.count("\n", 0, found.start()) + 1
    return 1


def project_values(context: Context, models: dict[str, ModelFact], project: SqlmeshProject) -> dict[str, Any]:
    """What prose may state about the project, under `sqlmesh.`; kinds in lower case: `sqlmesh.models.seed.count`."""
    own = [model for model in models.values() if model.kind != "EXTERNAL"]
    config = context.config
    values: dict[str, Any] = {
        "sqlmesh.project": project.path,
        "sqlmesh.models.count": len(own),
        "sqlmesh.external_models.count": len(models) - len(own),
        "sqlmesh.selector": selector_class(context).__name__,
        "sqlmesh.default_gateway": context.selected_gateway,
        "sqlmesh.gateways": sorted(config.gateways) if isinstance(config.gateways, dict) else [],
        "sqlmesh.catalog": context.default_catalog or "",
        "sqlmesh.dialect": config.dialect or "",
        "sqlmesh.default_target_environment": config.default_target_environment,
        "sqlmesh.environment_ttl": config.environment_ttl,
        "sqlmesh.snapshot_ttl": config.snapshot_ttl,
        "sqlmesh.linter.enabled": config.linter.enabled,
        "sqlmesh.audits.count": len(context._audits) + len(context._standalone_audits),
        **values_of(context),
    }
    for default in ("cron", "start", "owner"):
        if (value := getattr(config.model_defaults, default, None)) is not None:
            values[f"sqlmesh.model_defaults.{default}"] = str(value)
    values |= _counts(own) | _gateways(context)
    for model in context.models.values():
        if isinstance(model, SeedModel):
            values[f"sqlmesh.models.{model.name}.rows.count"] = _seed_rows(model)
    return values


def _counts(models: list[ModelFact]) -> dict[str, Any]:
    kinds = Counter(model.kind.lower() for model in models)
    tags = Counter(tag for model in models for tag in model.tags)
    values: dict[str, Any] = {f"sqlmesh.models.{kind}.count": count for kind, count in sorted(kinds.items())}
    values |= {"sqlmesh.kinds": sorted(kinds), "sqlmesh.tags": sorted(tags), "sqlmesh.tags.count": len(tags)}
    values |= {f"sqlmesh.tags.{tag}.count": count for tag, count in sorted(tags.items())}
    for key in {tag.partition("=")[0] for tag in tags if "=" in tag}:
        values[f"sqlmesh.tags.{key}"] = sorted(tag.partition("=")[2] for tag in tags if tag.startswith(f"{key}="))
    for key in {tag.split("=", 1)[0] for tag in tags if "=" in tag}:
        values[f"sqlmesh.tags.{key}.values"] = sorted(t.split("=", 1)[1] for t in tags if t.startswith(f"{key}="))
    values["sqlmesh.model_kinds"] = sorted(kind.value for kind in ModelKindName)
    for model in models:
        values[f"sqlmesh.models.{model.name}.kind"] = model.kind
        values[f"sqlmesh.models.{model.name}.cron"] = model.cron
        values[f"sqlmesh.models.{model.name}.columns.count"] = len(model.columns)
    return values


def _gateways(context: Context) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, catalog in context.default_catalog_per_gateway.items():
        values[f"sqlmesh.gateways.{name}.type"] = context.config.get_connection(name).type_
        values[f"sqlmesh.gateways.{name}.catalog"] = catalog
    return values


def _seed_rows(model: SeedModel) -> int:
    assert isinstance(model.kind, SeedKind)
    settings = model.kind.csv_settings
    rows = csv.reader(
        io.StringIO(model.seed.content),
        delimiter=(settings and settings.delimiter) or ",",
        quotechar=(settings and settings.quotechar) or '"',
    )
    return max(sum(1 for row in rows if row) - 1, 0)


def _relative(path: Path, root: Path) -> str:
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return path.as_posix()
