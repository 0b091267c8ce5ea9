"""The table of services; a new one is a new module and a new row."""

from __future__ import annotations

from collections.abc import Mapping

from dagster_playbook.stack.bigquery_emulator import BIGQUERY
from dagster_playbook.stack.service import Service
from dagster_playbook.stack.services.dagster import DAGSTER_CODE, DAGSTER_DAEMON, DAGSTER_WEB
from dagster_playbook.stack.services.lake import S3PROXY
from dagster_playbook.stack.services.nessie import NESSIE
from dagster_playbook.stack.services.postgres import POSTGRES
from dagster_playbook.stack.services.trino import TRINO

#: by name, in the order in which `status` shows them
SERVICES: Mapping[str, Service] = {
    s.name: s for s in (POSTGRES, S3PROXY, NESSIE, TRINO, DAGSTER_CODE, DAGSTER_WEB, DAGSTER_DAEMON, BIGQUERY)
}
