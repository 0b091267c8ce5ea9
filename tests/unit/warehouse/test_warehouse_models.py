"""The SQLMesh project keeps OSO's shape."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from sqlmesh import Context

PROJECT = Path(__file__).parents[3] / "warehouse" / "oso_sqlmesh"
KINDS = {
    "SEED",
    "FULL",
    "VIEW",
    "INCREMENTAL_BY_TIME_RANGE",
    "INCREMENTAL_BY_UNIQUE_KEY",
    "SCD_TYPE_2_BY_TIME",
    "SCD_TYPE_2_BY_COLUMN",
}


def own(mesh: Context) -> list:
    return [model for model in mesh.models.values() if not model.kind.is_external]


def test_thirty_models_under_one_schema(mesh: Context) -> None:
    """There are 30 models or more, all of them `iceberg.oso.<name>`."""
    assert len(own(mesh)) >= 30
    assert {(model.fully_qualified_table.catalog, model.fully_qualified_table.db) for model in own(mesh)} == {
        ("iceberg", "oso")
    }


def test_every_kind_that_restatement_treats_differently(mesh: Context) -> None:
    """Each kind is there, and one model is written in Python."""
    assert {model.kind.name.value for model in own(mesh)} == KINDS
    assert [model.name for model in own(mesh) if model.is_python] == ["oso.int_licenses_by_project"]


def test_no_tag_is_empty(mesh: Context) -> None:
    """Tags are quoted in every model: an unquoted `a=b` would silently become an empty tag."""
    tags = {tag for model in own(mesh) for tag in model.tags}
    assert tags == {"entity_category=project", "entity_category=collection"}


def test_marts_are_no_views(mesh: Context) -> None:
    """What consumers read is a table: a view names `iceberg` and would read main through any catalog."""
    marts = [model for model in own(mesh) if not model.name.startswith(("oso.stg_", "oso.int_", "oso.seed_"))]
    assert len(marts) >= 10
    assert not [model.name for model in marts if model.kind.is_view]


def test_every_model_says_what_it_is(mesh: Context) -> None:
    """Each model has an owner, a description and an audit."""
    assert not [m.name for m in own(mesh) if not (m.owner and m.description and m.audits)]


def test_raw_tables_are_declared_as_they_are_loaded() -> None:
    """`external_models.yaml` states the columns and types that the source assets create."""
    from oso_dagster.source_assets import TABLES

    declared = yaml.safe_load((PROJECT / "external_models.yaml").read_text(encoding="utf-8"))
    assert {entry["name"]: entry["columns"] for entry in declared} == {
        table.qualified_name: dict(table.columns) for table in TABLES
    }


def test_the_missing_table_check_knows_every_raw_table() -> None:
    """The macro that stops a plan without sources looks for exactly the tables that the assets load."""
    from oso_dagster.source_assets import TABLES

    text = (PROJECT / "macros" / "sources.py").read_text(encoding="utf-8")
    listed = {line.strip().strip('",') for line in text.partition("RAW_TABLES = (")[2].partition(")")[0].split(",\n")}
    assert listed - {""} == {table.qualified_name for table in TABLES}


@pytest.mark.parametrize("path", sorted((PROJECT / "seeds").glob("*.csv")), ids=lambda path: path.stem)
def test_seeds_hold_a_few_rows(path: Path) -> None:
    """A seed has 5 to 10 rows."""
    with path.open(encoding="utf-8", newline="") as file:
        assert 5 <= sum(1 for _ in csv.DictReader(file)) <= 10


def test_seeds_have_the_columns_of_their_source() -> None:
    """A seed of a source has the source's columns, in order."""
    from oso_dagster.source_assets import TABLES

    for table in TABLES:
        path = PROJECT / "seeds" / f"seed_{table.schema}__{table.name}.csv"
        header = path.read_text(encoding="utf-8").partition("\n")[0].split(",")
        assert header == list(table.columns)


def test_every_model_renders_for_trino(warehouse_data: Path) -> None:
    """On the gateway `trino` each model becomes SQL that is valid in Trino's dialect, with no Trino there."""
    import sqlglot

    from oso_dagster.sqlmesh_asset import open_context

    context = open_context(gateway="trino")
    models = [model for model in own(context) if model.is_sql]
    assert len(models) >= 30
    for model in models:
        sql = model.render_query_or_raise().sql("trino")
        assert sqlglot.parse_one(sql, dialect="trino").sql("trino") == sql


def test_both_gateways_are_known_without_their_services(mesh: Context) -> None:
    """The project loads with its Trino gateway although no Trino is there."""
    assert set(mesh.config.gateways) == {"duckdb", "trino"}
    assert mesh.config.gateways["trino"].connection.catalog == "iceberg"
    assert mesh.config.virtual_environment_mode.value == "dev_only"
