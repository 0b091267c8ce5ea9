"""Sampling through the real client: from the emulator, and from servers that fail as BigQuery does."""

from __future__ import annotations

import socket
from decimal import Decimal
from typing import Any

import pytest
from google.cloud import bigquery

from dagster_playbook.errors import PlatformError
from dagster_playbook.scaffold.profile import profile_of
from dagster_playbook.scaffold.row_choice import choose_rows
from dagster_playbook.scaffold.sources import table_of_sample
from dagster_playbook.services.bigquery import BigQueryReader, TableReference, sample_sql

pytestmark = pytest.mark.bigquery
F = bigquery.SchemaField
LARGEST = Decimal("99999999999999999999999999999.999999999")


@pytest.fixture(scope="module")
def events(writer: Any) -> TableReference:
    """Twelve rows with reserved words, nested arrays of structs, NUMERIC extremes, emoji and mail addresses."""
    step = F("steps", "RECORD", mode="REPEATED", fields=[F("a", "INT64"), F("b", "STRING", mode="REPEATED")])
    schema = [F("id", "INT64", mode="REQUIRED"), F("select", "STRING"), F("amount", "NUMERIC"), F("email", "STRING")]
    schema += [step, F("created_at", "TIMESTAMP"), F("_airbyte_raw_id", "STRING")]
    writer.create_table(bigquery.Table("p.d.events", schema=schema), timeout=10)
    rows = [
        {
            "id": n,
            "select": None if n == 3 else "😀" if n == 4 else f"word {n}",
            "email": f"someone{n % 2}@corp.org",
            "steps": [{"a": i, "b": ["x"] * i} for i in range(n % 3)],
            "created_at": f"2024-01-{n + 1:02d}T00:00:00Z",
            "_airbyte_raw_id": f"r{n}",
        }
        for n in range(12)
    ]
    assert writer.insert_rows_json("p.d.events", rows, timeout=10, retry=None) == []
    # by DML, since the emulator's streaming insert takes the precision of NUMERIC from the first value
    largest = f"CASE id WHEN 5 THEN NUMERIC '{LARGEST}' WHEN 6 THEN NUMERIC '-{LARGEST}' ELSE CAST(id AS NUMERIC) END"
    writer.query(f"UPDATE `p.d.events` SET amount = {largest} WHERE TRUE", timeout=10, retry=None).result(timeout=10)
    return TableReference.parse("p.d.events")


@pytest.fixture
def reader(bigquery_emulator: str) -> BigQueryReader:
    """A reader of the emulator."""
    return BigQueryReader(project="p", endpoint=bigquery_emulator, timeout_s=10)


def test_sample_holds_rows_and_nested_schema(reader: BigQueryReader, events: TableReference) -> None:
    """A sample has the rows with their values and the schema with its nesting."""
    sample = reader.sample(events)
    steps = next(f for f in sample.fields if f.name == "steps")
    assert len(sample.rows) == sample.total_rows == 12
    assert (steps.mode, [inner.name for inner in steps.fields]) == ("REPEATED", ["a", "b"])
    assert LARGEST in {row[2] for row in sample.rows}


def test_personal_fields_are_masked(reader: BigQueryReader, events: TableReference) -> None:
    """Mail addresses never leave the reader, and equal ones stay equal."""
    sample = reader.sample(events)
    emails = {row[3] for row in sample.rows}
    assert sample.masked == ("email",)
    assert len(emails) == 2 and all(str(e).endswith("@example.com") for e in emails)


def test_chosen_rows_show_bigquery_cases(reader: BigQueryReader, events: TableReference) -> None:
    """Row choice works on what BigQuery returns: extremes, nested shapes, emoji, nulls."""
    shown = {str(case) for case in choose_rows(table_of_sample(reader.sample(events))).covered}
    assert {"select: null", "select: beyond the basic plane", "amount: beyond 64 bits", "steps: empty list"} <= shown


def test_profile_tells_nested_shapes(reader: BigQueryReader, events: TableReference) -> None:
    """The profile lists each shape of a nested column with its count."""
    profile = {p.name: p for p in profile_of(table_of_sample(reader.sample(events)))}
    assert ("[]", 4) in profile["steps"].shapes
    assert (profile["amount"].smallest, profile["select"].nulls) == (f"-{LARGEST}", 1)


def test_row_limit_holds(reader: BigQueryReader, events: TableReference) -> None:
    """No more rows are read than asked for."""
    assert len(reader.sample(events, rows=5).rows) == 5


def test_zero_rows_gives_an_empty_sample(reader: BigQueryReader, writer: Any) -> None:
    """A table without rows is sampled with its schema alone."""
    writer.create_table(bigquery.Table("p.d.empty", schema=[F("a", "INT64")]), timeout=10)
    sample = reader.sample(TableReference.parse("p.d.empty"))
    assert (sample.rows, [f.name for f in sample.fields]) == ((), ["a"])


