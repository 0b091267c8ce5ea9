"""Dagster on the project's own code location: one code server, and beside it the webserver and the daemon.

One code server for both saves a second copy of the code location in memory. Its storage is the stack's Postgres;
everything else of the instance is what the project's own dagster.yaml says.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

from dagster_playbook.durable import write_whole
from dagster_playbook.errors import StackError
from dagster_playbook.settings import CodeLocation, load_settings
from dagster_playbook.stack.health import ask_json
from dagster_playbook.stack.ports import LOOPBACK
from dagster_playbook.stack.processes import read_record
from dagster_playbook.stack.service import Context, NotReadyError, Service
from dagster_playbook.stack.variables import platform_variables

GROUP = "dagster"
_LOCATIONS = """
{ workspaceOrError { __typename
    ... on Workspace { locationEntries { name loadStatus locationOrLoadError { __typename
      ... on PythonError { message } } } }
    ... on PythonError { message } } }
"""
_DAEMONS = """
{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy lastHeartbeatTime } } } }
"""


def home(context: Context) -> Path:
    """DAGSTER_HOME: the generated dagster.yaml, compute logs and run outputs."""
    return context.room.data / "dagster"


def code_location(context: Context) -> CodeLocation:
    """The code location that the project names.

    Raises:
        StackError: it names none.
    """
    locations = load_settings(context.project).dagster
    if not locations:
        raise StackError(
            "the project names no Dagster code location",
            cure="add [[tool.playbook.dagster]] to pyproject.toml, or start with --without dagster",
        )
    return locations[0]


def environment(context: Context) -> dict[str, str]:
    """What the platform's own code reads, and Dagster's home."""
    return {
        **platform_variables(context),
        "DAGSTER_HOME": str(home(context)),
        "DAGSTER_POSTGRES_PASSWORD": context.credentials.postgres_password,
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
        "PYTHONUNBUFFERED": "1",
        # Dagster starts its own commands by name.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
    }


def prepare(context: Context) -> None:
    """Write the instance's dagster.yaml: the project's own, with the storage put onto the stack's Postgres."""
    import yaml

    home(context).mkdir(parents=True, exist_ok=True)
    named = code_location(context).instance
    document: dict[str, Any] = {}
    if named:
        try:
            document = yaml.safe_load((context.project / named).read_text(encoding="utf-8")) or {}
        except (OSError, yaml.YAMLError) as error:
            raise StackError(f"cannot be read: {error}", path=named) from error
    instance = {k: v for k, v in document.items() if k not in _REPLACED} | _on_postgres(context)
    write_whole(home(context) / "dagster.yaml", yaml.safe_dump(instance, sort_keys=False))


#: parts of the project's instance settings that a stack answers by itself
_REPLACED = (
    "storage",
    "run_storage",
    "event_log_storage",
    "schedule_storage",
    "compute_logs",
    "local_artifact_storage",
)


def _on_postgres(context: Context) -> dict[str, Any]:
    url = {
        "hostname": LOOPBACK,
        "port": context.ports["postgres"],
        "username": context.credentials.postgres_user,
        "password": {"env": "DAGSTER_POSTGRES_PASSWORD"},
        "db_name": "dagster",
        # dagster-postgres needs psycopg2; SQLAlchemy 2.1 would take psycopg for a bare `postgresql`.
        "scheme": "postgresql+psycopg2",
    }
    return {"storage": {"postgres": {"postgres_db": url}}, "telemetry": {"enabled": False}}


def code_argv(context: Context) -> list[str]:
    """Dagster's code server on the project's code location; it can be reloaded from the web page."""
    location = code_location(context)
    arguments = [sys.executable, "-m", "dagster", "code-server", "start", "--host", LOOPBACK]
    arguments += ["--port", str(context.ports["dagster-code"]), "--location-name", location.module]
    arguments += ["--module-name", location.module, "--working-directory", str(_working_directory(context))]
    return arguments + (["--attribute", location.attribute] if location.attribute else [])


def _working_directory(context: Context) -> Path:
    return (context.project / code_location(context).working_directory).resolve()


