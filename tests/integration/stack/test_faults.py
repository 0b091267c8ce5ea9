"""What the stack survives, done to the real processes."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner

from dagster_playbook.cli import group
from dagster_playbook.errors import StackError
from dagster_playbook.lake.iceberg_files import Lake
from dagster_playbook.services.nessie_model import NessieUnreachableError, ReferenceConflictError, RefKind
from dagster_playbook.services.trino_query import TrinoError
from dagster_playbook.stack.local import LocalStack, Selection
from dagster_playbook.stack.processes import left_behind

pytestmark = pytest.mark.stack

SMALL = Selection(only=("nessie",))


def pid_of(stack: Any, service: str) -> int:
    """The process of a service."""
    return int(next(s.pid for s in stack.local.status() if s.service == service))


def kill(stack: Any, service: str) -> None:
    """End a service as a crash does; a signal that was sent is not yet a process that is gone."""
    process = psutil.Process(pid_of(stack, service))
    process.kill()
    process.wait(30)


def test_references_survive_a_crash_of_nessie(stack: Any) -> None:
    """After kill -9 of Nessie the next `up` starts it alone, and every reference is where it was."""
    with stack.nessie() as client:
        before = client.list_references()
    kill(stack, "nessie")
    told = dict(stack.up())
    with stack.nessie() as client:
        assert client.list_references() == before
    assert {service for service, what in told.items() if "adopted" in what} == {"postgres", "s3proxy", "trino"}


def test_a_move_cut_by_a_crash_is_done_or_not(stack: Any, schema: str) -> None:
    """Nessie killed in the middle of moves leaves the tag at the last hash that was sent or the one before it."""
    with stack.nessie() as client:
        old = client.get_reference("main")
        stack.sql(f"CREATE TABLE iceberg.{schema}.any AS SELECT 1 AS n")
        new = client.get_reference("main")
        client.create_reference("cut", RefKind.TAG, old)
    sent: list[tuple[str, str]] = []
    answered: list[str] = [old.hash]
    moving = threading.Event()

    def move() -> None:
        with stack.nessie() as client, contextlib.suppress(NessieUnreachableError, ReferenceConflictError):
            for target in itertools.cycle((new, old)):
                seen = client.get_reference("cut")
                sent.append((seen.hash, target.hash))
                answered.append(client.assign_reference(seen, target).hash)
                if len(answered) > 20:
                    moving.set()

    mover = threading.Thread(target=move)
    mover.start()
    assert moving.wait(30)
    kill(stack, "nessie")
    mover.join(60)
    stack.up()
    with stack.nessie() as client:
        now = client.get_reference("cut").hash
    assert now in {*sent[-1], answered[-1]}


def test_postgres_starts_again_right_after_it_was_killed(stack: Any) -> None:
    """Its pid file and its last children are no hindrance, though nobody has waited for them to go."""
    with stack.nessie() as client:
        before = client.list_references()
        psutil.Process(pid_of(stack, "postgres")).kill()
        stack.up()
        assert client.list_references() == before


def test_a_killed_service_is_told_by_the_status(stack: Any) -> None:
    """Exit code 1, and which service ended without being stopped, until the next `up`."""
    kill(stack, "nessie")
    room = stack.local.room
    options = ["--name", room.name, "--home", str(room.folder.parent), "--config", str(stack.local.config)]
    status = CliRunner().invoke(group, ["stack", "status", "--project", str(stack.local.project), *options])
    stack.up()
    assert status.exit_code == 1
    assert "nessie: ended: its process" in status.output
    status = CliRunner().invoke(group, ["stack", "status", "--project", str(stack.local.project), *options])
    assert status.exit_code == 0, status.output


def test_nessie_goes_on_when_postgres_was_restarted(stack: Any) -> None:
    """Postgres may be stopped and started below a running Nessie; its references are served again, unchanged."""
    with stack.nessie() as client:
        before = client.list_references()
        stack.local.down(names=["postgres"])
        told = dict(stack.up())
        assert "adopted" in told["nessie"]
        assert client.list_references() == before


def test_a_lost_object_store_is_said_so(stack: Any, schema: str) -> None:
    """Without the object store a query fails with an error that names the store's trouble, and works again after."""
    stack.sql(f"CREATE TABLE iceberg.{schema}.stored AS SELECT 1 AS n")
    stack.local.down(names=["s3proxy"])
    with pytest.raises(TrinoError, match=r"(?i)s3|connect|read|metadata"):
        stack.sql(f"SELECT * FROM iceberg.{schema}.stored")
    states = {s.service: s.state for s in stack.local.status()}
    stack.up()
    assert states["s3proxy"] == "stopped"
    assert stack.sql(f"SELECT n FROM iceberg.{schema}.stored").scalar() == 1


