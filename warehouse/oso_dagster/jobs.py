"""Jobs on the SQLMesh project and on the sources, with their run configuration preset."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.tags import MAX_RETRIES_TAG

from .config import SQLMeshRunConfig
from .source_assets import GROUP
from .sqlmesh_asset import OP_NAME, sqlmesh_project

Job = UnresolvedAssetJobDefinition
RESTATE_DESCRIPTION = "Restate every model tagged with the category {}, and everything downstream."


def sqlmesh_job(name: str, description: str, config: SQLMeshRunConfig | None = None) -> Job:
    """A job that runs `sqlmesh_project` with `config` as its preset; one that restates is never retried by itself."""
    restates = config is not None and config.restate_by_entity_category
    return dg.define_asset_job(
        name=name,
        selection=dg.AssetSelection.assets(sqlmesh_project),
        description=description,
        config=dg.RunConfig(ops={OP_NAME: config}) if config else None,
        tags={MAX_RETRIES_TAG: "0"} if restates else None,
    )


def restating(*categories: str) -> SQLMeshRunConfig:
    """The configuration that restates `categories`."""
    return SQLMeshRunConfig(restate_by_entity_category=True, restate_entity_categories=list(categories))


JOBS = [
    sqlmesh_job("sqlmesh_all_assets", "Bring every SQLMesh model in production up to date."),
    sqlmesh_job(
        "sqlmesh_all_assets_with_dev_environment",
        "Plan the environment dev first; when that went well, bring production up to date.",
        SQLMeshRunConfig(use_dev_environment=True),
    ),
    sqlmesh_job("sqlmesh_restate_project_assets", RESTATE_DESCRIPTION.format("project"), restating("project")),
    sqlmesh_job("sqlmesh_restate_collection_assets", RESTATE_DESCRIPTION.format("collection"), restating("collection")),
    sqlmesh_job(
        "sqlmesh_restate_project_collection_assets",
        RESTATE_DESCRIPTION.format("project or collection"),
        restating("project", "collection"),
    ),
    dg.define_asset_job(
        name="source_assets_job",
        selection=dg.AssetSelection.groups(GROUP),
        description="Load every raw table anew from its source.",
    ),
]
