"""SQLMesh's own command line works on the project of the warehouse."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

PROJECT = Path(__file__).parents[2] / "warehouse" / "oso_sqlmesh"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "OSO_WAREHOUSE_DATA": str(tmp_path), "OSO_SQLMESH_SOURCES": "raw", "COLUMNS": "200"}


def sqlmesh(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("sqlmesh")), "-p", str(PROJECT), "--log-file-dir"]
    return subprocess.run(
        [*command, environment["OSO_WAREHOUSE_DATA"], *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )


def test_unit_tests_pass(environment: dict[str, str]) -> None:
    """`sqlmesh test` runs the project's own tests, and all hold."""
    done = sqlmesh(environment, "test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Successfully Ran" in done.stdout


def test_plan_explain_changes_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    """`sqlmesh plan --explain` shows every model and makes no table."""
    done = sqlmesh(environment, "plan", "--explain", "--no-prompts")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Explained plan" in done.stdout
    with duckdb.connect(tmp_path / "iceberg.duckdb") as connection:
        assert connection.execute("SELECT COUNT(*) FROM duckdb_tables()").fetchall() == [(0,)]


def test_a_plan_without_sources_says_what_to_do(environment: dict[str, str]) -> None:
    """Before any source was loaded, applying a plan stops at once and names the job that loads them."""
    done = sqlmesh(environment, "plan", "--auto-apply", "--no-prompts")
    assert done.returncode != 0
    assert "source_assets_job" in done.stdout + done.stderr


def test_a_plan_on_the_seeds_needs_no_source(environment: dict[str, str], tmp_path: Path) -> None:
    """With `OSO_SQLMESH_SOURCES=seeds` the whole project materialises from the samples alone."""
    done = sqlmesh({**environment, "OSO_SQLMESH_SOURCES": "seeds"}, "plan", "--auto-apply", "--no-prompts")
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(tmp_path / "iceberg.duckdb") as connection:
        assert connection.execute("SELECT COUNT(*) > 5 FROM oso.projects_v1").fetchall() == [(True,)]


def test_later_intervals_are_merged(environment: dict[str, str], tmp_path: Path) -> None:
    """What a later run adds is merged into what an earlier one left: incremental models take the second step, too."""
    seeds = {**environment, "OSO_SQLMESH_SOURCES": "seeds"}
    for moment in ("2026-11-23 12:10:00", "2026-11-24 13:10:00"):
        done = sqlmesh(seeds, "plan", "--run", "--auto-apply", "--no-prompts", "--execution-time", moment)
        assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(tmp_path / "iceberg.duckdb") as connection:
        seeded = connection.execute("SELECT COUNT(*) FROM oso.seed_git__commits").fetchall()
        assert connection.execute("SELECT COUNT(*) FROM oso.stg_git__commits").fetchall() == seeded
        assert connection.execute("SELECT SUM(commit_count) FROM oso.contributors_v0").fetchall() == seeded
