"""A platform on DuckDB whose two tables hold one number, and ways to restate it and to die on the way."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import duckdb

from dagster_playbook.branch import branches as module
from dagster_playbook.branch import files
from dagster_playbook.branch.branches import Branches
from dagster_playbook.branch.looking import look
from dagster_playbook.branch.record import State
from dagster_playbook.diff.compare import Options

FORK = multiprocessing.get_context("fork")
FILES = ("iceberg.duckdb", "state.duckdb")


def write(path: Path, number: int) -> None:
    """Both tables hold the number, each in a transaction of its own, as two models are evaluated."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS iceberg")
        connection.execute("CREATE SCHEMA IF NOT EXISTS iceberg.oso")
        for table in ("one", "two"):
            connection.execute(f"CREATE OR REPLACE TABLE iceberg.oso.{table} AS SELECT {number} AS n")


def numbered(data: Path) -> Branches:
    """A platform in a folder; its tables hold 0."""
    write(data / FILES[0], 0)
    duckdb.connect(str(data / FILES[1])).close()
    return Branches(data, FILES, "iceberg")


def restated(branches: Branches, run: str, number: int) -> str:
    """A branch whose tables hold the number, looked at; the digest of its diff."""
    branches.begin(run)
    write(branches.own(run) / FILES[0], number)
    branches.built(run)
    return look(branches, run, {}, Options(), lambda _: None).digest


def content(folder: Path) -> dict[str, bytes]:
    """The bytes of production's files."""
    return {name: (folder / name).read_bytes() for name in FILES}


def dying(do: Callable[[], object], at: int) -> int:
    """In a process of its own: killed before its so manyth change of the disk; the number of changes, else."""

    def work(pipe: int) -> None:
        count = [0]

        def counted(original: Callable[..., object]) -> Callable[..., object]:
            def call(*arguments: object, **options: object) -> object:
                count[0] += 1
                if count[0] == at:
                    os.kill(os.getpid(), signal.SIGKILL)
                return original(*arguments, **options)

            return call

        os.link, Path.replace, Path.mkdir = counted(os.link), counted(Path.replace), counted(Path.mkdir)  # type: ignore
        module.sync_folder = files.sync_folder = counted(files.sync_folder)  # type: ignore[assignment]
        module.write_record = counted(module.write_record)  # type: ignore[assignment]
        do()
        os.write(pipe, str(count[0]).encode())

    read, pipe = os.pipe()
    process = FORK.Process(target=work, args=(pipe,))
    process.start()
    os.close(pipe)
    process.join(60)
    told = os.read(read, 100)
    os.close(read)
    assert process.exitcode == (0 if told else -signal.SIGKILL)
    return int(told or 0)


def cut_before_the_exchange(branches: Branches, run: str, digest: str) -> None:
    """Killed when the record says that it is being published, and no file has been put yet."""
    at = 1
    while branches.record(run).state is not State.PUBLISHING:
        assert dying(lambda: branches.publish(run, digest), at) == 0
        at += 1
