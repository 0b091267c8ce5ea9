"""What SQLMesh makes of a plan that broke off in the middle of a model, on the real library and DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmesh.core.console import NoopConsole, set_console
from sqlmesh.core.context import Context

MODELS = {
    "first": "MODEL (name oso.first, kind FULL); SELECT 1 AS one",
    "days": """
        MODEL (
          name oso.days,
          kind INCREMENTAL_BY_TIME_RANGE (time_column day, batch_size 1, batch_concurrency 1),
          start '2026-01-01',
          end '2026-01-04'
        );
        SELECT
          CAST(@start_ds AS DATE) AS day,
          CASE WHEN is_open OR @start_ds < '2026-01-03' THEN 1 ELSE CAST(ERROR('the source is closed') AS INT) END AS n
        FROM oso.first CROSS JOIN raw.gate
    """,
    "below": "MODEL (name oso.below, kind FULL); SELECT COUNT(*) AS days FROM oso.days",
}
#: midnight, so that the plan that broke off has brought `first` up to it, and nothing comes due meanwhile
NOW = "2026-02-01"
CONFIG = """
gateways: {local: {connection: {type: duckdb, database: db.duckdb}}}
model_defaults: {dialect: duckdb, start: '2026-01-01'}
virtual_environment_mode: dev_only
"""


@pytest.fixture
def broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    """A project whose first plan failed on the third of four days; its source is open now."""
    (tmp_path / "models").mkdir()
    (tmp_path / "config.yaml").write_text(CONFIG)
    for name, text in MODELS.items():
        (tmp_path / "models" / f"{name}.sql").write_text(text)
    monkeypatch.chdir(tmp_path)
    set_console(NoopConsole())
    context = Context(paths=[str(tmp_path)])
    for statement in ("CREATE SCHEMA raw", "CREATE TABLE raw.gate AS SELECT false AS is_open"):
        context.engine_adapter.execute(statement)
    with pytest.raises(Exception, match="Plan application failed"):
        context.plan(auto_apply=True, no_prompts=True, execution_time=NOW)
    context.engine_adapter.execute("UPDATE raw.gate SET is_open = true")
    yield context
    context.close()


def days(context: Context) -> tuple[int, int]:
    """How many days the model holds, and how many the model below it has counted."""
    return (
        context.engine_adapter.fetchone("SELECT COUNT(*) FROM oso.days")[0],
        context.engine_adapter.fetchone("SELECT days FROM oso.below")[0],
    )


def test_a_plan_and_a_run_after_it_leave_what_is_below_behind(broken_off: Context) -> None:
    """The next plan counts the two days that are there; the run after it adds the others, and counts none of them."""
    broken_off.plan(auto_apply=True, no_prompts=True, execution_time=NOW)
    assert days(broken_off) == (2, 2)
    broken_off.run(execution_time=NOW)
    assert days(broken_off) == (4, 2)


def test_a_plan_that_computes_what_is_due_ends_whole(broken_off: Context) -> None:
    """With `run` the next plan finishes the model that was broken off, and then what is below it."""
    broken_off.plan(auto_apply=True, no_prompts=True, execution_time=NOW, run=True)
    assert days(broken_off) == (4, 4)
