"""Which services are meant when none is named: those of the environment, else the running default stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from dagster_playbook.errors import StackError
from dagster_playbook.stack.local import DEFAULT_CONFIG, LocalStack, home_folder
from dagster_playbook.stack.variables import platform_variables

#: by which services are found; one of them set means that the environment is meant
SERVICE_VARIABLES = ("TRINO_HOST", "NESSIE_URI", "DAGSTER_WEBSERVER_URL")


def variables_in_use(project: Path, environment: Mapping[str, str]) -> Mapping[str, str]:
    """The environment when it names a service; else the variables of what runs of the project's default stack.

    Raises:
        StackError: neither is there.
    """
    if any(environment.get(name) for name in SERVICE_VARIABLES):
        return environment
    if not (project / DEFAULT_CONFIG).is_dir():
        cure = "set " + ", ".join(SERVICE_VARIABLES[:2]) + " or give --dagster-url"
        raise StackError("no service is named to hold the pages to, and the project has no stack", cure=cure)
    stack = LocalStack.of(project, home=home_folder(project, None, environment))
    ready = {state.service for state in stack.status() if state.state == "ready"}
    if not ready & {"trino", "nessie", "dagster-web"}:
        raise StackError("no service runs to hold the pages to", cure="run: playbook stack up")
    context = stack.context()
    return platform_variables(replace(context, ports={n: p for n, p in context.ports.items() if n in ready}))
