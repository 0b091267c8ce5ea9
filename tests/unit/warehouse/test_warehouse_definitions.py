"""The code location has the jobs, ops, assets and settings that the playbook speaks of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

WAREHOUSE = Path(__file__).parents[3] / "warehouse"
SQLMESH_JOBS = [
    "sqlmesh_all_assets",
    "sqlmesh_all_assets_with_dev_environment",
    "sqlmesh_restate_project_assets",
    "sqlmesh_restate_collection_assets",
    "sqlmesh_restate_project_collection_assets",
]
OP_CONFIG = {
    "restate_models": None,
    "restate_by_entity_category": False,
    "restate_entity_categories": None,
    "allow_destructive_models": None,
    "skip_tests": False,
    "start": None,
    "end": None,
    "restate_on_branch": False,
    "use_dev_environment": False,
}


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    from oso_dagster.definitions import defs

    return defs


@pytest.fixture(scope="module")
def graph(defs: dg.Definitions) -> Any:
    return defs.get_repository_def().asset_graph


@pytest.mark.parametrize("name", SQLMESH_JOBS)
def test_sqlmesh_jobs_run_one_op(defs: dg.Definitions, name: str) -> None:
    """Each SQLMesh job is the op `sqlmesh_project` and nothing else."""
    assert [node.name for node in defs.resolve_job_def(name).nodes] == ["sqlmesh_project"]


@pytest.mark.parametrize(
    "name", [*SQLMESH_JOBS, "nessie_consumer_tag_job", "nessie_garbage_collection_job", "source_assets_job"]
)
def test_preset_is_accepted(defs: dg.Definitions, name: str) -> None:
    """A job's own preset is valid against its configuration schema."""
    job = defs.resolve_job_def(name)
    preset = job.run_config or {}
    assert dg.validate_run_config(job, preset)["resources"]


@pytest.mark.parametrize(
    ("name", "categories"),
    [
        ("sqlmesh_restate_project_assets", ["project"]),
        ("sqlmesh_restate_collection_assets", ["collection"]),
        ("sqlmesh_restate_project_collection_assets", ["project", "collection"]),
    ],
)
def test_restating_jobs(defs: dg.Definitions, name: str, categories: list[str]) -> None:
    """A restating job presets its categories and is not retried by itself."""
    job = defs.resolve_job_def(name)
    config = (job.run_config or {})["ops"]["sqlmesh_project"]["config"]
    assert config["restate_by_entity_category"] is True
    assert config["restate_entity_categories"] == categories
    assert job.tags["dagster/max_retries"] == "0"


def test_op_config_fields_and_defaults(defs: dg.Definitions) -> None:
    """The op takes nine fields, none of them required, each described, with the documented defaults."""
    from oso_dagster.config import SQLMeshRunConfig

    node = defs.resolve_job_def("sqlmesh_all_assets").get_node_named("sqlmesh_project")
    fields = node.definition.config_field.config_type.fields  # type: ignore[union-attr]
    assert set(fields) == set(OP_CONFIG)
    assert not any(field.is_required for field in fields.values())
    assert all(field.description for field in fields.values())
    assert SQLMeshRunConfig().model_dump() == OP_CONFIG


def test_consumer_tag_op(defs: dg.Definitions) -> None:
    """The consumer tag's job is the op `nessie__assign_consumer_tag`, whose `to_hash` is empty by default."""
    job = defs.resolve_job_def("nessie_consumer_tag_job")
    assert [node.name for node in job.nodes] == ["nessie__assign_consumer_tag"]
    config = dg.validate_run_config(job, {})["ops"]["nessie__assign_consumer_tag"]["config"]
    assert config == {"to_hash": ""}


def test_garbage_collection_op(defs: dg.Definitions) -> None:
    """Garbage collection is one op in SQLMesh's pool; by default it deletes nothing and keeps as the command does."""
    job = defs.resolve_job_def("nessie_garbage_collection_job")
    (node,) = job.nodes
    assert (node.name, node.definition.pools) == ("nessie__collect_garbage", {"sqlmesh"})
    config = dg.validate_run_config(job, {})["ops"]["nessie__collect_garbage"]["config"]
    assert config == {"dry_run": True, "keep": "7d", "grace": "3d", "keep_hashes": []}


def test_an_unquoted_numeric_hash_is_invalid(defs: dg.Definitions) -> None:
    """A hash of digits alone has to be quoted in YAML, or Dagster refuses it."""
    job = defs.resolve_job_def("nessie_consumer_tag_job")
    with pytest.raises(dg.DagsterInvalidConfigError):
        dg.validate_run_config(job, {"ops": {"nessie__assign_consumer_tag": {"config": {"to_hash": 12345678}}}})


def test_tags_become_key_and_value(graph: Any) -> None:
    """`entity_category=project` is a Dagster tag with a value; two categories are joined."""
    key = dg.AssetKey(["iceberg", "oso", "projects_v1"])
    both = dg.AssetKey(["iceberg", "oso", "int_projects_by_collection"])
    assert graph.get(key).tags["entity_category"] == "project"
    assert graph.get(both).tags["entity_category"] == "collection.project"


def test_models_hang_on_source_assets(graph: Any) -> None:
    """A staging model's upstream is the source asset that loads its raw table."""
    key = dg.AssetKey(["iceberg", "oso", "stg_pypi__releases"])
    assert graph.get(key).parent_keys == {dg.AssetKey(["pypi", "releases"])}
    assert graph.get(dg.AssetKey(["pypi", "releases"])).group_name == "sources"


def test_one_sqlmesh_run_at_a_time(defs: dg.Definitions) -> None:
    """The op is in a pool, and the instance gives each pool one slot."""
    node = defs.resolve_job_def("sqlmesh_all_assets").get_node_named("sqlmesh_project")
    assert node.definition.pools == {"sqlmesh"}
    instance = yaml.safe_load((WAREHOUSE / "dagster.yaml").read_text(encoding="utf-8"))
    assert instance["concurrency"]["pools"] == {"default_limit": 1, "granularity": "run"}


def test_instance_retries_three_times(tmp_path: Path) -> None:
    """Dagster itself reads the instance as: run retries on, at most three, runs through the queue."""
    (tmp_path / "dagster.yaml").write_bytes((WAREHOUSE / "dagster.yaml").read_bytes())
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.run_retries_enabled
        assert instance.run_retries_max_retries == 3
        assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"


def test_loading_touches_no_service(warehouse_data: Path, defs: dg.Definitions) -> None:
    """The code location loads without opening the warehouse's database."""
    assert not (warehouse_data / "iceberg.duckdb").exists()


def test_a_plan_computes_what_is_due(defs: dg.Definitions) -> None:
    """Without a restatement the op's plan computes what is due as well, or a plan that broke off would stay so."""
    from oso_dagster.config import SQLMeshRunConfig
    from oso_dagster.sqlmesh_asset import plan_options

    assert plan_options(SQLMeshRunConfig(), is_due=True)["run"] is True
    assert plan_options(SQLMeshRunConfig())["run"] is False
