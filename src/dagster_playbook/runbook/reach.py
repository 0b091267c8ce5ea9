"""How a run reaches the platform, and whether what a runbook needs is there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dagster_playbook.claims.runbook_model import Runbook
from dagster_playbook.errors import PlatformError, RunbookError
from dagster_playbook.runbook.store import Store
from dagster_playbook.services.dagster_runs import Dagster, EmbeddedDagster
from dagster_playbook.services.living import Started
from dagster_playbook.settings import Settings

#: need -> environment variables that have to be set for it
_VARIABLES = {
    "stack": ("TRINO_HOST", "NESSIE_URI"),
    "trino": ("TRINO_HOST",),
    "nessie": ("NESSIE_URI",),
}


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told of the processes that execute jobs here; see `EmbeddedDagster`."""

    written_down: Callable[[str, Started], None]
    finished: Callable[[Path], None]


def open_dagster(settings: Settings, folder: Path, url: str = "", watch: Watch | None = None) -> Dagster:
    """The deployed Dagster at a URL, or else the project's code location on the embedded instance.

    The instance is `DAGSTER_HOME` when that is set, else `.playbook/dagster`; `folder` takes the log.

    Raises:
        PlatformError: there is neither.
    """
    if url:
        from dagster_playbook.services.dagster_graphql import DeployedDagster

        return DeployedDagster(url, token=os.environ.get("DAGSTER_TOKEN", ""))
    if not settings.dagster:
        raise PlatformError("no Dagster code location", cure="set [[tool.playbook.dagster]] or give --dagster-url")
    embedded = _embedded(settings, folder)
    return replace(embedded, written_down=watch.written_down, finished=watch.finished) if watch else embedded


def _embedded(settings: Settings, folder: Path) -> EmbeddedDagster:
    log = folder / "dagster.log"
    return EmbeddedDagster(settings.root, settings.dagster[0], _home(settings), log, settings.environment)


def _home(settings: Settings) -> Path:
    named = os.environ.get("DAGSTER_HOME")
    return Path(named) if named else Store(settings.root).folder / "dagster"


def instance_variables(settings: Settings, folder: Path, url: str = "") -> dict[str, str]:
    """What a command has to be told to find the instance on which jobs run here; nothing when they run elsewhere."""
    if url or not settings.dagster:
        return {}
    embedded = _embedded(settings, folder)
    embedded.prepare_home()
    return {"DAGSTER_HOME": str(embedded.home)}


def dagster_of_records(settings: Settings, url: str) -> Dagster | None:
    """The Dagster that runs were launched on, to read its records; None when nothing was ever launched here."""
    if not url and not (settings.dagster and _home(settings).is_dir()):
        return None
    return open_dagster(settings, Store(settings.root).folder, url)


def run_config_of(settings: Settings, url: str, run_id: str) -> dict[str, Any]:
    """The run config of a Dagster run.

    Raises:
        RunbookError: there is no such run.
    """
    run = open_dagster(settings, Store(settings.root).folder / "runs", url).show(run_id)
    if run is None:
        raise RunbookError(
            f"Dagster has no run {run_id!r}", cure="its id stands in the run list and in `playbook runs`"
        )
    return run.config


def check_needs(runbook: Runbook) -> None:
    """Raises RunbookError when something that a runbook needs is not there."""
    for need in runbook.needs:
        missing = [name for name in _VARIABLES.get(need, ()) if not os.environ.get(name)]
        if missing:
            cure = "start the services with `playbook stack up` and load the variables that it prints"
            raise RunbookError(f"it needs {need}, and {missing[0]} is not set", cure=cure, path=runbook.path)
        if need == "git" and shutil.which("git") is None:
            raise RunbookError("it needs git, which is not installed", path=runbook.path)
