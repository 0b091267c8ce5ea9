"""What is read from the sample platform is what its files say."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dagster_playbook.facts.facts import Facts
from dagster_playbook.platform.loader import load_facts
from dagster_playbook.settings import Settings, SqlmeshProject


def test_each_model_of_the_project_is_a_fact(sample_facts: Facts) -> None:
    """SQL, Python and seed models are all there, under the names that they give themselves."""
    assert set(sample_facts.models) == {
        "shop.best_customers",
        "shop.customers",
        "shop.int_daily_orders",
        "shop.seed_orders",
        "shop.stg_orders",
    }


def test_a_model_tells_everything_that_a_page_may_state_of_it(sample_facts: Facts) -> None:
    """Kind, cron, tags, audits, owner, types, upstream and place are SQLMesh's own."""
    model = sample_facts.models["shop.int_daily_orders"]
    assert model.kind == "INCREMENTAL_BY_TIME_RANGE"
    assert model.cron == "@hourly"
    assert model.tags == ("entity_category=order",)
    assert model.audits == ("totals_are_positive",)
    assert list(model.columns.items()) == [("ordered_on", "DATE"), ("orders", "BIGINT"), ("total_cents", "BIGINT")]
    assert model.depends_on == ('"lake"."shop"."stg_orders"',)
    assert model.fqn == '"lake"."shop"."int_daily_orders"'


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("shop.stg_orders", "transform/models/stg_orders.sql:3"),
        ("shop.customers", "transform/models/customers.sql:2"),
        ("shop.best_customers", "transform/models/best_customers.py:11"),
    ],
)
def test_a_model_is_found_where_it_states_its_name(sample_facts: Facts, name: str, place: str) -> None:
    """The line is the one of the name, after comments and in Python too."""
    model = sample_facts.models[name]
    assert f"{model.path}:{model.line}" == place


def test_column_types_follow_through_queries(sample_facts: Facts) -> None:
    """A column that a query computes has the type that SQLMesh infers."""
    assert sample_facts.models["shop.customers"].columns == {
        "customer_id": "INT",
        "first_ordered_on": "DATE",
        "total_cents": "BIGINT",
    }


def test_jobs_come_with_the_implicit_asset_job(sample_facts: Facts) -> None:
    """Op jobs, asset jobs and the job behind "Materialize all" can all be launched."""
    assert set(sample_facts.jobs) == {"__ASSET_JOB", "load_job", "promote_job"}
    assert sample_facts.jobs["load_job"].ops == ("load_orders", "publish")
    assert sample_facts.jobs["load_job"].tags == {"engine": "warehouse"}


def test_an_asset_names_the_op_that_makes_it(sample_facts: Facts) -> None:
    """The op of the asset `lake/promote` is `lake__promote`, which is what run config speaks of."""
    asset = sample_facts.assets["lake/promote"]
    assert (asset.op, asset.group, asset.kinds, asset.tags) == ("lake__promote", "lake", ("nessie",), {"tier": "one"})


def test_config_types_hold_every_kind_that_the_jobs_use(sample_facts: Facts) -> None:
    """Scalars, sources, enums, selectors, shapes, arrays, maps and optional values are all kept apart."""
    kinds = {kind.kind for kind in sample_facts.config_types.values()}
    plain = {"ANY", "ENUM", "SCALAR", "SCALAR_UNION"}
    assert kinds == plain | {"ARRAY", "MAP", "NONEABLE", "SELECTOR", "STRICT_SHAPE", "PERMISSIVE_SHAPE"}


def test_only_reachable_config_types_are_kept(sample_facts: Facts) -> None:
    """Each kept type is a job's root or a part of a kept type, and each part of a kept type is kept."""
    named = {job.config_type for job in sample_facts.jobs.values()}
    for kind in sample_facts.config_types.values():
        named |= {field.type_key for field in kind.fields} | set(kind.inner)
    assert named == set(sample_facts.config_types)


def test_an_op_leads_to_the_type_of_its_config(sample_facts: Facts) -> None:
    """`ops` gives the type under `config:`, with the fields that a person types."""
    fields = sample_facts.config_types[sample_facts.ops["load_orders"]].fields
    assert [field.name for field in fields] == ["dry_run", "labels", "limit", "mode", "models", "threshold", "window"]


