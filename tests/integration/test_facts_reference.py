"""The facts of the reference platform are those that OSO's playbook speaks of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dagster_playbook.facts.facts import Facts
from dagster_playbook.facts.json_schema import job_schema
from dagster_playbook.platform.live_authority import LiveAuthority
from dagster_playbook.platform.loader import load_facts
from dagster_playbook.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings(ROOT)


@pytest.fixture(scope="module")
def facts(settings: Settings) -> Facts:
    return load_facts(settings)


@pytest.fixture(scope="module")
def authority(settings: Settings, facts: Facts) -> LiveAuthority:
    return LiveAuthority(settings)


def test_the_op_takes_the_fields_of_the_launchpad(facts: Facts) -> None:
    """The nine fields of `sqlmesh_project`, by Dagster's own schema."""
    fields = [field.name for field in facts.config_types[facts.ops["sqlmesh_project"]].fields]
    assert fields == [
        "allow_destructive_models",
        "end",
        "restate_by_entity_category",
        "restate_entity_categories",
        "restate_models",
        "restate_on_branch",
        "skip_tests",
        "start",
        "use_dev_environment",
    ]


def test_the_jobs_are_those_of_the_playbook(facts: Facts) -> None:
    """Every job that the pages name can be launched."""
    assert set(facts.jobs) >= {
        "__ASSET_JOB",
        "nessie_consumer_tag_job",
        "nessie_garbage_collection_job",
        "sqlmesh_all_assets",
        "sqlmesh_all_assets_with_dev_environment",
        "sqlmesh_restate_collection_assets",
        "sqlmesh_restate_project_assets",
        "sqlmesh_restate_project_collection_assets",
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dagster.run_retries.enabled", True),
        ("dagster.run_retries.max_retries", 3),
        ("dagster.ops.sqlmesh_project.config.skip_tests.default", False),
        ("dagster.ops.sqlmesh_project.config.restate_by_entity_category.default", False),
        ("dagster.ops.nessie__assign_consumer_tag.config.to_hash.default", ""),
        ("sqlmesh.tags.entity_category", ["collection", "project"]),
        ("sqlmesh.virtual_environment_mode", "dev_only"),
        ("sqlmesh.default_gateway", "duckdb"),
        ("sqlmesh.catalog", "iceberg"),
        ("sqlmesh.dialect", "trino"),
        ("trino.catalogs", ["iceberg", "iceberg_consumer"]),
        ("trino.catalogs.iceberg.ref", "main"),
        ("trino.catalogs.iceberg_consumer.ref", "consumer"),
        ("nessie.tag", "consumer"),
        ("nessie.branch", "main"),
    ],
)
def test_what_the_pages_bind_is_so(facts: Facts, key: str, value: Any) -> None:
    """The numbers and names that the seed of the playbook states."""
    assert facts.values[key] == value


def test_all_kinds_that_restatement_treats_differently_are_there(facts: Facts) -> None:
    """Seeds, views, full, incremental by time and by key, and both slowly changing kinds, in thirty models or more."""
    kinds = {model.kind for model in facts.models.values()}
    own = [model for model in facts.models.values() if model.kind != "EXTERNAL"]
    assert len(own) >= 30
    assert kinds >= {"SEED", "VIEW", "FULL", "INCREMENTAL_BY_TIME_RANGE", "INCREMENTAL_BY_UNIQUE_KEY"}
    assert any(kind.startswith("SCD_TYPE_2") for kind in kinds)


def test_every_model_is_found_in_its_file(facts: Facts) -> None:
    """The place of a model is a line of a file that names it."""
    for model in facts.models.values():
        lines = (ROOT / model.path).read_text(encoding="utf-8").splitlines()
        assert model.name in lines[model.line - 1], f"{model.path}:{model.line}"


def test_every_model_knows_its_columns(facts: Facts) -> None:
    """SQLMesh infers each column of each model, so that SQL on the pages can be held to them."""
    assert [model.name for model in facts.models.values() if not model.columns] == []


def test_every_upstream_is_a_model(facts: Facts) -> None:
    """Nothing is read that the project does not define or declare."""
    known = {model.fqn for model in facts.models.values()}
    assert {upstream for model in facts.models.values() for upstream in model.depends_on} <= known


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"restate_models": ["oso.stg_github__repositories"], "skip_tests": False, "use_dev_environment": False},
        {"restate_by_entity_category": True, "restate_entity_categories": ["project"]},
        {"restate_model": ["oso.x"]},
        {"restate_models": "oso.x"},
        {"skip_tests": "no"},
        {"start": 20240101},
    ],
)
def test_schema_and_dagster_agree(facts: Facts, authority: LiveAuthority, config: dict[str, Any]) -> None:
    """On the configs of the playbook, right and wrong, both come to the same verdict."""
    whole = {"ops": {"sqlmesh_project": {"config": config}}}
    import yaml

    accepted = not authority.validate_run_config("sqlmesh_all_assets", yaml.safe_dump(whole)).problems
    assert Draft202012Validator(job_schema(facts, "sqlmesh_all_assets")).is_valid(whole) is accepted


def test_no_secret_is_a_fact(facts: Facts) -> None:
    """Access keys of the catalogs stand as references to the environment, or not at all."""
    shown = [v for c in facts.catalogs.values() for k, v in c.properties.items() if "secret" in k or "access-key" in k]
    assert all(value == "***" or value.startswith("${ENV:") for value in shown)
