"""What differs between two versions of a table, row by row, on DuckDB."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb
import pytest
import seeded_defects
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_playbook.diff.compare import Options, compare
from dagster_playbook.diff.duckdb_engine import duckdb_engine
from dagster_playbook.diff.model import Diff, Grain
from dagster_playbook.errors import PlatformError

GRAIN = {"oso.t": Grain(("id",), "grain")}


def diff(
    folder: Path, before: str, after: str, grains: dict[str, Grain] | None = None, options: Options | None = None
) -> Diff:
    """Compare what two pieces of SQL make of two files."""
    paths = folder / "before.duckdb", folder / "after.duckdb"
    for path, sql in zip(paths, (before, after), strict=True):
        path.unlink(missing_ok=True)
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{path}' AS iceberg; USE iceberg; CREATE SCHEMA oso; {sql}")
    with duckdb_engine(*paths, "iceberg") as engine:
        return compare(engine, ("before", "after"), GRAIN if grains is None else grains, options or Options(), str)


def test_every_seeded_defect_is_told_with_a_row(tmp_path: Path) -> None:
    """Swapped values, 0.1 % changed by one, an equal mean, lost columns, rows and keys, unknown and repeated grains.

    `python -m benchmarks row_diff` seeds all 200, in tables of 20 sizes.
    """
    paths = tmp_path / "before.duckdb", tmp_path / "after.duckdb"
    seeded = seeded_defects.write(*paths, sizes=(11, 1110))
    with duckdb_engine(*paths, "after") as engine:
        found = compare(engine, ("a", "b"), seeded_defects.grains(seeded), Options(), str)
    missing = {t.name: seeded_defects.untold(t, *seeded[t.name]) for t in found.tables}
    assert len(missing) == 2 * len(seeded_defects.DEFECTS)
    assert {name: words for name, words in missing.items() if words} == {}


def test_the_same_rows_in_another_order_are_the_same(tmp_path: Path) -> None:
    """Neither the order of rows nor that of columns is a difference."""
    found = diff(
        tmp_path,
        "CREATE TABLE oso.t AS SELECT i AS id, i * 2 AS n FROM range(100) r(i)",
        "CREATE TABLE oso.t AS SELECT i * 2 AS n, i AS id FROM range(100) r(i) ORDER BY -i",
    )
    assert found.differing == ()


def test_a_view_is_compared_by_what_it_shows(tmp_path: Path) -> None:
    """Each version's view reads the tables of its own file, though its text names the catalog."""
    sql = "CREATE TABLE oso.t AS SELECT {} AS id, 1 AS n; CREATE VIEW oso.v AS SELECT id, n FROM iceberg.oso.t"
    found = diff(tmp_path, sql.format(1), sql.format(2), {"oso.v": Grain(("id",), "grain")})
    assert [(t.name, t.added, t.removed) for t in found.differing] == [("oso.t", 1, 1), ("oso.v", 1, 1)]


def test_new_and_lost_tables_are_told_with_their_rows(tmp_path: Path) -> None:
    """A table that only one version has is no row by row matter."""
    found = diff(
        tmp_path,
        "CREATE TABLE oso.lost AS SELECT 1 AS a",
        "CREATE TABLE oso.made AS SELECT i FROM range(3) r(i)",
    )
    assert [(t.name, t.state, t.rows_before, t.rows_after) for t in found.tables] == [
        ("oso.lost", "removed", 1, 0),
        ("oso.made", "added", 0, 3),
    ]


def test_personal_values_are_masked_in_examples(tmp_path: Path) -> None:
    """By the column's name, and an address wherever it stands; that two values differ stays to be seen."""
    sql = "CREATE TABLE oso.t AS SELECT 1 AS id, '{0}' AS full_name, 'from {0}@corp.example.co' AS note"
    (example,) = diff(tmp_path, sql.format("ada"), sql.format("eve")).tables[0].examples
    text = str(example)
    assert example.before["full_name"] != example.after["full_name"]
    assert not any(word in text for word in ("ada", "eve", "corp"))


def test_of_a_large_table_the_same_part_of_the_keys_is_compared(tmp_path: Path) -> None:
    """The share is said, every version of a compared key is seen, and rows are counted whole."""
    sql = "CREATE TABLE oso.t AS SELECT i AS id, i + {} AS n FROM range(1000) r(i)"
    table = diff(tmp_path, sql.format(0), sql.format(1), options=Options(max_rows=100)).tables[0]
    assert (table.share, table.rows_before, table.rows_after) == (0.1, 1000, 1000)
    assert (table.added, table.removed) == (0, 0)
    assert 40 < table.changed < 200


