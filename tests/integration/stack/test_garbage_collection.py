"""What garbage collection deletes and what it leaves, on the real files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from dagster_playbook.errors import PlatformError
from dagster_playbook.lake.garbage import Collector
from dagster_playbook.lake.iceberg_files import FilesGoneError, Lake, open_table
from dagster_playbook.services.trino_query import TrinoError

pytestmark = pytest.mark.stack

LOCATION = "s3://lake/warehouse"
NOTHING = timedelta(0)


def data_files(stack: Any, schema: str, table: str = "facts") -> set[str]:
    """The data files of a table on main."""
    return {row[0] for row in stack.sql(f'SELECT file_path FROM iceberg.{schema}."{table}$files"').rows}


def is_there(stack: Any, uri: str) -> bool:
    """Whether a file is in the object store's folder."""
    return bool((stack.local.room.data / "s3proxy" / uri.removeprefix("s3://")).is_file())


def rows_at(stack: Any, schema: str, hash: str) -> list[int]:
    """The rows of the table at a commit, read from the files."""
    table = open_table(Lake.from_environment(stack.env), "main", hash, (schema, "facts"))
    return sorted(n for batch in table.batches for n in batch.column("n").to_pylist())


def restate(stack: Any, schema: str, *values: int) -> None:
    """Write the table's rows anew."""
    stack.sql(f"DELETE FROM iceberg.{schema}.facts")
    stack.sql(f"INSERT INTO iceberg.{schema}.facts VALUES {', '.join(f'({v})' for v in values)}")


def collect(stack: Any, *arguments: str) -> tuple[int, dict[str, Any] | str]:
    """Run `playbook collect-garbage`; its exit code and its JSON, or what it said instead."""
    program = "from dagster_playbook.cli import main; main()"
    command = [sys.executable, "-c", program, "collect-garbage", "--format", "json", *arguments]
    result = subprocess.run(command, env={**os.environ, **stack.env}, capture_output=True, text=True, check=False)
    return result.returncode, json.loads(result.stdout) if result.stdout else result.stderr


@dataclass
class Past:
    """Three promotions of a table that was restated in between, and once more without a promotion."""

    schema: str
    hashes: list[str]
    files: list[set[str]]


@pytest.fixture
def past(stack: Any, schema: str) -> Past:
    """Versions 0, 1 and 2 were promoted; version 3 came after 1 and was not; main holds version 4."""
    stack.sql(f"CREATE TABLE iceberg.{schema}.facts (n bigint)")
    hashes, files = [], []
    for version in (0, 1, 3, 2, 4):
        restate(stack, schema, version, version + 10)
        files.append(data_files(stack, schema))
        if version < 3:
            hashes.append(stack.promote().hash)
    return Past(schema, hashes, files)


def test_a_dry_run_deletes_nothing(stack: Any, past: Past) -> None:
    """Without --yes the files that nothing reaches are listed, and all of them stay."""
    code, found = collect(stack, "--keep", "0s", "--grace", "0s")
    assert (code, found["deleted"]) == (0, 0)
    assert past.files[2] <= set(found["files"])
    assert all(is_there(stack, uri) for uri in found["files"])


def test_what_is_kept_stays_readable(stack: Any, past: Past) -> None:
    """After a collection main, the tag and a kept commit are read whole; what none of them reaches is deleted."""
    code, found = collect(stack, "--keep", "0s", "--grace", "0s", "--keep-hash", past.hashes[0], "--yes")
    assert (code, found["deleted"]) == (0, len(found["files"]))
    assert not any(is_there(stack, uri) for uri in (*past.files[1], *past.files[2]))
    assert rows_at(stack, past.schema, past.hashes[0]) == [0, 10]
    read = [stack.sql(f"SELECT sum(n) FROM {c}.{past.schema}.facts").scalar() for c in ("iceberg", "iceberg_consumer")]
    assert read == [18, 14]
    with pytest.raises(FilesGoneError):
        rows_at(stack, past.schema, past.hashes[1])


def test_the_tag_can_go_back_within_the_kept_time(stack: Any, past: Past) -> None:
    """With a time to keep, each commit that the tag stood on within it is readable after a collection."""
    assert collect(stack, "--keep", "1h", "--grace", "0s", "--yes")[0] == 0
    assert [rows_at(stack, past.schema, hash) for hash in past.hashes] == [[0, 10], [1, 11], [2, 12]]


def test_young_files_stay(stack: Any, past: Past) -> None:
    """Files younger than the grace period are counted and never deleted: a commit may still come for them."""
    code, found = collect(stack, "--keep", "0s", "--yes")
    assert (code, found["deleted"]) == (0, 0)
    assert found["young"] >= 2


def test_a_tag_that_moved_meanwhile_is_spared(stack: Any, past: Past) -> None:
    """When the tag goes back between the search and the deletion, what it reaches then is not deleted."""
    with stack.nessie() as client:
        collector = Collector(client, Lake.from_environment(stack.env), LOCATION, NOTHING, NOTHING)
        garbage = collector.find()
        target = client.get_reference("main")
        earlier = type(target)(target.name, target.kind, past.hashes[0])
        client.assign_reference(client.get_reference("consumer"), earlier)
        collector.delete(garbage)
    assert stack.sql(f"SELECT sum(n) FROM iceberg_consumer.{past.schema}.facts").scalar() == 10


def test_another_folder_is_refused(stack: Any, past: Past) -> None:
    """A folder in which no reference has a file is refused, since everything in it would look like garbage."""
    stack.sql(f"CREATE TABLE iceberg.{past.schema}.dropped AS SELECT 1 AS n")
    (file,) = data_files(stack, past.schema, "dropped")
    stack.sql(f"DROP TABLE iceberg.{past.schema}.dropped")
    folder, lake = file.partition("/data/")[0], Lake.from_environment(stack.env)
    assert is_there(stack, file)
    with stack.nessie() as client, pytest.raises(PlatformError, match="not this Nessie's tables"):
        Collector(client, lake, folder, NOTHING, NOTHING).find()


def test_trino_deletes_what_only_consumers_reach(stack: Any, past: Past) -> None:
    """Trino's remove_orphan_files on `iceberg` deletes the tag's files, so that consumers cannot read them any more."""
    assert rows_at(stack, past.schema, past.hashes[2]) == [2, 12]
    stack.trino.query(
        f"ALTER TABLE iceberg.{past.schema}.facts EXECUTE remove_orphan_files(retention_threshold => '0s')",
        session={"iceberg.remove_orphan_files_min_retention": "0s"},
    )
    assert not any(is_there(stack, uri) for uri in past.files[3])
    with pytest.raises(FilesGoneError):
        rows_at(stack, past.schema, past.hashes[2])
    # Trino keeps small files that it has read in memory; these it has not read.
    with pytest.raises(TrinoError):
        stack.sql(f"SELECT sum(n) FROM iceberg_consumer.{past.schema}.facts")
    # The tag is broken now; other tests look at it.
    stack.promote()
