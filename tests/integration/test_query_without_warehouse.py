"""A query step asks a warehouse that is not there yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.errors import PlatformError
from dagster_playbook.services.query import ask
from dagster_playbook.settings import load_settings


def test_a_warehouse_that_is_not_there_is_told_with_its_cure(tmp_path: Path) -> None:
    """The file's name and what to do, not the database's own error; and no file is made by asking."""
    (tmp_path / "models").mkdir()
    (tmp_path / "config.yaml").write_text(
        f"gateways:\n  local:\n    connection:\n      type: duckdb\n      database: {tmp_path}/shop.duckdb\n"
        "default_gateway: local\nmodel_defaults:\n  dialect: duckdb\n"
    )
    with pytest.raises(PlatformError) as caught:
        ask("duckdb", "SELECT 1", load_settings(tmp_path))
    assert (caught.value.message, caught.value.cure) == (
        "DuckDB cannot be asked: there is no shop.duckdb",
        "run the models once first",
    )
    assert not list(tmp_path.glob("*.duckdb"))
