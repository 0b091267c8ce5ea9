"""A state file that another process writes to is busy: not empty, not a failure, and nothing is to be run for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_graph import GRAPH, write_models

from dagster_playbook.errors import BusyError, PlatformError
from dagster_playbook.restatement.sqlmesh_plan import close_context, open_planning_context
from dagster_playbook.services.query import ask
from dagster_playbook.settings import Settings, SqlmeshProject

CONFIG = """
from pathlib import Path
from sqlmesh.core.config import Config, DuckDBConnectionConfig, GatewayConfig, ModelDefaultsConfig
DATA = Path(__file__).parent
config = Config(
    gateways={"local": GatewayConfig(
        connection=DuckDBConnectionConfig(catalogs={"iceberg": str(DATA / "iceberg.duckdb")}),
        state_connection=DuckDBConnectionConfig(database=str(DATA / "state.duckdb")),
    )},
    default_gateway="local",
    model_defaults=ModelDefaultsConfig(dialect="duckdb", start="2026-01-01"),
    disable_anonymized_analytics=True,
)
"""
WRITER = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A project whose two files somebody else has open for writing."""
    folder = tmp_path / "p"
    write_models(folder / "models", GRAPH[:1])
    (folder / "config.py").write_text(CONFIG)
    writers = []
    for name in ("state", "iceberg"):
        command = [sys.executable, "-c", WRITER, str(folder / f"{name}.duckdb")]
        writers.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        assert writers[-1].stdout is not None
        assert writers[-1].stdout.readline() == b"open\n"
    yield tmp_path
    for writer in writers:
        writer.communicate()


def test_a_plan_on_a_busy_state_says_who_has_it(project: Path) -> None:
    """With its process; `nothing was deployed yet` and the cure to run everything would be wrong."""
    with pytest.raises(BusyError, match=r"the DuckDB file is busy: process \d+ has it open for writing") as refused:
        close_context(open_planning_context(project, SqlmeshProject("p")))
    assert refused.value.cure.startswith("wait until that process has ended")
    assert "deployed" not in str(refused.value)


def test_a_query_on_a_busy_warehouse_is_busy(project: Path) -> None:
    """A step that asks it is repeated, not failed."""
    with pytest.raises(BusyError, match="has it open for writing"):
        ask("duckdb", "SELECT 1", Settings(project, sqlmesh=(SqlmeshProject("p"),)))


def test_a_state_that_is_not_there_is_told_as_that(tmp_path: Path) -> None:
    """Only then is everything to be run first."""
    write_models(tmp_path / "p" / "models", GRAPH[:1])
    (tmp_path / "p" / "config.py").write_text(CONFIG)
    with pytest.raises(PlatformError, match="nothing was deployed yet") as refused:
        close_context(open_planning_context(tmp_path, SqlmeshProject("p")))
    assert not isinstance(refused.value, BusyError)
