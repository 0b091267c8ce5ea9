"""What the code location reads from its environment, in one place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dagster_playbook.branch.branches import Branches
from dagster_playbook.lake.garbage import LOCATION

WAREHOUSE = Path(__file__).resolve().parents[1]
PROJECT = WAREHOUSE.parent
SQLMESH_PROJECT = WAREHOUSE / "oso_sqlmesh"
PRODUCTION = "prod"
DEVELOPMENT = "dev"
# Whatever writes to the warehouse is in this pool; dagster.yaml gives it one slot.
POOL = "sqlmesh"


def gateway() -> str:
    """SQLMesh's gateway: `DAGSTER_SQLMESH_GATEWAY`, `duckdb` when unset."""
    return os.environ.get("DAGSTER_SQLMESH_GATEWAY") or "duckdb"


def data_dir() -> Path:
    """Home of the embedded warehouse and the evidence: `OSO_WAREHOUSE_DATA`, `.playbook/warehouse` when unset."""
    return Path(os.environ.get("OSO_WAREHOUSE_DATA") or PROJECT / ".playbook" / "warehouse").absolute()


def branches() -> Branches | None:
    """The branches of the embedded warehouse; None on another gateway."""
    if gateway() != "duckdb":
        return None
    return Branches(data_dir(), ("iceberg.duckdb", "state.duckdb"), "iceberg")


def approval_required() -> bool:
    """Whether a restatement needs an approval: yes, unless `OSO_RESTATEMENT_APPROVAL` is `off` for this deployment."""
    return os.environ.get("OSO_RESTATEMENT_APPROVAL") != "off"


def approvers() -> Path:
    """Who may approve: the project's policy, or on the embedded warehouse the keys that were made for trying it out."""
    trial = PROJECT / ".playbook" / "approvers"
    return trial if gateway() == "duckdb" and trial.is_dir() else PROJECT / "runbooks" / "approvers"


def git_repository() -> Path:
    """The repository whose history is a source: `OSO_GIT_REPOSITORY`, this project when unset."""
    return Path(os.environ.get("OSO_GIT_REPOSITORY") or PROJECT).absolute()


@dataclass(frozen=True, slots=True)
class NessieSettings:
    """How to reach Nessie.

    Attributes:
        uri: base of the REST API, e.g. `http://127.0.0.1:19120/api/v2`.
        branch: the reference that Trino writes to.
        tag: the reference that consumers read.
        timeout_s: seconds to wait for any one answer.
    """

    uri: str
    branch: str = "main"
    tag: str = "consumer"
    timeout_s: float = 30.0


def nessie() -> NessieSettings:
    """Nessie's address and references from `NESSIE_URI`, `NESSIE_BRANCH`, `NESSIE_CONSUMER_TAG`, `NESSIE_TIMEOUT_S`."""
    env = os.environ.get
    return NessieSettings(
        uri=env("NESSIE_URI") or "http://127.0.0.1:19120/api/v2",
        branch=env("NESSIE_BRANCH") or "main",
        tag=env("NESSIE_CONSUMER_TAG") or "consumer",
        timeout_s=float(env("NESSIE_TIMEOUT_S") or "30"),
    )


def warehouse_location() -> str:
    """The folder of all tables: `NESSIE_WAREHOUSE_LOCATION`, e.g. `s3://lake/warehouse`, which it is when unset."""
    return os.environ.get("NESSIE_WAREHOUSE_LOCATION") or LOCATION
