"""What is installed where a platform is loaded: versions, extras, and which Python it is."""

from __future__ import annotations

import re
import sys

from dagster_playbook.interpreters.fingerprint import distributions
from dagster_playbook.interpreters.interpreter import interpreters
from dagster_playbook.settings import Settings

#: of these the versions of this process count where the platform's Python does not have them
_TOOLS = re.compile(
    r"^(mkdocs.*|pymdown-extensions|rich|pygls|pytest|pytest-examples|ruff|mypy|hypothesis|playwright|uv)$"
)
#: distributions whose versions a page may state, beside the platform's own
NAMED_DISTRIBUTIONS = re.compile(
    r"^(sqlmesh|sqlglot|dagster.*|duckdb|trino|pydantic|mkdocs.*|pymdown-extensions|google-cloud-bigquery|dlt|pyiceberg"
    r"|psycopg2-binary|click|rich|pygls|pytest|pytest-examples|ruff|mypy|hypothesis|playwright|uv)$"
)


def versions_of(settings: Settings) -> tuple[dict[str, str], dict[str, str]]:
    """Versions of what pages may name; those of a platform are its own Python's, and never this one's.

    The second part says which cannot be told, because two projects have two of them.
    """
    told: dict[str, str] = {}
    unread: dict[str, str] = {}
    for interpreter in interpreters(settings):
        for name, version in distributions(interpreter.folders).items():
            if NAMED_DISTRIBUTIONS.match(name) and told.setdefault(name, version) != version:
                unread[f"versions.{name}"] = f"projects have different ones: {told[name]} and {version}"
    own = {name: version for name, version in distributions().items() if _TOOLS.match(name)}
    return dict(sorted({**own, **{n: v for n, v in told.items() if f"versions.{n}" not in unread}}.items())), unread


def pythons_of(settings: Settings) -> dict[str, str]:
    """Which Python has answered, where it is not the one that runs this process."""
    told = [f"Python {each.version} ({each.found})" for each in interpreters(settings) if not each.is_own]
    return {"python": ", ".join(told)} if told else {}


def extras_of(distribution: str, settings: Settings) -> tuple[str, ...]:
    """The extras that an installed distribution offers, as it spells them, in the first Python that has it."""
    from importlib.metadata import distributions as found

    folders = [folder for interpreter in interpreters(settings) for folder in interpreter.folders]
    for installed in found(name=distribution, path=[*folders, *sys.path]):
        return tuple(installed.metadata.get_all("Provides-Extra") or ())
    return ()
