"""The jobs really run: on DuckDB, with real rows, on a Dagster instance of their own.

The tests share one warehouse, which `sqlmesh_all_assets` fills once from nothing. What a restatement did is read from
the tables, from SQLMesh's state and from the recorded evaluations, never from Dagster's materialisation events.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

PROJECT = Path(__file__).parents[2]
WAREHOUSE = PROJECT / "warehouse"
sys.path.insert(0, str(WAREHOUSE))
COMMIT_HOURS = ("2026-11-02T08:05:00+0000", "2026-11-02T09:10:00+0000", "2026-11-03T23:59:59+0000")
PYPI_EVENTS = "oso.int_events_daily__pypi_releases"
AFFECTED_BY_PYPI_EVENTS = {
    PYPI_EVENTS,
    "oso.int_events_daily_to_project",
    "oso.int_events_monthly_to_project",
    "oso.metrics_v0",
    "oso.timeseries_metrics_by_project_v0",
    "oso.timeseries_metrics_by_collection_v0",
    "oso.key_metrics_by_project_v0",
    "oso.key_metrics_by_collection_v0",
}
# A test may run across the full hour, when these become due.
HOURLY = {
    "oso.stg_git__commits",
    "oso.stg_git__commit_files",
    "oso.int_events__git_commits",
    "oso.int_contributors",
    "oso.contributors_v0",
}


@dataclass
class Platform:
    """A warehouse and an instance; `run` executes a job, the rest looks at what it left."""

    data: Path
    instance: dg.DagsterInstance

    def run(self, job: str, **config: Any) -> dg.ExecuteInProcessResult:
        from oso_dagster.definitions import defs

        return defs.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            run_config={"ops": {"sqlmesh_project": {"config": config}}} if config else None,
            raise_on_error=False,
        )

    def evaluations(self, result: dg.ExecuteInProcessResult) -> list[Any]:
        from oso_dagster.evidence import read
        from oso_dagster.sqlmesh_asset import evidence_file

        return [found for found in read(evidence_file()) if found.run_id == result.run_id]

    def query(self, sql: str, database: str = "iceberg") -> list[tuple[Any, ...]]:
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{self.data / database}.duckdb' AS {database}")
            return connection.execute(f"USE {database}; {sql}").fetchall()

    def count(self, table: str) -> int:
        return int(self.query(f"SELECT COUNT(*) FROM {table}")[0][0])

    def interval_rows(self) -> int:
        return int(self.query("SELECT COUNT(*) FROM sqlmesh._intervals", "state")[0][0])

    def recorded_since(self, moment: float) -> set[str]:
        """Models of which SQLMesh's state recorded or removed an interval after `moment`, in epoch seconds."""
        sql = f"SELECT DISTINCT name FROM sqlmesh._intervals WHERE created_ts >= {moment * 1000:.0f}"
        return {name.replace('"', "").removeprefix("iceberg.") for (name,) in self.query(sql, "state")}


