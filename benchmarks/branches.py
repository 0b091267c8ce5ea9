"""50 restatements on branches, each published and every other one taken back, beside as many in place, with a reader.

The reader, a process of its own, opens the data file again and again and reads two tables that are written one after
the other. Counted is what it saw, and how often it could not open the file.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from dagster_playbook.branch.branches import Branches
from dagster_playbook.branch.looking import look
from dagster_playbook.diff.compare import Options

PROJECT = Path(__file__).resolve().parents[1]
RESULT = PROJECT / "benchmarks" / "results" / "branches.json"
FILES = ("iceberg.duckdb", "state.duckdb")
ROUNDS, ROWS = 50, 200_000
READER = """
import json, select, sys, duckdb
whole = mixed = shut = 0
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    try:
        with duckdb.connect() as c:
            c.execute(f"ATTACH '{sys.argv[1]}' AS iceberg (READ_ONLY)")
            pair = {c.execute(f"SELECT max(v) FROM iceberg.oso.{t}").fetchone()[0] for t in ("one", "two")}
        whole, mixed = whole + (len(pair) == 1), mixed + (len(pair) > 1)
    except duckdb.Error:
        shut += 1
print(json.dumps({"whole": whole, "mixed": mixed, "could_not_open": shut}))
"""


def main(say: Callable[[str], None]) -> bool:
    """Measure, print and keep the numbers; whether readers saw whole versions and undo gave every byte back."""
    with tempfile.TemporaryDirectory() as folder:
        beside, undone, times = on_branches(Path(folder), say)
        in_place = rewritten(Path(folder), say)
    result = {"rounds": ROUNDS, "rows": 2 * ROWS, "on_branches": beside, "in_place": in_place}
    result |= {"undone": undone, "seconds": times, "machine": machine()}
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(f"readers of {ROUNDS} restatements on branches: {beside}; in place: {in_place}")
    print(f"taken back: {undone['equal']} of {undone['asked']} with every byte; seconds of one: {times}")
    return beside["mixed"] == 0 and undone["equal"] == undone["asked"]


def on_branches(data: Path, say: Callable[[str], None]) -> tuple[dict[str, int], dict[str, int], dict[str, float]]:
    """What the reader saw, what was taken back, and the mean seconds of each step."""
    write(data / FILES[0], 0, pause_s=0)
    write(data / FILES[1], 0, pause_s=0)
    branches, spent, equal, asked = Branches(data, FILES, "iceberg"), dict[str, list[float]](), 0, 0

    def timed(name: str, do: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        done = do()
        spent.setdefault(name, []).append(time.perf_counter() - start)
        return done

    with reading(data / FILES[0]) as seen:
        for number in range(1, ROUNDS + 1):
            run, before = f"r{number}", digest(data)
            say(f"branch {number} of {ROUNDS}")
            timed("copy", lambda run=run: branches.begin(run))
            timed("write", lambda run=run, n=number: write(branches.own(run) / FILES[0], n, pause_s=0))
            timed("fingerprint", lambda run=run: branches.built(run))
            diff = timed("diff", lambda run=run: look(branches, run, {}, Options(), str)).digest
            timed("publish", lambda run=run, diff=diff: branches.publish(run, diff))
            if number % 2 == 0:
                asked += 1
                timed("undo", lambda run=run: branches.undo(run))
                equal += digest(data) == before
            branches.discard(run)
    means = {name: round(sum(values) / len(values), 3) for name, values in spent.items()}
    return seen, {"asked": asked, "equal": equal}, means


def rewritten(data: Path, say: Callable[[str], None]) -> dict[str, int]:
    """What the reader sees while the tables are rewritten in place, in one run after the other."""
    with reading(data / FILES[0]) as seen:
        for number in range(1, ROUNDS + 1):
            say(f"in place {number} of {ROUNDS}")
            write(data / FILES[0], 1000 + number, pause_s=0)
            # a run that broke off between two tables leaves them to readers like this
            write(data / FILES[0], 2000 + number, pause_s=0.02, tables=("one",))
    return seen


def write(path: Path, number: int, *, pause_s: float, tables: tuple[str, ...] = ("one", "two")) -> None:
    """Write the tables anew, each by itself."""
    import duckdb

    while True:
        try:
            with duckdb.connect() as connection:
                connection.execute(f"ATTACH '{path}' AS iceberg")
                connection.execute("CREATE SCHEMA IF NOT EXISTS iceberg.oso")
                for table in tables:
                    made = f"SELECT {number} AS v, i AS id FROM range({ROWS}) r(i)"
                    connection.execute(f"CREATE OR REPLACE TABLE iceberg.oso.{table} AS {made}")
            break
        except duckdb.IOException:
            # the reader has it open
            time.sleep(0.001)
    time.sleep(pause_s)


@contextmanager
def reading(path: Path) -> Iterator[dict[str, int]]:
    """A reader for the time of the block; what it saw is there when the block is over."""
    seen: dict[str, int] = {}
    command = [sys.executable, "-c", READER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        reader.stdout.readline()
        yield seen
        seen |= json.loads(reader.communicate("stop")[0])


def digest(data: Path) -> str:
    """SHA-256 of production's files."""
    return hashlib.sha256(b"".join((data / name).read_bytes() for name in FILES)).hexdigest()