def test_trino_killed_in_a_write_leaves_the_table_whole(stack: Any, schema: str) -> None:
    """Trino killed in the middle of a write leaves the table with all of the old rows or all of the new ones."""
    table = f"iceberg.{schema}.written"
    stack.sql(f"CREATE TABLE {table} AS SELECT BIGINT '1' AS n")
    big = f"INSERT INTO {table} SELECT a FROM UNNEST(sequence(1, 3000)) x(a) CROSS JOIN UNNEST(sequence(1, 3000)) y(b)"

    def write() -> None:
        with contextlib.suppress(TrinoError):
            stack.sql(big)

    writer = threading.Thread(target=write)
    writer.start()
    running = "SELECT count(*) FROM system.runtime.queries WHERE state = 'RUNNING' AND query LIKE 'INSERT INTO%'"
    deadline = time.monotonic() + 30
    while stack.sql(running).scalar() == 0 and writer.is_alive():
        assert time.monotonic() < deadline
    kill(stack, "trino")
    writer.join(60)
    stack.up()
    assert stack.sql(f"SELECT count(*) FROM {table}").scalar() in (1, 9_000_001)


@contextlib.contextmanager
def no_room(stack: Any) -> Iterator[None]:
    """No file of the object store can grow over 64 KiB, which is for a writer what a full disk is."""
    store = psutil.Process(pid_of(stack, "s3proxy"))
    kept = store.rlimit(psutil.RLIMIT_FSIZE)
    store.rlimit(psutil.RLIMIT_FSIZE, (64 * 1024, kept[1]))
    try:
        yield
    finally:
        store.rlimit(psutil.RLIMIT_FSIZE, kept)


def test_a_full_object_store_leaves_main_as_it_was(stack: Any, schema: str) -> None:
    """A write that the object store has no room for fails with an error, and main is at the commit that it was at."""
    table = f"iceberg.{schema}.growing"
    stack.sql(f"CREATE TABLE {table} AS SELECT random() AS n")
    with stack.nessie() as client:
        before = client.get_reference("main")
        with no_room(stack), pytest.raises(TrinoError, match=r"(?i)s3|writ|clos|commit"):
            stack.sql(f"INSERT INTO {table} SELECT random() FROM UNNEST(sequence(1, 10000), repeat(1, 10000))")
        assert client.get_reference("main") == before
    assert stack.sql(f"SELECT count(*) FROM {table}").scalar() == 1
    stack.sql(f"INSERT INTO {table} VALUES (2)")
    assert stack.sql(f"SELECT count(*) FROM {table}").scalar() == 2
    # What was written half makes S3Proxy fail to list; the next start clears it.
    stack.local.down(names=["s3proxy"])
    stack.up()
    assert Lake.from_environment(stack.env).listing("lake/warehouse")


@pytest.fixture(scope="module")
def killed_start(stack_tools: None, stack_templates: Path, stack_home: Path) -> Iterator[tuple[LocalStack, int]]:
    """A second stack whose `playbook stack up` was ended by kill -9 while Nessie was starting."""
    local = LocalStack.of(Path.cwd(), "second", config=stack_templates, home=stack_home)
    arguments = ["stack", "up", "--name", "second", "--only", "nessie"]
    arguments += ["--config", str(stack_templates), "--home", str(stack_home)]
    program = "from dagster_playbook.cli import main; main()"
    parent = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        record = local.room.run / "nessie.json"
        deadline = time.monotonic() + 60
        while not record.exists():
            assert parent.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        yield local, int(json.loads(record.read_text())["pid"])
    finally:
        parent.kill()
        parent.wait()
        local.reset()


def test_children_of_a_killed_start_are_adopted(killed_start: tuple[LocalStack, int]) -> None:
    """After kill -9 of the parent, the next `up` recognises what runs and goes on with those processes."""
    local, nessie_pid = killed_start
    local.up(SMALL)
    assert next(s.pid for s in local.status() if s.service == "nessie") == nessie_pid


def test_two_stacks_side_by_side(stack: Any, killed_start: tuple[LocalStack, int]) -> None:
    """A second stack has ports, credentials and references of its own."""
    local, _ = killed_start
    context = local.up(SMALL)
    second = type(stack)(local, context)
    with second.nessie() as client:
        client.create_reference("only_here", RefKind.TAG, client.get_reference("main"))
    with stack.nessie() as client:
        assert "only_here" not in {r.name for r in client.list_references()}
    assert not set(context.ports.values()) & set(stack.context.ports.values())
    assert context.credentials != stack.context.credentials


def test_a_start_that_fails_stops_what_it_started(stack_templates: Path, stack_home: Path, stack_tools: None) -> None:
    """When a service cannot become ready, nothing of that start is left running and its log's end is told."""
    local = LocalStack.of(Path.cwd(), "broken", config=stack_templates, home=stack_home)
    try:
        with pytest.raises(StackError, match=r"was not ready within 1 s.*the last lines of its log"):
            local.up(Selection(only=("nessie",), timeout_s=1.0))
        assert not any(left_behind(local.room, local.table).values())
    finally:
        local.reset()


def test_down_leaves_no_process(killed_start: tuple[LocalStack, int]) -> None:
    """After `down` no process of the stack is left, whichever command had started it."""
    local, _ = killed_start
    local.up(SMALL)
    local.down()
    assert not any(left_behind(local.room, local.table).values())
