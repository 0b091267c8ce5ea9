"""The job `nessie_garbage_collection_job` on the real services, run by Dagster on an instance of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from dagster_playbook.lake.iceberg_files import FilesGoneError, Lake, open_table
from dagster_playbook.services.nessie_model import Reference

pytestmark = pytest.mark.stack

WAREHOUSE = Path(__file__).resolve().parents[3] / "warehouse"
OP = "nessie__collect_garbage"
AT_ONCE = {"keep": "0s", "grace": "0s"}


@dataclass
class Jobs:
    """The code location's Nessie jobs on a running stack, and the instance that records their runs."""

    instance: dg.DagsterInstance
    nessie_uri: str

    def run(self, name: str, op: str, config: dict[str, Any]) -> dg.ExecuteInProcessResult:
        """Execute a job with a configuration of its one op."""
        from oso_dagster.consumer_tag import NessieResource, assign_consumer_tag, consumer_tag_job
        from oso_dagster.garbage import garbage_collection_job

        nessie = NessieResource(uri=self.nessie_uri, branch="main", tag="consumer", timeout_s=30.0)
        defs = dg.Definitions([assign_consumer_tag], jobs=[consumer_tag_job, garbage_collection_job])
        job = dg.Definitions.merge(defs, dg.Definitions(resources={"nessie": nessie})).resolve_job_def(name)
        return job.execute_in_process(
            instance=self.instance, run_config={"ops": {op: {"config": config}}}, raise_on_error=False
        )

    def collect(self, **config: Any) -> dict[str, Any]:
        """Collect garbage; the metadata that the run shows, or the failure's description."""
        result = self.run("nessie_garbage_collection_job", OP, config)
        failures = [e.step_failure_data for e in result.all_events if e.is_step_failure]
        if failures:
            return {"failure": failures[0].user_failure_data.description}
        (output,) = [e.step_output_data for e in result.all_events if e.is_successful_output]
        return {name: value.value for name, value in output.metadata.items()}


