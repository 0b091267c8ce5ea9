"""The code location: `dagster definitions validate -m oso_dagster.definitions`, with `warehouse/` as working directory."""

import dagster as dg

from . import settings, source_assets
from .jobs import JOBS
from .sqlmesh_asset import sqlmesh_project
from .sqlmesh_resource import OsoSQLMeshResource

defs = dg.Definitions(
    assets=[*source_assets.ASSETS, sqlmesh_project],
    jobs=JOBS,
    resources={
        "sqlmesh": OsoSQLMeshResource(),
        "warehouse": source_assets.WarehouseResource(gateway=settings.gateway()),
    },
    # One process a run: a step of its own would load the SQLMesh project again, and DuckDB's file has one writer.
    executor=dg.in_process_executor,
)
