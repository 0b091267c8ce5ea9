"""The code location: `dagster definitions validate -m oso_dagster.definitions`, run in `warehouse/`."""

from dataclasses import asdict

import dagster as dg

from . import settings, source_assets
from .consumer_tag import NessieResource, assign_consumer_tag, consumer_tag_job
from .fixed import fixed
from .garbage import garbage_collection_job
from .jobs import JOBS
from .publication import publish_restatement_job, undo_restatement_job
from .sqlmesh_asset import sqlmesh_project
from .sqlmesh_resource import OsoSQLMeshResource

defs = dg.Definitions(
    assets=[*source_assets.ASSETS, sqlmesh_project, assign_consumer_tag],
    jobs=[*JOBS, consumer_tag_job, garbage_collection_job, publish_restatement_job, undo_restatement_job],
    resources={
        "sqlmesh": fixed(OsoSQLMeshResource()),
        "warehouse": source_assets.WarehouseResource(gateway=settings.gateway()),
        "nessie": fixed(NessieResource(**asdict(settings.nessie()))),
    },
    # One process a run: a step of its own would load the SQLMesh project again, and DuckDB's file has one writer.
    executor=dg.in_process_executor,
)