@pytest.fixture
def jobs(stack: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    """The jobs, finding the stack by its variables; SQLMesh's own gateway does not matter to them."""
    for name, value in stack.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DAGSTER_SQLMESH_GATEWAY")
    monkeypatch.setenv("OSO_WAREHOUSE_DATA", str(tmp_path))
    monkeypatch.syspath_prepend(str(WAREHOUSE))
    with dg.DagsterInstance.ephemeral() as instance:
        yield Jobs(instance, stack.env["NESSIE_URI"])


def files_of(stack: Any, table: str) -> set[str]:
    """The data files of a table on main."""
    schema, _, name = table.partition(".")
    return {row[0] for row in stack.sql(f'SELECT file_path FROM iceberg.{schema}."{name}$files"').rows}


def is_there(stack: Any, uri: str) -> bool:
    """Whether a file is in the object store's folder."""
    return bool((stack.local.room.data / "s3proxy" / uri.removeprefix("s3://")).is_file())


def rows_at(stack: Any, reference: str, hash: str, key: tuple[str, str]) -> list[int]:
    """The rows of a table at a commit, read from its files."""
    table = open_table(Lake.from_environment(stack.env), reference, hash, key)
    return sorted(n for batch in table.batches for n in batch.column("n").to_pylist())


@pytest.fixture
def lost(stack: Any, schema: str) -> set[str]:
    """The files of a version of a table that was never promoted and that main has left behind."""
    table = f"{schema}.facts"
    stack.sql(f"CREATE TABLE iceberg.{table} AS SELECT BIGINT '1' AS n")
    stack.promote()
    files: list[set[str]] = []
    for value in (2, 3):
        stack.sql(f"DELETE FROM iceberg.{table}")
        stack.sql(f"INSERT INTO iceberg.{table} VALUES {value}")
        files.append(files_of(stack, table))
    return files[0]


def test_by_default_nothing_is_deleted(stack: Any, jobs: Jobs, lost: set[str]) -> None:
    """Without `dry_run: false` the run tells what nothing reaches and what was kept, and every file stays."""
    shown = jobs.collect(**AT_ONCE)
    assert (shown["dry_run"], shown["deleted_files_count"]) == (True, 0)
    assert shown["garbage_files_count"] >= len(lost)
    assert shown["kept_files_count"] > 0
    with stack.nessie() as client:
        assert {client.get_reference(name).hash for name in ("main", "consumer")} <= set(shown["kept_commits"])
    assert all(is_there(stack, uri) for uri in lost)


def test_only_what_nothing_reaches_is_deleted(stack: Any, jobs: Jobs, schema: str, lost: set[str]) -> None:
    """With `dry_run: false` the unreached files go, and main and the tag are read whole."""
    shown = jobs.collect(dry_run=False, **AT_ONCE)
    assert shown["deleted_files_count"] == shown["garbage_files_count"] >= len(lost)
    assert not any(is_there(stack, uri) for uri in lost)
    read = [stack.sql(f"SELECT sum(n) FROM {c}.{schema}.facts").scalar() for c in ("iceberg", "iceberg_consumer")]
    assert read == [3, 1]


@pytest.fixture
def left(stack: Any, schema: str) -> Reference:
    """Where the tag stands: a commit with a table of its own that main, which was set back, has no more."""
    stack.sql(f"CREATE TABLE iceberg.{schema}.still AS SELECT 1 AS n")
    with stack.nessie() as client:
        before = client.get_reference("main")
        stack.sql(f"CREATE TABLE iceberg.{schema}.aside AS SELECT n FROM UNNEST(ARRAY[7, 8]) AS t(n)")
        stood = stack.promote()
        client.assign_reference(client.get_reference("main"), before)
    return stood


def test_where_the_tag_stood_stays_readable(stack: Any, jobs: Jobs, schema: str, left: Reference) -> None:
    """A commit that the tag left within the kept time is readable after a collection, though no reference has it."""
    assert jobs.run("nessie_consumer_tag_job", "nessie__assign_consumer_tag", {}).success
    assert "failure" not in jobs.collect(dry_run=False, keep="1h", grace="0s")
    assert rows_at(stack, "main", left.hash, (schema, "aside")) == [7, 8]
    # Not by chance: once the move is longer ago than what is kept, the same files are garbage.
    assert "failure" not in jobs.collect(dry_run=False, **AT_ONCE)
    with pytest.raises(FilesGoneError):
        rows_at(stack, "main", left.hash, (schema, "aside"))


@dg.op(name="sqlmesh_project")
def writing_op() -> None:
    """An op of the name that counts as writing."""


@dg.job
def writing_job() -> None:
    """A job that writes as SQLMesh does."""
    writing_op()


def test_refused_while_sqlmesh_writes(stack: Any, jobs: Jobs, lost: set[str]) -> None:
    """While a run of `sqlmesh_project` is in flight the job fails, names that run, and deletes nothing."""
    run = jobs.instance.create_run_for_job(writing_job, status=dg.DagsterRunStatus.STARTED)
    assert run.run_id in jobs.collect(dry_run=False, **AT_ONCE)["failure"]
    assert all(is_there(stack, uri) for uri in lost)


def test_an_age_without_a_unit_is_refused(jobs: Jobs) -> None:
    """An age that cannot be read fails the run and says how one is written."""
    assert "write 7d, 12h, 30m or 0s" in jobs.collect(keep="7 days")["failure"]


def test_a_long_history_of_the_tag_is_read_to_its_end(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the tag stood is told newest first, over all pages of its moves, and not before the time that is kept."""
    from oso_dagster import garbage
    from oso_dagster.consumer_tag import assign_consumer_tag

    monkeypatch.setattr(garbage, "PAGE_SIZE", 2)
    for old in range(5):
        moved = {"old_hash": f"{old:08x}" if old else "", "new_hash": f"{old + 1:08x}"}
        jobs.instance.report_runless_asset_event(dg.AssetMaterialization(assign_consumer_tag.key, metadata=moved))
    now = dt.datetime.now(dt.UTC)
    hashes = [f"{number:08x}" for number in (5, 4, 3, 2, 1)]
    assert list(garbage.tag_places(jobs.instance, now - dt.timedelta(hours=1))) == hashes
    assert garbage.tag_places(jobs.instance, now + dt.timedelta(hours=1)) == ()