def test_resources_sensors_and_schedules_have_their_names(sample_facts: Facts) -> None:
    """What else a page may name of a code location."""
    assert sample_facts.resources == ("warehouse",)
    assert sample_facts.sensors == ("promote_sensor",)
    assert sample_facts.schedules == ("nightly",)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dagster.run_retries.max_retries", 2),
        ("dagster.run_retries.retry_on_asset_or_op_failure", True),
        ("dagster.concurrency.runs.max_concurrent_runs", 4),
        ("dagster.concurrency.runs.tag_concurrency_limits.engine.limit", 1),
        ("dagster.ops.load_orders.config.limit.default", 100),
        ("dagster.ops.lake__promote.config.to_hash.default", ""),
        ("dagster.ops.publish.config.target.required", True),
        ("dagster.jobs.count", 2),
        ("dagster.schedules.nightly.cron", "0 3 * * *"),
        ("sqlmesh.models.count", 5),
        ("sqlmesh.models.full.count", 2),
        ("sqlmesh.models.shop.seed_orders.rows.count", 3),
        ("sqlmesh.tags.entity_category=order.count", 2),
        ("sqlmesh.tags.entity_category", ["customer", "order"]),
        ("sqlmesh.virtual_environment_mode", "full"),
        ("sqlmesh.default_gateway", "local"),
        ("sqlmesh.catalog", "lake"),
        ("trino.catalogs", ["lake", "lake_released"]),
        ("trino.catalogs.count", 2),
        ("trino.catalogs.lake_released.ref", "released"),
        ("nessie.tag", "released"),
        ("nessie.branch", "main"),
        ("python.requires", ">=3.11"),
        ("make.targets.count", 2),
        ("commands.shopctl.subcommands.count", 1),
    ],
)
def test_prose_can_be_bound_to(sample_facts: Facts, key: str, value: object) -> None:
    """A dotted key gives the value that the platform really has."""
    assert sample_facts.values[key] == value


def test_every_value_says_where_it_comes_from(sample_facts: Facts) -> None:
    """A reader of a finding is told which file the fact stands in."""
    assert set(sample_facts.origins) == set(sample_facts.values)
    assert sample_facts.origins["dagster.run_retries.max_retries"] == "dagster.yaml"
    assert sample_facts.origins["sqlmesh.models.shop.customers.kind"] == "transform/models/customers.sql:2"


def test_versions_are_those_of_the_environment(sample_facts: Facts) -> None:
    """A version is the one that the installed metadata states."""
    from importlib.metadata import version

    assert sample_facts.versions["sqlmesh"] == version("sqlmesh")
    assert sample_facts.values["versions.dagster"] == version("dagster")


def test_facts_are_plain_json(sample_facts: Facts) -> None:
    """`as_dict` holds nothing that JSON does not have, and no path of this machine."""
    text = json.dumps(sample_facts.as_dict())
    assert str(sample_facts.models["shop.customers"].path) in text
    assert "/tmp/" not in text


def test_reading_leaves_the_sources_as_they_were(sample_settings: Settings, sample_facts: Facts) -> None:
    """Neither a cache, nor a database, nor bytecode appears beside the sources."""
    left = {path.name for path in sample_settings.root.rglob("*") if path.is_file()}
    assert sample_facts.models
    assert not [name for name in left if name.endswith((".pyc", ".duckdb", ".wal"))]
    assert not (sample_settings.root / "transform" / ".cache").exists()


def test_the_second_reading_imports_nothing_heavy(sample_settings: Settings, sample_facts: Facts) -> None:
    """Warm facts come without SQLMesh, Dagster, sqlglot, pydantic or a child process."""
    code = (
        "import sys, pathlib\n"
        "from dataclasses import replace\n"
        "from dagster_playbook.settings import load_settings\n"
        "from dagster_playbook.platform.loader import load_facts\n"
        f"settings = replace(load_settings(pathlib.Path({str(sample_settings.root)!r})), "
        f"environment={sample_settings.environment!r})\n"
        "facts = load_facts(settings)\n"
        "heavy = {'sqlmesh', 'dagster', 'sqlglot', 'pydantic', 'pandas', 'subprocess', 'rich'} & set(sys.modules)\n"
        "print(facts.fingerprint, sorted(heavy))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{sample_facts.fingerprint} []"


def test_without_a_cache_the_facts_are_the_same(sample_settings: Settings, sample_facts: Facts) -> None:
    """The cache is never needed: read anew, every fact is equal."""
    assert load_facts(sample_settings, use_cache=False) == sample_facts


def test_a_project_without_a_platform_still_has_its_files(sample_settings: Settings) -> None:
    """Catalogs, references and make targets are facts of a project that has neither SQLMesh nor Dagster."""
    bare = replace(sample_settings, sqlmesh=(), dagster=(), commands=())
    facts = load_facts(bare, use_cache=False)
    assert (set(facts.catalogs), set(facts.refs), facts.models, facts.jobs) == (
        {"lake", "lake_released"},
        {"main", "released"},
        {},
        {},
    )


def test_two_projects_are_one_platform(sample_settings: Settings, tmp_path: Path) -> None:
    """Models of both are facts, counts are added, and each model keeps its own project."""
    root = tmp_path / "two"
    shutil.copytree(sample_settings.root, root, ignore=shutil.ignore_patterns(".playbook"))
    shutil.copytree(root / "transform", root / "second")
    for path in (root / "second").rglob("*.*"):
        if path.suffix in (".sql", ".py"):
            path.write_text(path.read_text(encoding="utf-8").replace("shop.", "store."), encoding="utf-8")
    both = (SqlmeshProject("transform"), SqlmeshProject("second"))
    facts = load_facts(replace(sample_settings, root=root, sqlmesh=both, dagster=(), commands=()))
    assert facts.values["sqlmesh.models.count"] == len(facts.models) == 10
    assert facts.values["sqlmesh.tags"] == ["entity_category=customer", "entity_category=order", "mart", "staging"]
    assert {facts.models[name].project for name in ("shop.customers", "store.customers")} == {"transform", "second"}
