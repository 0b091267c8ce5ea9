"""What new assets and seeds are made of, also for tables that are no friends."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlglot
import yaml

from dagster_playbook.errors import ScaffoldError
from dagster_playbook.scaffold import files
from dagster_playbook.scaffold.asset import new_asset, registered
from dagster_playbook.scaffold.cells import plain
from dagster_playbook.scaffold.layout import Layout, TableName, columns_of, quoted
from dagster_playbook.scaffold.lint import lint_warehouse
from dagster_playbook.scaffold.lint.model_file import read_model
from dagster_playbook.scaffold.row_choice import choose_rows
from dagster_playbook.scaffold.seed import audits, moved_to_now, new_seed
from dagster_playbook.scaffold.sources import Source, read_source, records_in
from dagster_playbook.scaffold.table import Column, SourceTable, table_of_records

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAME = TableName("crm", "people")
HOSTILE = [
    {
        "id": n,
        "select": "NA" if n == 1 else None if n == 2 else "" if n == 3 else "x",
        "größe 😀": Decimal("99999999999999999999999999999.999999999") if n == 4 else Decimal(n),
        'quo"te': "a,b\nc",
        "email": f"p{n}@corp.org",
        "nested": [{"a": [1, {"b": None}]}] * (n % 3),
        "at": f"2020-01-0{n + 1}T00:00:00+02:00",
        "until": "9999-12-31",
    }
    for n in range(7)
]


def _texts(changes: list[files.Change]) -> dict[str, str]:
    return {Path(item.path).name: item.after for item in changes}


def _seed(layout: Layout, records: list[dict[str, Any]], **options: str) -> dict[str, str]:
    return _texts(new_seed(layout, NAME, choose_rows(table_of_records(records)), now=NOW, **options))


@pytest.mark.parametrize(
    "source",
    [
        Source("rest", "https://api.example.com/v1/people?page=1", selector="data"),
        Source("sql", "postgresql://me:secret@db.example.com/crm", table="people"),
        Source("files", "exports/people-*.csv"),
        Source("files", "exports/people.json", selector="items"),
        Source("bigquery", "p.crm.people"),
    ],
)
def test_asset_module_declares_every_column(source: Source, layout: Layout) -> None:
    """Whatever the kind of source, the module is Python and its columns are the source's own."""
    text = _texts(new_asset(layout, NAME, source, table_of_records(HOSTILE)))["crm__people.py"]
    constants = {n.targets[0].id: n.value for n in ast.parse(text).body if isinstance(n, ast.Assign)}  # type: ignore[attr-defined]
    assert list(ast.literal_eval(constants["COLUMNS"])) == list(HOSTILE[0])
    assert ast.literal_eval(constants["PERSONAL"]) == ("email",)
    assert "secret" not in text


def test_written_asset_and_seed_keep_every_rule(layout: Layout) -> None:
    """What is written for a hostile table has no finding."""
    table = table_of_records(HOSTILE)
    changes = new_asset(layout, NAME, Source("rest", "https://api.example.com/people"), table)
    files.write(layout.root, changes)
    files.write(layout.root, new_seed(layout, NAME, choose_rows(read_masked(table)), now=NOW))
    assert [f"{f.location} {f.message}" for f in lint_warehouse(layout, now=NOW).findings] == []


def read_masked(table: SourceTable) -> SourceTable:
    """As sources are read: personal values masked."""
    rows = tuple(tuple("a@example.com" if str(v).endswith("corp.org") else v for v in row) for row in table.rows)
    return SourceTable(table.columns, rows, table.origin)


def test_recorded_sample_has_the_chosen_records(layout: Layout) -> None:
    """The sample beside the test has the source's columns and at least five records."""
    changes = new_asset(layout, NAME, Source("files", "p.csv"), table_of_records(HOSTILE))
    sample = json.loads(_texts(changes)["crm__people.json"])
    assert [c["name"] for c in sample["columns"]] == list(HOSTILE[0]) and len(sample["records"]) >= 5


def test_registration_is_idempotent() -> None:
    """Registering a module twice is registering it once."""
    text = "from .sources import git\n\nTABLES = (*git.TABLES,)\n"
    once = registered(text, "shop__orders", "source_assets.py")
    assert "from .sources import git, shop__orders" in once and "*shop__orders.TABLES" in once
    assert registered(once, "shop__orders", "source_assets.py") == once


def test_registration_elsewhere_is_an_error() -> None:
    """A code location of another shape is told what to add by hand."""
    with pytest.raises(ScaffoldError, match="cannot register") as caught:
        registered("TABLES = []\n", "shop__orders", "source_assets.py")
    assert "by hand" in caught.value.cure


