"""What runs the platform, as digests and versions that are the same on every machine with the same commit."""

from __future__ import annotations

from importlib import metadata

from dagster_playbook.approval.canonical import sha256
from dagster_playbook.approval.sources import fingerprint
from dagster_playbook.settings import Settings

_SOURCES = (".py", ".sql", ".yaml", ".yml", ".csv", ".toml", ".properties")
_PACKAGES = ("dagster", "sqlmesh", "dagster-sqlmesh", "dagster-playbook")


def code_digest(settings: Settings) -> str:
    """SHA-256 over the sources in the folders of the Dagster code locations."""
    folders = dict.fromkeys(location.working_directory for location in settings.dagster)
    return sha256({name: fingerprint(settings.root / name, keep=_is_source) for name in folders})


def project_digests(settings: Settings) -> tuple[str, ...]:
    """The fingerprint of each SQLMesh project; the op that loads one works out the same of its own copy."""
    return tuple(sorted({fingerprint(settings.root / project.path) for project in settings.sqlmesh}))


def versions() -> dict[str, str]:
    """The versions of the packages that decide what a plan does, "" for one that is not installed."""
    return {name: _version(name) for name in _PACKAGES}


def _is_source(path: str) -> bool:
    return path.endswith(_SOURCES)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
