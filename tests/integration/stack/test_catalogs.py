"""The two catalogs and the tag between them, on the real services."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dagster_playbook.services.trino_query import TrinoError

pytestmark = pytest.mark.stack


def test_references_exist(stack: Any) -> None:
    """A stack has the references that the project names, of the kinds that it names."""
    wanted = json.loads((stack.local.config / "nessie" / "references.json").read_text())
    with stack.nessie() as client:
        there = {r.name: r.kind.value for r in client.list_references()}
    assert wanted.items() <= there.items()


def test_catalogs_are_shown(stack: Any) -> None:
    """Trino shows one catalog for each committed property file."""
    files = {path.stem for path in (stack.local.config / "trino" / "catalog").glob("*.properties")}
    assert {row[0] for row in stack.sql("SHOW CATALOGS").rows} == files | {"system"}


def test_producers_read_what_they_write(stack: Any, schema: str) -> None:
    """A table that is written through `iceberg` is read there."""
    stack.sql(f"CREATE TABLE iceberg.{schema}.numbers AS SELECT n FROM UNNEST(sequence(1, 5)) AS t(n)")
    assert stack.sql(f"SELECT sum(n) FROM iceberg.{schema}.numbers").scalar() == 15


def test_a_moved_tag_is_seen_at_once(stack: Any, schema: str) -> None:
    """Trino reads through `iceberg_consumer` what the tag was moved to, without a restart."""
    table = f"{schema}.numbers"
    stack.sql(f"CREATE TABLE iceberg.{table} AS SELECT 1 AS n")
    stack.promote()
    stack.sql(f"INSERT INTO iceberg.{table} VALUES (2)")
    before = stack.sql(f"SELECT count(*) FROM iceberg_consumer.{table}").scalar()
    stack.promote()
    assert (before, stack.sql(f"SELECT count(*) FROM iceberg_consumer.{table}").scalar()) == (1, 2)


def test_consumers_keep_what_main_drops(stack: Any, schema: str) -> None:
    """A table that main has dropped is still whole for consumers until the tag moves."""
    stack.sql(f"CREATE TABLE iceberg.{schema}.kept AS SELECT 7 AS n")
    stack.promote()
    stack.sql(f"DROP TABLE iceberg.{schema}.kept")
    assert stack.sql(f"SELECT n FROM iceberg_consumer.{schema}.kept").scalar() == 7


def test_consumers_do_not_see_a_new_column(stack: Any, schema: str) -> None:
    """A column that main adds is not in the consumers' schema before the tag moves."""
    stack.sql(f"CREATE TABLE iceberg.{schema}.wide AS SELECT 7 AS n")
    stack.promote()
    stack.sql(f"ALTER TABLE iceberg.{schema}.wide ADD COLUMN extra varchar")
    assert stack.sql(f"SELECT * FROM iceberg_consumer.{schema}.wide").columns == ("n",)


def test_consumers_cannot_write(stack: Any, schema: str) -> None:
    """A write through `iceberg_consumer` is refused, since a tag takes no commits."""
    stack.sql(f"CREATE TABLE iceberg.{schema}.sealed AS SELECT 1 AS n")
    stack.promote()
    with pytest.raises(TrinoError, match="TAG consumer"):
        stack.sql(f"INSERT INTO iceberg_consumer.{schema}.sealed VALUES (2)")


def test_view_through_the_tag_reads_main(stack: Any, schema: str) -> None:
    """A view whose body names `iceberg` reads main even through `iceberg_consumer`: views do not isolate."""
    stack.sql(f"CREATE TABLE iceberg.{schema}.base AS SELECT 1 AS n")
    stack.sql(f"CREATE VIEW iceberg.{schema}.layer AS SELECT * FROM iceberg.{schema}.base")
    stack.promote()
    stack.sql(f"INSERT INTO iceberg.{schema}.base VALUES (2)")
    counts = [stack.sql(f"SELECT count(*) FROM iceberg_consumer.{schema}.{t}").scalar() for t in ("base", "layer")]
    assert counts == [1, 2]


def test_nessie_catalog_type_has_no_views(stack: Any, schema: str) -> None:
    """Catalog type `nessie` cannot hold the views that SQLMesh's default layer is made of."""
    stack.sql(f"CREATE TABLE by_nessie_main.{schema}.base AS SELECT 1 AS n")
    with pytest.raises(TrinoError, match=r"(?i)not supported"):
        stack.sql(f"CREATE VIEW by_nessie_main.{schema}.layer AS SELECT * FROM by_nessie_main.{schema}.base")


def test_nessie_catalog_type_misses_a_moved_tag(stack: Any, schema: str) -> None:
    """Catalog type `nessie` goes on reading where the tag was when it first looked."""
    table = f"{schema}.numbers"
    stack.sql(f"CREATE TABLE iceberg.{table} AS SELECT 1 AS n")
    stack.promote()
    stack.sql(f"SELECT count(*) FROM by_nessie_consumer.{table}")
    stack.sql(f"INSERT INTO iceberg.{table} VALUES (2)")
    stack.promote()
    by = {
        c: stack.sql(f"SELECT count(*) FROM {c}.{table}").scalar() for c in ("iceberg_consumer", "by_nessie_consumer")
    }
    assert by == {"iceberg_consumer": 2, "by_nessie_consumer": 1}
