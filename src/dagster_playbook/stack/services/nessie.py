"""Nessie: the Iceberg REST catalog with branches and tags, its references kept in Postgres."""

from __future__ import annotations

from dagster_playbook.stack.health import ask_json
from dagster_playbook.stack.ports import LOOPBACK
from dagster_playbook.stack.properties import read_flags
from dagster_playbook.stack.room import read_json
from dagster_playbook.stack.service import Context, Service
from dagster_playbook.stack.services.lake import s3_environment


def nessie_environment(context: Context) -> dict[str, str]:
    """What the templates ask for to reach Nessie."""
    return {"NESSIE_HOST": LOOPBACK, "NESSIE_PORT": str(context.ports["nessie"])}


def environment(context: Context) -> dict[str, str]:
    """The variables of nessie/application.properties."""
    return {
        **s3_environment(context),
        "NESSIE_BIND": LOOPBACK,
        "NESSIE_PORT": str(context.ports["nessie"]),
        "NESSIE_MANAGEMENT_PORT": str(context.ports["nessie.management"]),
        "POSTGRES_HOST": LOOPBACK,
        "POSTGRES_PORT": str(context.ports["postgres"]),
        "POSTGRES_USER": context.credentials.postgres_user,
        "POSTGRES_PASSWORD": context.credentials.postgres_password,
    }


def argv(context: Context) -> list[str]:
    """The runner jar with the committed settings, whose ${NAME} Quarkus fills from the environment."""
    flags = read_flags(context.config / "nessie" / "jvm.config")
    settings = (context.config / "nessie" / "application.properties").as_uri()
    location = f"-Dsmallrye.config.locations={settings}"
    return [context.java(), *flags, location, "-jar", str(context.places["nessie"])]


def probe(context: Context) -> None:
    """Ready when the REST API tells its own settings and the Iceberg side tells its prefix."""
    ask_json(context.ports["nessie"], "/api/v2/config")
    ask_json(context.ports["nessie"], "/iceberg/v1/config")


def settle(context: Context) -> None:
    """Create the references that the project names and that are missing, at the head of the default branch."""
    from dagster_playbook.services.nessie import NessieClient
    from dagster_playbook.services.nessie_model import RefKind

    wanted = read_json(context.config / "nessie" / "references.json")
    with NessieClient(context.url("nessie", "/api/v2")) as client:
        there = {reference.name for reference in client.list_references()}
        for name, kind in wanted.items():
            if name not in there:
                client.create_reference(name, RefKind(kind), client.default_branch())


NESSIE = Service(
    name="nessie",
    title="Nessie",
    needs=("postgres", "s3proxy"),
    after=("postgres",),
    ports=("nessie", "nessie.management"),
    artifacts=("nessie",),
    argv=argv,
    environment=environment,
    probe=probe,
    settle=settle,
    ready_s=90.0,
    is_java=True,
)