def test_unknown_table_is_told(reader: BigQueryReader, events: TableReference) -> None:
    """A table that is not there is named."""
    with pytest.raises(PlatformError, match=r"has no p\.d\.nothing"):
        reader.sample(TableReference.parse("p.d.nothing"))


def test_only_select_is_run(reader: BigQueryReader, events: TableReference) -> None:
    """A statement that writes is refused by its dry run."""
    with pytest.raises(PlatformError, match="only SELECT is run, this is DELETE"):
        reader.dry_run(f"DELETE FROM `{events}` WHERE TRUE")


def test_dead_port_is_told_in_time() -> None:
    """A port where nothing listens is an error within the timeout, not after ten minutes."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        reader = BigQueryReader(endpoint=f"http://127.0.0.1:{held.getsockname()[1]}", timeout_s=1)
        with pytest.raises(PlatformError, match="did not answer in time"):
            reader.sample(TableReference.parse("p.d.t"))


def test_slow_server_is_told_in_time(misbehaving: Any) -> None:
    """A server that accepts and never answers is an error within the timeout."""
    misbehaving.answers = {"/tables/": None}
    with pytest.raises(PlatformError, match="did not answer in time"):
        BigQueryReader(endpoint=misbehaving.endpoint, timeout_s=1).sample(TableReference.parse("p.d.t"))


def test_dropped_permission_names_the_role(misbehaving: Any) -> None:
    """A refused read names the roles to ask for."""
    denied = {"error": {"code": 403, "message": "Access Denied: Table p:d.t", "errors": [{"reason": "accessDenied"}]}}
    misbehaving.answers = {"/tables/": (403, denied)}
    with pytest.raises(PlatformError, match=r"no permission to read p\.d\.t") as caught:
        BigQueryReader(endpoint=misbehaving.endpoint, timeout_s=2).sample(TableReference.parse("p.d.t"))
    assert "roles/bigquery.dataViewer" in caught.value.cure


def _job(bytes_processed: int) -> dict[str, Any]:
    reference = {"projectId": "p", "jobId": "j", "location": "US"}
    query = {"statementType": "SELECT", "totalBytesProcessed": str(bytes_processed)}
    statistics = {"totalBytesProcessed": str(bytes_processed), "query": query}
    return {
        "jobReference": reference,
        "status": {"state": "DONE"},
        "statistics": statistics,
        "configuration": {"query": {}},
    }


def test_query_over_the_cap_is_never_run(misbehaving: Any) -> None:
    """When the dry run says more bytes than the cap, no second query is sent."""
    schema = {"fields": [{"name": "a", "type": "STRING"}]}
    reference = {"projectId": "p", "datasetId": "d", "tableId": "t"}
    table = {"tableReference": reference, "schema": schema, "numBytes": "5", "numRows": "1", "type": "TABLE"}
    misbehaving.answers = {"/tables/": (200, table), "/jobs": (200, _job(2_000_000))}
    with pytest.raises(PlatformError, match="2,000,000 bytes, over the cap of 1,000,000"):
        BigQueryReader(endpoint=misbehaving.endpoint, timeout_s=5, max_bytes=1_000_000).sample(
            TableReference.parse("p.d.t")
        )
    posted = [line for line in misbehaving.asked if line.startswith("POST")]
    assert len(posted) == 1 and '"dryRun": true' in posted[0]


def test_cap_is_sent_with_the_query(misbehaving: Any) -> None:
    """The query itself carries maximum_bytes_billed, so BigQuery holds the cap as well."""
    misbehaving.answers = {"/jobs": (200, _job(10))}
    reader = BigQueryReader(endpoint=misbehaving.endpoint, timeout_s=5, max_bytes=1_000_000)
    reader._query("SELECT 1")
    assert '"maximumBytesBilled": "1000000"' in misbehaving.asked[-1]


def test_large_tables_are_read_by_blocks() -> None:
    """A table of a terabyte is sampled by blocks, a view never."""
    reference = TableReference.parse("`p.d.t`")
    assert "TABLESAMPLE SYSTEM (0.01 PERCENT)" in sample_sql(reference, 1 << 40, "TABLE", 10)
    assert "TABLESAMPLE" not in sample_sql(reference, 1 << 40, "VIEW", 10)


@pytest.mark.parametrize("text", ["t", "d.t", "p.d.t; DROP TABLE x", "p.d.`t`--", ""])
def test_reference_has_three_parts(text: str) -> None:
    """Anything but PROJECT.DATASET.TABLE is refused, so that nothing else gets into the query."""
    with pytest.raises(PlatformError, match="no BigQuery table"):
        TableReference.parse(text)
