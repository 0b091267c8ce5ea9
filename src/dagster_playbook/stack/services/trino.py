"""Trino with the two Iceberg catalogs, straight from the committed property files."""

from __future__ import annotations

from dagster_playbook.stack.health import ask_json
from dagster_playbook.stack.ports import LOOPBACK
from dagster_playbook.stack.properties import read_flags
from dagster_playbook.stack.service import Context, NotReadyError, Service
from dagster_playbook.stack.services.lake import s3_environment
from dagster_playbook.stack.services.nessie import nessie_environment


def environment(context: Context) -> dict[str, str]:
    """The variables of trino/config.properties and of the catalogs."""
    return {
        **s3_environment(context),
        **nessie_environment(context),
        "TRINO_HOST": LOOPBACK,
        "TRINO_BIND": LOOPBACK,
        "TRINO_HTTP_PORT": str(context.ports["trino"]),
        "TRINO_CATALOGS": str(context.config / "trino" / "catalog"),
    }


def argv(context: Context) -> list[str]:
    """The server's main class, as Trino's own launcher runs it."""
    home = context.places["trino"]
    folder = context.room.data / "trino"
    flags = read_flags(context.config / "trino" / "jvm.config")
    return [
        context.java(),
        *(context.jdk.usable(flags) if context.jdk else flags),
        f"-Dnode.id=playbook-{context.room.name}",
        f"-Dnode.data-dir={folder}",
        f"-Dplugin.dir={home / 'plugin'}",
        f"-Dconfig={context.config / 'trino' / 'config.properties'}",
        "-cp",
        f"{home / 'lib'}/*",
        "io.trino.server.TrinoServer",
    ]


def prepare(context: Context) -> None:
    """Make the node's data folder."""
    (context.room.data / "trino").mkdir(parents=True, exist_ok=True)


def probe(context: Context) -> None:
    """Ready when the coordinator has started and counts itself among the nodes that can run a query."""
    if ask_json(context.ports["trino"], "/v1/info").get("starting"):
        raise NotReadyError("the server is still starting")
    status = ask_json(context.ports["trino"], "/v1/status")
    if not status.get("nodeId"):
        raise NotReadyError("the node has no id yet")


def settle(context: Context) -> None:
    """Run one query, since a coordinator that answers may still wait for its own worker."""
    from dagster_playbook.services.trino_query import TrinoQuery

    TrinoQuery(LOOPBACK, context.ports["trino"]).wait_for_workers()


TRINO = Service(
    name="trino",
    title="Trino",
    needs=("nessie", "s3proxy"),
    ports=("trino",),
    artifacts=("trino", "trino-iceberg"),
    argv=argv,
    environment=environment,
    folder=lambda context: context.room.data / "trino",
    probe=probe,
    prepare=prepare,
    settle=settle,
    ready_s=120.0,
    is_java=True,
)
