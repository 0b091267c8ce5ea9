"""One operator a platform, also from different machines: the lock in the Postgres of the platform's state."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import pytest

from dagster_playbook.errors import PlatformError
from dagster_playbook.runbook.lock import PLATFORM
from dagster_playbook.services.postgres_lock import LockTakenError, StateDatabase, StateLock, lock_key, state_lock

pytestmark = pytest.mark.stack

PAGE = """---
title: Hold
runbook:
  owner: on-call
  risk: low
---

# Hold

```sh {#hold changes="nothing"}
cat gate
```
"""


@dataclass
class Operator:
    """Somebody with a clone of the project: what they share with others is the platform's state."""

    root: Path
    environment: dict[str, str]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    gate: IO[bytes] | None = None

    def start(self) -> subprocess.Popen[str]:
        """Run the page, which holds the platform as long as its gate is closed."""
        program = "from dagster_playbook.cli import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", program, "run", "hold.md", "--target", "shared", "--format", "json"],
            cwd=self.root,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def hold(self) -> tuple[subprocess.Popen[str], str]:
        """Start, and return with the run's id when its command stands at the gate, a named pipe."""
        process = self.start()
        self.gate = (self.root / "gate").open("wb")
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline())["run"]

    def open_gate(self) -> None:
        """Let the page's command come to its end."""
        if self.gate:
            self.gate.close()


@pytest.fixture
def database(stack: Any) -> StateDatabase:
    """The state's database of the stack, by the variables that it prints."""
    found = StateDatabase.from_environment(stack.env)
    assert found is not None
    return found


@pytest.fixture
def operator(database: StateDatabase, tmp_path: Path) -> Iterator[Callable[..., Operator]]:
    """Makes operators, each with a folder of their own."""
    made: list[Operator] = []
    environment = {"HOST": database.host, "PORT": str(database.port), "USER": database.user, "DB": database.name}
    environment |= {"PASSWORD": database.password}

    def make(name: str, *, is_open: bool = False) -> Operator:
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").write_text("[tool.playbook]\n")
        (tmp_path / name / "hold.md").write_text(PAGE)
        (Path.touch if is_open else os.mkfifo)(tmp_path / name / "gate")
        made.append(Operator(tmp_path / name, {f"SQLMESH_POSTGRES_{key}": value for key, value in environment.items()}))
        return made[-1]

    yield make
    for one in made:
        for process in one.processes:
            process.kill()
            one.open_gate()
            process.communicate()


def ask(database: StateDatabase, sql: str, *values: Any) -> None:
    """Run a statement in a session of its own."""
    connection = database.connect()
    with connection, connection.cursor() as cursor:
        cursor.execute(sql, values)
    connection.close()


def end_sessions(database: StateDatabase) -> None:
    """End every other session of `playbook`, as when Postgres is restarted, and return when they have ended."""
    ask(
        database,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE application_name = 'playbook' AND pid <> pg_backend_pid()",
    )


def test_a_second_operator_is_refused_with_the_name_of_the_first(operator: Callable[..., Operator]) -> None:
    """From another clone: exit code 2, who has the platform, where, in which process and run."""
    first, second = operator("first"), operator("second")
    process, run_id = first.hold()
    refused = second.start()
    _, errors = refused.communicate(timeout=60)
    assert refused.returncode == 2
    assert "the platform 'shared' is being changed by " in errors
    assert f" on {socket.gethostname()} (process {process.pid}, run {run_id}, since " in errors
    first.open_gate()
    assert process.wait(60) == 0


def test_an_operator_killed_with_the_lock_does_not_keep_it(
    operator: Callable[..., Operator], database: StateDatabase
) -> None:
    """After kill -9 of the first the second runs, and is told whose lock was taken over."""
    first, second = operator("first"), operator("second", is_open=True)
    process, run_id = first.hold()
    process.kill()
    process.communicate()
    # waits until Postgres has seen that the connection is closed
    ask(database, "SELECT pg_advisory_xact_lock(%s)", lock_key(PLATFORM))
    running = second.start()
    told, errors = running.communicate(timeout=60)
    assert running.returncode == 0, errors
    (stale,) = [event for event in map(json.loads, told.splitlines()) if event["event"] == "stale-lock"]
    assert (stale["owner"]["run"], stale["owner"]["pid"]) == (run_id, process.pid)
    journal = next((second.root / ".playbook" / "runs").glob("*/journal.jsonl")).read_text()
    assert [json.loads(line)["event"] for line in journal.splitlines()][:2] == ["opened", "stale-lock"]