def code_probe(context: Context) -> None:
    """Ready when the code server answers Dagster's health question, which it does once the code is loaded."""
    # By name, since gRPC ships no types.
    grpc: Any = importlib.import_module("grpc")
    messages: Any = importlib.import_module("grpc_health.v1.health_pb2")
    stubs: Any = importlib.import_module("grpc_health.v1.health_pb2_grpc")
    channel = grpc.insecure_channel(f"{LOOPBACK}:{context.ports['dagster-code']}")
    try:
        answer = stubs.HealthStub(channel).Check(messages.HealthCheckRequest(service="DagsterApi"), timeout=5)
    except grpc.RpcError as error:
        raise NotReadyError(f"the code server does not answer: {error}") from error
    finally:
        channel.close()
    if answer.status != messages.HealthCheckResponse.SERVING:
        raise NotReadyError("the code server is loading")


def _asked_of(context: Context) -> list[str]:
    return ["--grpc-host", LOOPBACK, "--grpc-port", str(context.ports["dagster-code"])]


def web_argv(context: Context) -> list[str]:
    """Dagster's webserver on the code server."""
    port = str(context.ports["dagster-web"])
    return [sys.executable, "-m", "dagster_webserver", "--host", LOOPBACK, "--port", port, *_asked_of(context)]


def daemon_argv(context: Context) -> list[str]:
    """Dagster's daemon on the code server: queue, schedules, sensors and run retries."""
    return [sys.executable, "-m", "dagster._daemon", "run", *_asked_of(context)]


def _graphql(context: Context, query: str) -> Any:
    import json

    body = json.dumps({"query": query})
    return ask_json(context.ports["dagster-web"], "/graphql", method="POST", body=body)["data"]


def web_probe(context: Context) -> None:
    """Ready when GraphQL tells that the code location is loaded."""
    workspace = _graphql(context, _LOCATIONS)["workspaceOrError"]
    if workspace["__typename"] != "Workspace":
        raise NotReadyError(workspace.get("message", "no workspace"))
    for entry in workspace["locationEntries"]:
        problem = entry["locationOrLoadError"] or {}
        if entry["loadStatus"] != "LOADED" or problem.get("__typename") == "PythonError":
            raise NotReadyError(f"{entry['name']}: {problem.get('message') or entry['loadStatus']}")


def daemon_probe(context: Context) -> None:
    """Ready when every daemon that the instance requires has sent a heartbeat since it was started.

    The webserver calls a daemon healthy by the heartbeats of an earlier one, too.
    """
    record = read_record(context.room, "dagster-daemon")
    since_s = record.created_s if record else 0.0
    statuses = _graphql(context, _DAEMONS)["instance"]["daemonHealth"]["allDaemonStatuses"]
    ill = [
        s["daemonType"]
        for s in statuses
        if s["required"] and not (s["healthy"] and (s["lastHeartbeatTime"] or 0.0) >= since_s)
    ]
    if ill:
        raise NotReadyError("no heartbeat of " + ", ".join(ill))


DAGSTER_CODE = Service(
    name="dagster-code",
    title="Dagster code server",
    group=GROUP,
    needs=("postgres",),
    after=("postgres",),
    ports=("dagster-code",),
    argv=code_argv,
    environment=environment,
    folder=_working_directory,
    prepare=prepare,
    probe=code_probe,
    ready_s=120.0,
    inherits=True,
)
DAGSTER_WEB = Service(
    name="dagster-web",
    title="Dagster webserver",
    group=GROUP,
    needs=("postgres", "dagster-code"),
    after=("dagster-code",),
    ports=("dagster-web",),
    argv=web_argv,
    environment=environment,
    folder=home,
    probe=web_probe,
    ready_s=120.0,
    inherits=True,
)
DAGSTER_DAEMON = Service(
    name="dagster-daemon",
    title="Dagster daemon",
    group=GROUP,
    # After the webserver, since two processes that create the storage's tables at once trip over each other.
    needs=("postgres", "dagster-code", "dagster-web"),
    after=("dagster-web",),
    argv=daemon_argv,
    environment=environment,
    folder=home,
    probe=daemon_probe,
    ready_s=120.0,
    inherits=True,
)