def test_nulls_empties_and_na_stay_apart(layout: Layout) -> None:
    """A null, an empty text and the text NA are three different cells of the seed."""
    rows = csv.DictReader(io.StringIO(_seed(layout, HOSTILE)["seed_crm__people.csv"]))
    assert {r"\N", "", "NA"} <= {row["select"] for row in rows}


def test_seed_and_staging_load_as_sql(layout: Layout) -> None:
    """Reserved words, emoji and quotes in names are quoted so that the models parse with all columns."""
    texts = _seed(layout, HOSTILE)
    seed = read_model("s.sql", texts["seed_crm__people.sql"])
    staging = read_model("t.sql", texts["stg_crm__people.sql"])
    assert seed is not None and staging is not None and staging.query is not None
    assert list(seed.columns()) == [name.lower() for name in HOSTILE[0]]
    assert [item.alias for item in staging.query.selects] == [name.lower() for name in HOSTILE[0]]


def test_unit_test_has_rows_in_and_out(layout: Layout) -> None:
    """The SQLMesh test feeds raw rows and expects as many staged ones."""
    (test,) = yaml.safe_load(_seed(layout, HOSTILE)["test_stg_crm__people.yaml"]).values()
    assert len(test["inputs"]["crm.people"]["rows"]) == len(test["outputs"]["query"]["rows"]) == 5


def test_registers_gain_the_raw_table(layout: Layout) -> None:
    """The external model and the list of required tables get one entry more and keep the others."""
    texts = _seed(layout, HOSTILE)
    assert [entry["name"] for entry in yaml.safe_load(texts["external_models.yaml"])] == ["shop.orders", "crm.people"]
    assert texts["sources.py"].startswith('RAW_TABLES = (\n    "shop.orders",\n    "crm.people",\n)')


def test_dates_are_relative_to_now() -> None:
    """The newest date becomes today, distances stay, far sentinels stay."""
    old, sentinel = date(2020, 1, 3), date(9999, 12, 31)
    moved = moved_to_now([(old, sentinel), (old - timedelta(days=2), None)], NOW)
    assert moved == [(date(2026, 11, 23), sentinel), (date(2026, 11, 21), None)]


def test_key_that_is_none_is_refused() -> None:
    """A key that is null or stands twice in the rows cannot be audited."""
    with pytest.raises(ScaffoldError, match="so it is no key"):
        audits({"id": "BIGINT"}, [(1,), (1,)], key="id")
    with pytest.raises(ScaffoldError, match="no column 'nr'"):
        audits({"id": "BIGINT"}, [(1,)], key="nr")


def test_table_without_a_key_is_audited_for_rows() -> None:
    """Without a key column there is an audit still."""
    assert audits({"note": "VARCHAR"}, [("a",), ("a",)]) == ["number_of_rows(threshold := 0)"]


def test_names_equal_but_for_case_are_refused(layout: Layout) -> None:
    """SQL could not tell them apart."""
    with pytest.raises(ScaffoldError, match="but for letter case"):
        columns_of(SourceTable((Column("Id", "INT64"), Column("ID", "INT64")), ()))


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        (" id", "begins or ends with a blank"),
        ("a\nb", "cannot be printed"),
        ("a\0b", "cannot be printed"),
        ("\ud800", "cannot be printed"),
        ("@DEF(x, 1)", "macro or template"),
        ("{{ env_var('HOME') }}", "macro or template"),
        ("x" * 129, "longer than 128"),
        ("a;b", "read by SQLMesh as ''"),
        ("a -- b", "read by SQLMesh as 'a'"),
        ("a /* b */", "read by SQLMesh as 'a'"),
        ('"a"', "read by SQLMesh as 'a'"),
    ],
)
def test_key_that_can_be_no_column_is_named_first(key: str, why: str, layout: Layout) -> None:
    """A key that no engine takes ends both commands before anything is written, with its name."""
    table = table_of_records([{"id": 1, key: "x"}, {"id": 2, key: "y"}])
    for write in (
        lambda: new_asset(layout, NAME, Source("rest", "https://api.example.com/x"), table),
        lambda: new_seed(layout, NAME, choose_rows(table), now=NOW),
    ):
        with pytest.raises(ScaffoldError, match=re.escape(why)) as caught:
            write()
        assert repr(key) in caught.value.message


def test_odd_keys_that_can_be_columns_are_kept(layout: Layout) -> None:
    """Names that only look odd become columns as they are."""
    keys = [
        "userId",
        "user_id",
        "1st",
        "a.b",
        "$ref",
        "select",
        "a/b",
        "#x",
        "a'b",
        "größe 😀",
        "a,b",
        "1e5",
        "null",
        "?",
    ]
    text = _seed(layout, [dict.fromkeys(keys, "v") | {"id": n} for n in range(6)])["seed_crm__people.csv"]
    assert next(csv.reader(io.StringIO(text))) == [*(key.lower() for key in keys), "id"]