def test_platforms_have_locks_of_their_own(database: StateDatabase) -> None:
    """Whoever holds one platform does not keep others from another one with its state in the same database."""
    with state_lock(database, "one", {"run": "a"}), state_lock(database, "other", {"run": "b"}) as lock:
        assert lock.left_behind is None


def test_of_many_at_once_one_gets_it(database: StateDatabase) -> None:
    """Also in a database that has no table for it yet; all others are told who."""
    ask(database, "DROP SCHEMA IF EXISTS playbook CASCADE")
    locks = [StateLock(database, "crowded", {"run": str(number)}) for number in range(8)]
    together = threading.Barrier(len(locks))

    def take(lock: StateLock) -> dict[str, Any] | None:
        together.wait(30)
        try:
            lock.take()
        except LockTakenError as error:
            return error.owner
        return None

    with ThreadPoolExecutor(len(locks)) as pool:
        told = list(pool.map(take, locks))
    winner = told.index(None)
    locks[winner].release()
    assert told == [None if number == winner else {"run": str(winner)} for number in range(8)]


def test_a_lock_given_back_is_free_at_once(database: StateDatabase) -> None:
    """Twenty runs one after the other are never in each other's way, and none counts as dead."""
    for number in range(20):
        with state_lock(database, "reused", {"run": str(number)}) as lock:
            assert lock.left_behind is None


def test_a_lock_whose_session_ended_is_taken_anew(database: StateDatabase) -> None:
    """After a restart of Postgres the run that holds the platform goes on, and has it again."""
    with state_lock(database, "lost", {"run": "first"}) as lock:
        end_sessions(database)
        lock.keep()
        with pytest.raises(LockTakenError) as refused, state_lock(database, "lost", {"run": "second"}):
            pass
    assert refused.value.owner == {"run": "first"}


def test_a_lock_that_somebody_else_took_meanwhile_is_not_kept(database: StateDatabase) -> None:
    """The run whose session ended is stopped before its next change, and does not free the other's lock."""
    lost = StateLock(database, "lost", {"run": "first"})
    lost.take()
    end_sessions(database)
    with state_lock(database, "lost", {"run": "second"}) as other:
        with pytest.raises(LockTakenError) as refused:
            lost.keep()
        lost.release()
        other.keep()
        with pytest.raises(LockTakenError):
            StateLock(database, "lost", {"run": "third"}).take()
    assert (refused.value.owner, other.left_behind) == ({"run": "second"}, {"run": "first"})


def test_a_database_that_is_down_is_told(database: StateDatabase) -> None:
    """With its address, the variable that names it, and without its password."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        down = replace(database, port=closed.getsockname()[1])
        with pytest.raises(PlatformError, match="SQLMESH_POSTGRES_HOST") as refused:
            StateLock(down, "shared", {}).take()
    assert down.address in str(refused.value)
    assert database.password not in str(refused.value)


def test_the_database_is_the_one_that_the_variables_name() -> None:
    """None without a host; Postgres' and SQLMesh's own defaults for the rest; no port that is no number."""
    assert StateDatabase.from_environment({"SQLMESH_POSTGRES_PORT": "5433"}) is None
    assert StateDatabase.from_environment({"SQLMESH_POSTGRES_HOST": "db"}) == StateDatabase("db")
    with pytest.raises(PlatformError, match="SQLMESH_POSTGRES_PORT"):
        StateDatabase.from_environment({"SQLMESH_POSTGRES_HOST": "db", "SQLMESH_POSTGRES_PORT": "many"})