@pytest.mark.parametrize(("changed", "by"), [(1, "n = 1"), (3, "n < 3"), (150_000, "TRUE")])
def test_of_many_rows_only_where_checksums_differ_is_looked_at(tmp_path: Path, changed: int, by: str) -> None:
    """And the counts are those of all rows, be it few or all that changed."""
    sql = "CREATE TABLE oso.t AS SELECT n AS id, n AS v FROM range(150000) r(n)"
    after = f"CREATE TABLE oso.t AS SELECT n AS id, CASE WHEN {by} THEN -1 - n ELSE n END AS v FROM range(150000) r(n)"
    table = diff(tmp_path, sql, after).tables[0]
    assert (table.added, table.removed, table.changed, dict(table.columns)) == (0, 0, changed, {"v": changed})
    assert len(table.examples) == min(changed, 3)


def test_a_difference_outside_the_part_is_still_told(tmp_path: Path) -> None:
    """The checksum is over all rows, so what the part does not show is no `same`."""
    sql = "CREATE TABLE oso.t AS SELECT i AS id, CASE WHEN i = 7 THEN {} ELSE 0 END AS n FROM range(1000) r(i)"
    table = diff(tmp_path, sql.format(0), sql.format(1), options=Options(max_rows=1)).tables[0]
    assert table.state == "changed"
    assert table.share == 0.001


def test_the_digest_is_of_what_was_counted(tmp_path: Path) -> None:
    """The same two versions have it again; another change of as many rows in another column has another one."""
    sql = "CREATE TABLE oso.t AS SELECT 1 AS id, {} AS a, {} AS b, 'x@mail.example.co' AS c"
    first, again = (diff(tmp_path, sql.format(1, 1), sql.format(2, 1)).digest for _ in range(2))
    assert first == again
    assert diff(tmp_path, sql.format(1, 1), sql.format(1, 2)).digest != first


def test_a_table_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A mistyped name does not pass as `no difference`."""
    with pytest.raises(PlatformError, match=r"neither version has a table oso\.typo"):
        diff(tmp_path, "", "", options=Options(tables=("oso.typo",)))


def test_names_with_quotes_are_names(tmp_path: Path) -> None:
    """A column may be called anything."""
    sql = """CREATE TABLE oso.t AS SELECT 1 AS id, {} AS "a "" b", 1 AS "SELECT", 1 AS n0"""
    assert dict(diff(tmp_path, sql.format(1), sql.format(2)).tables[0].columns) == {'a " b': 1}


KEYS, VALUES = st.none() | st.integers(0, 5), st.none() | st.sampled_from([0.0, 1.5, float("nan")])
TABLES = st.lists(st.tuples(KEYS, VALUES), max_size=12)


@settings(max_examples=25, deadline=None)
@given(TABLES, TABLES)
def test_counts_are_those_of_a_plain_comparison(
    tmp_path_factory: pytest.TempPathFactory, before: list[tuple[object, ...]], after: list[tuple[object, ...]]
) -> None:
    """On any two tables: by key where it is unique, else by whole rows, as counted one by one in Python."""

    def rows(table: list[tuple[object, ...]]) -> str:
        values = ", ".join(
            f"({'NULL' if k is None else k}, {'NULL' if v is None else repr(str(v)) + '::double'})" for k, v in table
        )
        made = f"SELECT * FROM (VALUES {values}) v(id, n)" if table else "SELECT NULL::int, NULL::double WHERE FALSE"
        return f"CREATE TABLE oso.t (id int, n double); INSERT INTO oso.t {made}"

    (found,) = diff(tmp_path_factory.mktemp("d"), rows(before), rows(after)).tables
    old, new = (Counter((k, str(v)) for k, v in table) for table in (before, after))
    keys = [Counter(k for k, _ in table) for table in (before, after)]
    if old == new:
        assert found.state == "same"
    elif any(count > 1 for side in keys for count in side.values()):
        assert (found.removed, found.added) == ((old - new).total(), (new - old).total())
    else:
        both = {k for k, _ in before} & {k for k, _ in after}
        changed = sum(
            dict(before)[k] is not dict(after)[k] and str(dict(before)[k]) != str(dict(after)[k]) for k in both
        )
        assert (found.removed, found.added, found.changed) == (
            len(keys[0] - keys[1]),
            len(keys[1] - keys[0]),
            changed,
        )