def failure(result: dg.ExecuteInProcessResult) -> str:
    """The description of the failure that stopped the run."""
    (event,) = [event for event in result.all_events if event.is_step_failure]
    data = event.step_failure_data.user_failure_data
    assert data, event.step_failure_data.error
    return str(data.description)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with commits on known hours, all of them in intervals that are complete."""
    path = tmp_path_factory.mktemp("repository")
    (path / "pyproject.toml").write_text('[project]\nname = "sqlmesh"\n', encoding="utf-8")
    subprocess.run(["git", "init", "-q", path], check=True)
    for number, hour in enumerate(COMMIT_HOURS):
        (path / "file.txt").write_text("line\n" * (number + 1), encoding="utf-8")
        git = ["git", "-C", path, "-c", "user.name=A", "-c", "user.email=a@example.org"]
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run(
            [*git, "commit", "-q", "-m", "change"],
            check=True,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "GIT_AUTHOR_DATE": hour, "GIT_COMMITTER_DATE": hour},
        )
    return path


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Platform]:
    """A platform on which nothing ever ran."""
    data, home = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("dagster_home")
    (home / "dagster.yaml").write_bytes((WAREHOUSE / "dagster.yaml").read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OSO_WAREHOUSE_DATA", str(data))
        patch.setenv("OSO_GIT_REPOSITORY", str(repository))
        patch.setenv("DAGSTER_HOME", str(home))
        # Approvals have tests of their own; here it is about what a restatement does.
        patch.setenv("OSO_RESTATEMENT_APPROVAL", "off")
        patch.delenv("DAGSTER_SQLMESH_GATEWAY", raising=False)
        patch.delenv("OSO_SQLMESH_SOURCES", raising=False)
        with dg.DagsterInstance.from_config(str(home)) as instance:
            yield Platform(data, instance)


@pytest.fixture(scope="module")
def platform(empty: Platform) -> Platform:
    """A platform that `sqlmesh_all_assets` filled from nothing."""
    assert "prod does not hold" in failure(empty.run("sqlmesh_all_assets", restate_models=["oso.projects_v1"]))
    assert empty.query("SELECT * FROM information_schema.tables WHERE table_schema IN ('oso', 'pypi', 'git')") == []
    result = empty.run("sqlmesh_all_assets")
    assert result.success
    evaluated = empty.evaluations(result)
    assert all(found.succeeded and not found.restated for found in evaluated)
    models = {found.model for found in evaluated}
    assert empty.instance.get_run_by_id(result.run_id).tags["oso/evaluated_models"] == str(len(models))
    return empty


def test_a_fresh_warehouse_gets_real_rows(platform: Platform) -> None:
    """The first run loads the sources that were never loaded, and every layer has rows of them."""
    from importlib import metadata

    names = {distribution.metadata["Name"] for distribution in metadata.distributions()}
    assert platform.count("pypi.distributions") == len(names)
    assert platform.count("oso.projects_v1") >= len(names)
    assert platform.count("oso.timeseries_metrics_by_project_v0") > 100
    assert platform.query("SELECT version FROM oso.projects_v1 WHERE project_id = 'pypi/sqlmesh'") == [
        (metadata.version("sqlmesh"),)
    ]


def test_git_history_reaches_the_marts(platform: Platform) -> None:
    """Commits are counted by day for the project that their repository builds."""
    samples = platform.query(
        "SELECT metric_id, CAST(sample_date AS VARCHAR), amount FROM oso.timeseries_metrics_by_project_v0 "
        "WHERE project_id = 'pypi/sqlmesh' ORDER BY ALL"
    )
    assert ("commit_code_daily", "2026-11-02", 2.0) in samples
    assert ("commit_code_daily", "2026-11-03", 1.0) in samples
    assert platform.query("SELECT commit_count FROM oso.contributors_v0") == [(3,)]


def test_a_second_run_evaluates_nothing_daily(platform: Platform) -> None:
    """With nothing due only hourly models may be evaluated, although Dagster records every asset as materialised."""
    result = platform.run("sqlmesh_all_assets")
    materialised = result.asset_materializations_for_node("sqlmesh_project")
    assert len(materialised) >= 40
    assert {found.model for found in platform.evaluations(result)} <= HOURLY


def test_a_restatement_restates_downstream_and_nothing_else(platform: Platform) -> None:
    """Rows, state and evaluations agree: the model and all downstream are made anew, once, and no other is touched."""
    before = {table: platform.count(table) for table in (PYPI_EVENTS, "oso.timeseries_metrics_by_project_v0")}
    for table in (*before, "oso.sboms_v0"):
        platform.query(f"DELETE FROM {table}")
    began = time.time()
    result = platform.run("sqlmesh_all_assets", restate_models=[PYPI_EVENTS])
    assert result.success
    restated = [found.model for found in platform.evaluations(result) if found.restated]
    assert sorted(restated) == sorted(AFFECTED_BY_PYPI_EVENTS)
    assert platform.recorded_since(began) - HOURLY == AFFECTED_BY_PYPI_EVENTS
    assert {table: platform.count(table) for table in before} == before
    assert platform.count("oso.sboms_v0") == 0
    assert platform.run("sqlmesh_all_assets", restate_models=["oso.sboms_v0"]).success
    assert platform.count("oso.sboms_v0") > 0


def test_a_window_limits_the_restatement(platform: Platform) -> None:
    """With start and end only that window is made anew, widened to whole months where a model is monthly."""
    platform.query(f"DELETE FROM {PYPI_EVENTS}")
    result = platform.run("sqlmesh_all_assets", restate_models=[PYPI_EVENTS], start="2024-01-01", end="2024-12-31")
    windows = {found.model: (found.start[:10], found.end[:10]) for found in platform.evaluations(result)}
    assert windows[PYPI_EVENTS] == ("2024-01-01", "2025-01-01")
    assert windows["oso.int_events_monthly_to_project"] == ("2024-01-01", "2025-01-01")
    assert windows["oso.metrics_v0"][0] < windows["oso.metrics_v0"][1]
    years = platform.query(f"SELECT DISTINCT YEAR(bucket_day) FROM {PYPI_EVENTS}")
    assert years == [(2024,)]
    assert platform.run("sqlmesh_all_assets", restate_models=[PYPI_EVENTS]).success


def test_a_category_restates_its_models_and_downstream(platform: Platform) -> None:
    """The collection job restates every model tagged so, and what hangs on them."""
    result = platform.run("sqlmesh_restate_collection_assets")
    assert result.success
    assert {found.model for found in platform.evaluations(result) if found.restated} == {
        "oso.int_collections",
        "oso.collections_v1",
        "oso.int_projects_by_collection",
        "oso.projects_by_collection_v1",
        "oso.timeseries_metrics_by_collection_v0",
        "oso.key_metrics_by_collection_v0",
    }


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"restate_models": ["oso.projects_v1", "oso.project_v1"]}, "'oso.project_v1' matches no model"),
        ({"restate_by_entity_category": True, "restate_entity_categories": ["projekt"]}, "projekt"),
        ({"restate_entity_categories": ["project"]}, "restate_by_entity_category is false"),
    ],
)
def test_an_unknown_entry_stops_the_run_before_it_starts(
    platform: Platform, config: dict[str, Any], named: str
) -> None:
    """One unknown entry beside a valid one fails the run for good, and neither state nor tables have changed."""
    rows, projects = platform.interval_rows(), platform.count("oso.projects_v1")
    result = platform.run("sqlmesh_all_assets", **config)
    assert not result.success
    assert named in failure(result)
    assert platform.evaluations(result) == []
    assert platform.instance.get_run_by_id(result.run_id).tags["dagster/max_retries"] == "0"
    assert (platform.interval_rows(), platform.count("oso.projects_v1")) == (rows, projects)


def test_the_dev_environment_is_planned_first(platform: Platform) -> None:
    """The job with the dev environment makes it in SQLMesh's state and leaves production up to date."""
    result = platform.run("sqlmesh_all_assets_with_dev_environment")
    assert result.success
    environments = platform.query("SELECT name FROM sqlmesh._environments ORDER BY name", "state")
    assert environments == [("dev",), ("prod",)]


