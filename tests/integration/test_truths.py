"""What the pages say about Dagster and SQLMesh, each statement proven on the real libraries.

`docs/reference/proofs.md` names each statement and its test.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.execution.retries import auto_reexecution_should_retry_run
from dagster._core.storage.tags import MAX_RETRIES_TAG
from dagster_shared.yaml_utils import load_run_config_yaml
from dagster_sqlmesh import SQLMeshDagsterTranslator
from sqlmesh.cli.main import cli as sqlmesh_cli
from sqlmesh.core.console import NoopConsole, set_console
from sqlmesh.core.context import Context
from sqlmesh.core.dialect import parse
from sqlmesh.core.model import load_sql_based_model

MODELS = {
    "one": "MODEL (name oso.one, kind SEED (path '../seeds/one.csv'), columns (id INT));",
    "days": """
        MODEL (name oso.days, kind INCREMENTAL_BY_TIME_RANGE (time_column ds), start '2026-01-01');
        SELECT CAST(@start_ds AS DATE) AS ds, 1 AS id WHERE CAST(@start_ds AS DATE) BETWEEN @start_date AND @end_date
    """,
    "total": "MODEL (name oso.total, kind FULL, tags ('layer=mart')); SELECT count(*) AS n FROM oso.days",
    "mart": "MODEL (name oso.mart, kind FULL); SELECT n FROM oso.total",
}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """A small real project on DuckDB, planned and applied once."""
    folder = tmp_path_factory.mktemp("truths")
    (folder / "config.yaml").write_text(
        "gateways: {local: {connection: {type: duckdb, database: db.duckdb}}}\n"
        "model_defaults: {dialect: duckdb, start: '2026-01-01'}\n",
        encoding="utf-8",
    )
    for name, text in MODELS.items():
        path = folder / "models" / f"{name}.sql"
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    (folder / "seeds").mkdir()
    (folder / "seeds" / "one.csv").write_text("id\n1\n", encoding="utf-8")
    set_console(NoopConsole())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        opened = Context(paths=[str(folder)])
        opened.plan(auto_apply=True, no_prompts=True, execution_time="2026-01-10")
        yield opened
        opened.close()


def selected(context: Context, *entries: str) -> set[str]:
    """Short names of the models that SQLMesh's own selector matches."""
    found = context._new_selector().expand_model_selections(list(entries))
    return {name.split(".")[-1].strip('"') for name in found}


def restated(context: Context, *entries: str, **window: str) -> dict[str, tuple[date, date]]:
    """What a plan would restate, with its window, both days included."""
    plan = context.plan_builder(
        restate_models=list(entries), skip_tests=True, execution_time="2026-01-10", **window
    ).build()
    from sqlmesh.utils.date import to_datetime

    return {
        snapshot.name.split(".")[-1].strip('"'): (
            to_datetime(interval[0]).date(),
            to_datetime(interval[1] - 1).date(),
        )
        for snapshot, interval in ((plan.snapshots[key], value) for key, value in plan.restatements.items())
    }


def test_dagster_accepts_a_model_that_does_not_exist(checker: Any) -> None:
    """Dagster's validation takes a mistyped model, a mistyped category and a hash that is none."""
    from dagster_playbook.platform.live_authority import LiveAuthority

    authority = LiveAuthority(checker.settings)
    wrong = (
        "ops: {sqlmesh_project: {config: {restate_models: [oso.nothing], restate_by_entity_category: false, "
        "restate_entity_categories: [projekt]}}}"
    )
    assert authority.validate_run_config("sqlmesh_all_assets", wrong).problems == ()
    latest = "ops: {nessie__assign_consumer_tag: {config: {to_hash: latest}}}"
    assert authority.validate_run_config("nessie_consumer_tag_job", latest).problems == ()


def test_dagster_keeps_a_date_as_text() -> None:
    """`start: 2026-01-01` is text to Dagster and a date to plain PyYAML."""
    assert load_run_config_yaml("start: 2026-01-01") == {"start": "2026-01-01"}
    assert yaml.safe_load("start: 2026-01-01") == {"start": date(2026, 1, 1)}


def test_a_typo_beside_a_valid_name_is_dropped_in_silence(context: Context) -> None:
    """SQLMesh selects what matches and says nothing of what does not."""
    assert selected(context, "oso.total", "oso.totl") == {"total"}


def test_only_an_empty_selection_is_an_error(context: Context) -> None:
    """When nothing at all matches, the plan fails."""
    with pytest.raises(Exception, match="did not return any models"):
        context.plan_builder(restate_models=["oso.nothing"], skip_tests=True).build()


