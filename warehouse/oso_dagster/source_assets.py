"""One asset for each raw table, and the loading that a fresh warehouse needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from . import settings
from .sources import git, pypi
from .sources.tables import RawTable, SourceError, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlmesh import EngineAdapter

GROUP = "sources"
TABLES: tuple[RawTable, ...] = (*pypi.TABLES, *git.TABLES)


class WarehouseResource(dg.ConfigurableResource["WarehouseResource"]):
    """The warehouse behind one of SQLMesh's gateways, for writing raw tables.

    A launch shows the gateway, and cannot choose another one.
    """

    gateway: str

    def adapter(self) -> EngineAdapter:
        """SQLMesh's own adapter for the gateway, so that raw tables and models meet the same types.

        Raises:
            dg.Failure: the run was launched with another gateway than the deployment's.
        """
        if self.gateway != settings.gateway():
            why = (
                f"the gateway is the deployment's, {settings.gateway()!r}, and no launch may set it to {self.gateway!r}"
            )
            raise dg.Failure(why, allow_retries=False)
        from sqlmesh.core.config import Config
        from sqlmesh.core.config.loader import load_configs

        project = settings.SQLMESH_PROJECT
        config = load_configs(None, Config, [project])[project]
        return config.get_connection(self.gateway).create_engine_adapter()


def source_asset(table: RawTable) -> dg.AssetsDefinition:
    """The asset that replaces `table` with what its source says at the time of the run."""

    @dg.asset(
        name=table.name,
        key_prefix=table.schema,
        group_name=GROUP,
        description=table.description,
        kinds={"python"},
        pool=settings.POOL,
        metadata={"dagster/column_schema": column_schema(table)},
    )
    def load_source(warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
        adapter = warehouse.adapter()
        try:
            rows = load(adapter, table)
        except SourceError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        finally:
            adapter.close()
        return dg.MaterializeResult(metadata={"dagster/row_count": rows})

    return load_source


def column_schema(table: RawTable) -> dg.TableSchema:
    """The table's columns as Dagster shows them."""
    return dg.TableSchema([dg.TableColumn(name, type_) for name, type_ in table.columns.items()])


def load_missing(adapter: EngineAdapter, tables: Sequence[RawTable] = TABLES) -> list[tuple[RawTable, int]]:
    """Load the raw tables that the warehouse does not hold, and return them with their row counts.

    Raises:
        dg.Failure: a source could not be read.
    """
    loaded: list[tuple[RawTable, int]] = []
    for table in tables:
        if not adapter.table_exists(table.qualified_name):
            try:
                loaded.append((table, load(adapter, table)))
            except SourceError as error:
                raise dg.Failure(str(error), allow_retries=False) from error
    return loaded


ASSETS = [source_asset(table) for table in TABLES]
