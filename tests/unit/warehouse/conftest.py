"""The code location is loaded once, on a warehouse of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sqlmesh import Context

WAREHOUSE = Path(__file__).parents[3] / "warehouse"
sys.path.insert(0, str(WAREHOUSE))


@pytest.fixture(scope="package", autouse=True)
def warehouse_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty data directory that every test of this package uses."""
    path = tmp_path_factory.mktemp("warehouse")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OSO_WAREHOUSE_DATA", str(path))
        patch.delenv("DAGSTER_SQLMESH_GATEWAY", raising=False)
        patch.delenv("OSO_SQLMESH_SOURCES", raising=False)
        yield path


@pytest.fixture(scope="package")
def mesh(warehouse_data: Path) -> Iterator[Context]:
    """The SQLMesh context of the project; nothing was ever planned in it."""
    from oso_dagster.sqlmesh_asset import open_context

    context = open_context()
    yield context
    context.close()