def test_wildcards_stand_at_an_end(context: Context) -> None:
    """A wildcard leads or ends a name; in the middle it does not parse."""
    assert selected(context, "oso.m*") == {"mart"}
    assert selected(context, "*total") == {"total"}
    with pytest.raises(Exception, match="Expected"):
        selected(context, "oso.t*l")


def test_case_counts_with_a_wildcard_only(context: Context) -> None:
    """Names are compared without regard to case, patterns with it."""
    assert selected(context, "OSO.Total") == {"total"}
    assert selected(context, "OSO.T*") == set()


@pytest.mark.parametrize("entry", ["tag:+layer=mart", "oso.days & oso.total & oso.mart"])
def test_selectors_that_do_not_parse(context: Context, entry: str) -> None:
    """A plus behind `tag:`, and a chain of ampersands, are refused."""
    with pytest.raises(Exception, match="Expected"):
        selected(context, entry)


def test_a_plus_before_a_tag_selects_upstream(context: Context) -> None:
    """`+tag:x` is the models with the tag and all that they read."""
    assert selected(context, "+tag:layer=mart") == {"days", "total"}


def test_a_tag_without_quotes_is_lost() -> None:
    """`tags (a=b)` becomes an empty tag without a word; in quotes it stays."""
    lost = load_sql_based_model(parse("MODEL (name x.y, tags (entity_category=project)); SELECT 1 AS z"))
    kept = load_sql_based_model(parse('MODEL (name x.y, tags ("entity_category=project")); SELECT 1 AS z'))
    assert lost.tags == [""]
    assert kept.tags == ["entity_category=project"]


def test_dry_run_is_skip_backfill() -> None:
    """`sqlmesh plan --dry-run` is one option with `--skip-backfill`, and `--explain` is another."""
    options = {name: option.name for option in sqlmesh_cli.commands["plan"].params for name in option.opts}
    assert options["--dry-run"] == options["--skip-backfill"] != options["--explain"]


def test_a_restatement_takes_everything_downstream_along(context: Context) -> None:
    """Restating one model restates every model that depends on it."""
    assert set(restated(context, "oso.days")) == {"days", "total", "mart"}


def test_the_window_becomes_full_history_for_a_full_model(context: Context) -> None:
    """Two days of an incremental model are all of the history of its children of kind FULL."""
    windows = restated(context, "oso.days", start="2026-01-05", end="2026-01-06")
    assert windows["days"] == (date(2026, 1, 5), date(2026, 1, 6))
    assert windows["total"][0] == date(2026, 1, 1)


def test_a_seed_is_passed_over_in_silence(context: Context) -> None:
    """Restating a seed restates nothing and says nothing."""
    assert "one" not in restated(context, "oso.one")


def test_a_restatement_in_dev_does_nothing_to_what_production_uses(context: Context) -> None:
    """A plan of `dev` restates no version that only production uses."""
    context.plan("dev", auto_apply=True, no_prompts=True, skip_tests=True, include_unmodified=True)
    plan = context.plan_builder(environment="dev", restate_models=["oso.days"], skip_tests=True).build()
    assert plan.restatements == {}


def test_dagster_retries_no_run_by_default() -> None:
    """Run retries are off until an instance switches them on."""
    with dg.DagsterInstance.ephemeral() as instance:
        assert instance.run_retries_enabled is False
        assert instance.run_retries_max_retries == 0


def test_a_failure_that_forbids_retries_does_not_stop_run_retries(tmp_path: Path) -> None:
    """`Failure(allow_retries=False)` speaks of the op; only the run's own tag keeps the instance from retrying."""
    (tmp_path / "dagster.yaml").write_text("run_retries: {enabled: true, max_retries: 3}\n", encoding="utf-8")

    @dg.op
    def breaks() -> None:
        raise dg.Failure("no", allow_retries=False)

    @dg.job
    def broken() -> None:
        breaks()

    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        for tags, retried in (({}, True), ({MAX_RETRIES_TAG: "0"}, False)):
            result = broken.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
            run = instance.get_run_by_id(result.run_id)
            assert run is not None
            assert auto_reexecution_should_retry_run(instance, run, None) is retried


def test_the_stock_translator_fails_on_a_category_tag() -> None:
    """dagster-sqlmesh makes a tag key of the whole tag, and Dagster allows no `=` in a key."""
    model = load_sql_based_model(parse('MODEL (name x.y, tags ("entity_category=project")); SELECT 1 AS z'))
    tags = SQLMeshDagsterTranslator().get_tags(None, model)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="entity_category=project"):
        dg.AssetSpec("y", tags=tags)