@pytest.mark.parametrize("name", ["Shop", "a__b", "class", "x; DROP", "", "größe", "_a", "../a"])
def test_source_names_are_plain_words(name: str) -> None:
    """A name that would not be a module, a schema and a file name is refused."""
    with pytest.raises(ScaffoldError, match="no name for a source"):
        TableName("shop", name)


@pytest.mark.parametrize("name", ["select", "user", "größe 😀", 'quo"te', "1st", "order", "a-b", "plain_name", "table"])
def test_quoted_names_parse(name: str) -> None:
    """Any column name can stand in a query."""
    query = sqlglot.parse_one(f"SELECT {quoted(name)}::VARCHAR AS {quoted(name)} FROM t", dialect="trino")
    assert query.selects[0].alias == name.lower()


def test_ten_thousand_columns_are_written(layout: Layout) -> None:
    """A table of 10,000 columns gets its seed and its staging model."""
    columns = tuple(Column(f"c{n}", "INT64") for n in range(10_000))
    table = SourceTable(columns, tuple(tuple(n % (r + 2) for n in range(10_000)) for r in range(6)))
    texts = _texts(new_seed(layout, NAME, choose_rows(table), now=NOW))
    assert texts["stg_crm__people.sql"].count("::BIGINT") == 10_000


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        ({"a": "é"}, "VARCHAR", '{"a": "é"}'),
        (b"hi", "VARCHAR", "aGk="),
        ("2024-01-01T02:00:00+02:00", "TIMESTAMP(6)", datetime(2024, 1, 1)),
        ("2024-01-01 00:00:00 UTC", "TIMESTAMP(6)", datetime(2024, 1, 1)),
        (datetime(2024, 1, 1, 5, tzinfo=UTC), "DATE", date(2024, 1, 1)),
        ("1.50", "DECIMAL(38, 9)", Decimal("1.50")),
        (7, "VARCHAR", "7"),
        (None, "BIGINT", None),
    ],
)
def test_plain_values(value: Any, type_: str, expected: Any) -> None:
    """Nested values become JSON text, times lose their zone, bytes become base64."""
    assert plain(value, type_) == expected


@pytest.mark.parametrize(
    ("document", "message"),
    [({"a": [{"x": 1}], "b": [{"x": 1}]}, "found: a, b"), ({"a": 1}, "found: none"), ("text", "found: none")],
)
def test_answer_without_one_list_is_told(document: Any, message: str) -> None:
    """An answer has to hold one list of records, or the list has to be named."""
    with pytest.raises(ScaffoldError, match=message) as caught:
        records_in(document, "", "https://me:pw@api.example.com/x?token=t")
    assert "pw" not in str(caught.value) and "token" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", b"id,ID\n1,2\n", "but for letter case"),
        ("a.csv", b"id\n1,2\n", "more cells than the header"),
        ("a.jsonl", b'{"a": 1}\n{"a"', "is no JSON"),
        ("a.json", b"[1, 2]", "not every record is an object"),
        ("a.txt", b"x", "files have to be of one kind"),
        ("a.csv", b"\xff\xfe", "cannot be read"),
        ("missing/a.csv", None, "no such file"),
    ],
)
def test_bad_files_are_told(name: str, text: bytes | None, message: str, tmp_path: Path) -> None:
    """A file that holds no table is one clear error."""
    if text is not None:
        (tmp_path / name).write_bytes(text)
    with pytest.raises(ScaffoldError, match=message):
        read_source(Source("files", str(tmp_path / name)))


def test_empty_file_cannot_become_an_asset(layout: Layout, tmp_path: Path) -> None:
    """A source with zero rows is refused, and nothing was written."""
    (tmp_path / "empty.csv").write_text("id,name\n", encoding="utf-8")
    source, table = read_source(Source("files", str(tmp_path / "empty.csv")))
    with pytest.raises(ScaffoldError, match="no columns"):
        new_asset(layout, NAME, source, table)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Source("sql", "sqlite://", table="nothing"), "no table 'nothing'"),
        (Source("sql", "nonsense", table="t"), "cannot be read"),
        (Source("rest", "ftp://x/y"), "no http address"),
        (Source("rest", "http://127.0.0.1:9/closed"), "cannot be fetched"),
    ],
)
def test_source_that_is_not_there_is_told(source: Source, message: str) -> None:
    """A database or endpoint that is not there is one clear error."""
    with pytest.raises(ScaffoldError, match=message):
        read_source(source)
