"""The part of the facts that plain files tell: read anew at each change, for it takes no process and no import."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import Any

from dagster_playbook.facts.facts import CatalogFact, RefFact
from dagster_playbook.platform.services_reader import read_catalogs, read_make_targets, read_references
from dagster_playbook.settings import Settings


@dataclass
class LocalPart:
    """Catalogs, references, make targets, and the values that come from them and from pyproject.toml."""

    catalogs: dict[str, CatalogFact] = field(default_factory=dict)
    refs: dict[str, RefFact] = field(default_factory=dict)
    make_targets: tuple[str, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def tell(self, origin: str, values: dict[str, Any]) -> None:
        """Add values that all come from one file."""
        self.values |= values
        self.origins |= dict.fromkeys(values, origin)


def local_part(settings: Settings) -> LocalPart:
    """Read the files that `settings` name.

    Raises:
        PlatformError: one of them is missing or malformed.
    """
    part = LocalPart(
        catalogs=read_catalogs(settings.root, settings.catalogs),
        refs=read_references(settings.root, settings.references),
        make_targets=read_make_targets(settings.root, settings.makefile),
    )
    _tell_catalogs(part, settings)
    _tell_references(part, settings)
    if part.make_targets:
        part.tell(
            settings.makefile, {"make.targets": list(part.make_targets), "make.targets.count": len(part.make_targets)}
        )
    _tell_project(part, settings)
    part.sources = _sources(settings)
    return part


def _tell_catalogs(part: LocalPart, settings: Settings) -> None:
    if not part.catalogs:
        return
    names = sorted(part.catalogs)
    part.tell(settings.catalogs, {"trino.catalogs": names, "trino.catalogs.count": len(names)})
    for name, catalog in part.catalogs.items():
        told = {"ref": catalog.ref, "type": catalog.type, "connector": catalog.properties.get("connector.name", "")}
        part.tell(catalog.path, {f"trino.catalogs.{name}.{key}": value for key, value in told.items() if value})


def _tell_references(part: LocalPart, settings: Settings) -> None:
    if not part.refs:
        return
    values: dict[str, Any] = {"nessie.refs": sorted(part.refs), "nessie.refs.count": len(part.refs)}
    for kind, single, several in (("BRANCH", "nessie.branch", "nessie.branches"), ("TAG", "nessie.tag", "nessie.tags")):
        names = sorted(ref.name for ref in part.refs.values() if ref.kind == kind)
        values |= {several: names, f"{several}.count": len(names)}
        if len(names) == 1:
            values[single] = names[0]
    values |= {f"nessie.refs.{ref.name}.kind": ref.kind for ref in part.refs.values()}
    part.tell(settings.references, values)


def _tell_project(part: LocalPart, settings: Settings) -> None:
    try:
        document = tomllib.loads((settings.root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return
    project = document.get("project", {})
    told = {
        "python.requires": project.get("requires-python"),
        "project.name": project.get("name"),
        "project.version": project.get("version"),
        "project.license": project.get("license"),
        "playbook.schema": settings.schema,
    }
    part.tell("pyproject.toml", {key: value for key, value in told.items() if isinstance(value, str) and value})


def _sources(settings: Settings) -> dict[str, str]:
    sources = {
        "sqlmesh": ", ".join(project.path for project in settings.sqlmesh),
        "dagster": ", ".join(location.module for location in settings.dagster),
        "instance": ", ".join(location.instance for location in settings.dagster if location.instance),
        "catalogs": settings.catalogs,
        "references": settings.references,
        "makefile": settings.makefile if (settings.root / settings.makefile).is_file() else "",
        "commands": ", ".join(settings.commands),
    }
    return {key: value for key, value in sources.items() if value}