def test_a_failed_audit_names_its_model(platform: Platform) -> None:
    """A model whose audit fails is named in the failure, its evaluation is recorded as failed, nothing follows it."""
    platform.query("INSERT INTO pypi.distributions SELECT * FROM pypi.distributions LIMIT 1")
    result = platform.run("sqlmesh_all_assets", restate_models=["oso.stg_pypi__projects"])
    assert "oso.stg_pypi__projects" in failure(result).replace('"', "")
    assert "unique_values" in failure(result)
    assert [(found.model, found.succeeded) for found in platform.evaluations(result)] == [
        ("oso.stg_pypi__projects", False)
    ]
    assert platform.run("source_assets_job").success
    assert platform.run("sqlmesh_all_assets", restate_models=["oso.stg_pypi__projects"]).success


def test_an_external_table_restates_what_reads_it(platform: Platform) -> None:
    """Naming a raw table restates everything that hangs on it."""
    result = platform.run("sqlmesh_all_assets", restate_models=["pypi.project_urls"])
    assert {found.model for found in platform.evaluations(result) if found.restated} == {
        "oso.stg_pypi__project_urls",
        "oso.stg_github__repositories",
        "oso.int_repositories",
        "oso.repositories_v0",
        "oso.int_artifacts_by_project",
        "oso.artifacts_by_project_v1",
    }


def test_a_source_asset_replaces_its_table(platform: Platform) -> None:
    """The job of the sources loads each raw table anew and reports its rows."""
    platform.query("DELETE FROM pypi.releases")
    result = platform.run("source_assets_job")
    assert result.success
    (materialised,) = result.asset_materializations_for_node("pypi__releases")
    assert materialised.metadata["dagster/row_count"].value == platform.count("pypi.releases") > 100
