"""The environment variables by which the platform (SQLMesh, Dagster, scripts) finds a stack."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from dagster_playbook.stack.ports import LOOPBACK
from dagster_playbook.stack.service import Context
from dagster_playbook.stack.services.lake import REGION


def platform_variables(context: Context) -> dict[str, str]:
    """Name to value, secrets included, for whatever part of the stack has ports; in the order of the services."""
    ports, secret = context.ports, context.credentials
    found: dict[str, str] = {"PLAYBOOK_STACK": context.room.name}
    if "postgres" in ports:
        found |= _postgres("POSTGRES", context) | _postgres("SQLMESH_POSTGRES", context)
        found |= {"SQLMESH_POSTGRES_DB": "sqlmesh", "DAGSTER_POSTGRES_DB": "dagster"}
    if "s3proxy" in ports:
        found |= {
            "S3_ENDPOINT": context.url("s3proxy"),
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": secret.s3_access_key,
            "AWS_SECRET_ACCESS_KEY": secret.s3_secret_key,
        }
    if "nessie" in ports:
        found |= {
            "NESSIE_URI": context.url("nessie", "/api/v2"),
            "NESSIE_ICEBERG_URI": context.url("nessie", "/iceberg"),
        }
    if "trino" in ports:
        found |= {"TRINO_HOST": LOOPBACK, "TRINO_PORT": str(ports["trino"]), "TRINO_USER": "playbook"}
        found |= {"SQLMESH_TRINO_HOST": LOOPBACK, "SQLMESH_TRINO_PORT": str(ports["trino"])}
        found |= {"DAGSTER_SQLMESH_GATEWAY": "trino"}
    if "dagster-web" in ports:
        found |= {
            "DAGSTER_HOME": str(context.room.data / "dagster"),
            "DAGSTER_WEBSERVER_URL": context.url("dagster-web"),
        }
    if "bigquery" in ports:
        found["BIGQUERY_EMULATOR_HOST"] = context.url("bigquery")
    return found


def _postgres(prefix: str, context: Context) -> dict[str, str]:
    return {
        f"{prefix}_HOST": LOOPBACK,
        f"{prefix}_PORT": str(context.ports["postgres"]),
        f"{prefix}_USER": context.credentials.postgres_user,
        f"{prefix}_PASSWORD": context.credentials.postgres_password,
    }


def as_exports(variables: Mapping[str, str]) -> str:
    """Lines for a POSIX shell's `eval`."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
