"""SQLMesh's settings for the reference warehouse: two gateways, one set of models.

Nothing is contacted when this file loads: `duckdb` opens its files at the first query, `trino` and its Postgres state
answer only once they are used. Every setting that differs between machines comes from the environment:

- `DAGSTER_SQLMESH_GATEWAY`: the gateway, for Dagster and for `sqlmesh` alike; `duckdb`.
- `OSO_WAREHOUSE_DATA`: directory of the DuckDB files and SQLMesh's cache; `.playbook/warehouse` in the project.
- `OSO_WAREHOUSE_BRANCH`: the branch of a restatement, by the id of its run, in place of production; DuckDB alone.
- `OSO_SQLMESH_SOURCES`: `raw` (the default) reads the tables that Dagster loads, `seeds` the samples in `seeds/`.
- `SQLMESH_TRINO_HOST`, `_PORT`, `_USER`, `_CATALOG`, `_CONCURRENT_TASKS`, `_RETRIES`: the gateway `trino`;
  127.0.0.1, 8080, sqlmesh, iceberg, 4 and 5.
- `SQLMESH_POSTGRES_HOST`, `_PORT`, `_USER`, `_PASSWORD`, `_DB`: SQLMesh's state for `trino`;
  127.0.0.1, 5432, sqlmesh, no password, sqlmesh.
"""

import os
from pathlib import Path

from sqlmesh.core.config import (
    CategorizerConfig,
    Config,
    DuckDBConnectionConfig,
    GatewayConfig,
    LinterConfig,
    ModelDefaultsConfig,
    PlanConfig,
    PostgresConnectionConfig,
    TrinoConnectionConfig,
)
from sqlmesh.core.config.common import VirtualEnvironmentMode
from sqlmesh.utils.errors import ConfigError

PROJECT = Path(__file__).resolve().parents[2]


def data_dir() -> Path:
    """The directory of everything that the embedded warehouse writes; made when missing."""
    path = Path(os.environ.get("OSO_WAREHOUSE_DATA") or PROJECT / ".playbook" / "warehouse").absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path


def files_dir() -> Path:
    """The directory of the two DuckDB files: production's, or those of the branch that is named."""
    branch = os.environ.get("OSO_WAREHOUSE_BRANCH")
    if not branch:
        return data_dir()
    path = data_dir() / "branches" / branch / "own"
    if not (path / "iceberg.duckdb").is_file():
        raise ConfigError(f"OSO_WAREHOUSE_BRANCH names the branch {branch!r}, and there are no files of it")
    return path


def duckdb_gateway() -> GatewayConfig:
    """The embedded warehouse: catalog `iceberg` and SQLMesh's state in two files, one task at a time."""
    files = files_dir()
    return GatewayConfig(
        connection=DuckDBConnectionConfig(catalogs={"iceberg": str(files / "iceberg.duckdb")}, concurrent_tasks=1),
        state_connection=DuckDBConnectionConfig(database=str(files / "state.duckdb")),
        test_connection=DuckDBConnectionConfig(catalogs={"iceberg": ":memory:"}, concurrent_tasks=1),
    )


def trino_gateway() -> GatewayConfig:
    """Trino over Iceberg and Nessie, with SQLMesh's state in Postgres."""
    env = os.environ.get
    return GatewayConfig(
        connection=TrinoConnectionConfig(
            host=env("SQLMESH_TRINO_HOST", "127.0.0.1"),
            port=int(env("SQLMESH_TRINO_PORT", "8080")),
            user=env("SQLMESH_TRINO_USER", "sqlmesh"),
            catalog=env("SQLMESH_TRINO_CATALOG", "iceberg"),
            http_scheme="http",
            concurrent_tasks=int(env("SQLMESH_TRINO_CONCURRENT_TASKS", "4")),
            retries=int(env("SQLMESH_TRINO_RETRIES", "5")),
            # Iceberg keeps microseconds and nothing else; Trino's bare TIMESTAMP means milliseconds.
            timestamp_mapping={"TIMESTAMP": "TIMESTAMP(6)"},
        ),
        state_connection=PostgresConnectionConfig(
            host=env("SQLMESH_POSTGRES_HOST", "127.0.0.1"),
            port=int(env("SQLMESH_POSTGRES_PORT", "5432")),
            user=env("SQLMESH_POSTGRES_USER", "sqlmesh"),
            password=env("SQLMESH_POSTGRES_PASSWORD", ""),
            database=env("SQLMESH_POSTGRES_DB", "sqlmesh"),
        ),
        test_connection=DuckDBConnectionConfig(catalogs={"iceberg": ":memory:"}, concurrent_tasks=1),
    )


config = Config(
    gateways={"duckdb": duckdb_gateway(), "trino": trino_gateway()},
    default_gateway=os.environ.get("DAGSTER_SQLMESH_GATEWAY") or "duckdb",
    model_defaults=ModelDefaultsConfig(dialect="trino", start="2026-01-01", cron="@daily", owner="data-platform"),
    # Production models are plain tables: a view that names `iceberg` reads main, through whichever catalog it is read.
    virtual_environment_mode=VirtualEnvironmentMode.DEV_ONLY,
    default_target_environment="prod",
    plan=PlanConfig(auto_categorize_changes=CategorizerConfig.all_full()),
    before_all=["@require_sources()"],
    variables={"sources": os.environ.get("OSO_SQLMESH_SOURCES", "raw")},
    linter=LinterConfig(
        enabled=True,
        rules={"ambiguousorinvalidcolumn", "invalidselectstarexpansion", "nomissingaudits"},
    ),
    cache_dir=str(data_dir() / "cache"),
    disable_anonymized_analytics=True,
)
