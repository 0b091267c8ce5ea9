"""Branches whose maker dies: killed before each change of the disk, and looked at by a reader that never waits."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from numbered_platform import FILES, content, cut_before_the_exchange, dying, restated, write

from dagster_playbook.branch.approved import BranchRefusedError
from dagster_playbook.branch.branches import Branches
from dagster_playbook.branch.record import State, all_records

#: looks at the data file as often as it is told to, and prints each pair of numbers that it saw
READER = """
import sys, duckdb
path = sys.argv[1]
print("ready", flush=True)
seen = set()
while not sys.stdin.closed:
    with duckdb.connect() as c:
        c.execute(f"ATTACH '{path}' AS iceberg (READ_ONLY)")
        one = c.execute("SELECT n FROM iceberg.oso.one").fetchone()[0]
        seen.add((one, c.execute("SELECT n FROM iceberg.oso.two").fetchone()[0]))
    import select
    if select.select([sys.stdin], [], [], 0)[0]:
        break
print(sorted(seen))
"""


@pytest.mark.parametrize("way", ["publish", "undo"])
def test_a_cut_exchange_is_finished_or_taken_back(branches: Branches, way: str, tmp_path: Path) -> None:
    """Killed before each change of the disk: readers of the data see one version, and the next comer makes it whole.

    Afterwards the same order is given again, as a resumed runbook does, and has its way.
    """
    digest = restated(branches, "r", 1)
    versions = [content(branches.data), content(branches.own("r"))]
    if way == "undo":
        branches.publish("r", digest)
        versions.reverse()
    start = tmp_path / "start"
    shutil.copytree(branches.data, start, ignore=shutil.ignore_patterns("start"))
    at, killed = 1, 0
    while True:
        here = Branches(tmp_path / f"cut-{at}", FILES, "iceberg")
        shutil.copytree(start, here.data)
        order = (lambda b=here: b.publish("r", digest)) if way == "publish" else (lambda b=here: b.undo("r"))
        if dying(order, at):
            break
        killed += 1
        data = [version[FILES[0]] for version in versions]
        assert (here.data / FILES[0]).read_bytes() in data
        here.finish()
        assert content(here.data) in versions
        assert [r.state for r in all_records(here.data)] in ([State.BUILT], [State.PUBLISHED])
        order()
        assert content(here.data) == versions[1]
        at += 1
    assert killed > 10


def test_a_cut_exchange_does_not_overrule_who_wrote_meanwhile(branches: Branches) -> None:
    """When nothing was put yet and production is another one by now, the publication is taken back."""
    digest = restated(branches, "r", 1)
    cut_before_the_exchange(branches, "r", digest)
    write(branches.data / FILES[0], 7)
    after = content(branches.data)
    branches.finish()
    assert content(branches.data) == after
    assert all_records(branches.data)[0].state is State.BUILT


def test_a_branch_that_is_changed_after_a_cut_is_not_put(branches: Branches) -> None:
    """What was approved is what is put: with another file in its place production stays, and the branch is as built."""
    digest, before = restated(branches, "r", 1), content(branches.data)
    cut_before_the_exchange(branches, "r", digest)
    write(branches.own("r") / FILES[0], 9)
    branches.finish()
    assert content(branches.data) == before
    assert all_records(branches.data)[0].state is State.BUILT


def test_files_that_are_gone_after_a_cut_are_not_called_published(branches: Branches) -> None:
    """Deleted by hand before anything was put: production is what it was, and the branch says that they are gone."""
    digest, before = restated(branches, "r", 1), content(branches.data)
    cut_before_the_exchange(branches, "r", digest)
    shutil.rmtree(branches.own("r"))
    with pytest.raises(BranchRefusedError, match=r"iceberg\.duckdb of the branch of r is gone"):
        branches.publish("r", digest)
    assert content(branches.data) == before
    branches.discard("r")
    assert all_records(branches.data) == []


def test_a_cut_copy_is_no_branch(branches: Branches) -> None:
    """Killed while it is made, it is made anew; nothing of the first try is left."""
    at = 1
    while not dying(lambda: branches.begin("r"), at):
        assert branches.begin("r").state is State.BUILDING
        branches.discard("r")
        at += 1
    assert at > 2
    assert sorted(p.name for p in (branches.data / "branches").iterdir()) == [".lock", "r"]


def test_a_reader_sees_whole_versions_while_versions_change(branches: Branches) -> None:
    """Two tables that are written one after the other are never seen one new and one old."""
    command = [sys.executable, "-c", READER, str(branches.data / FILES[0])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        for number in range(1, 9):
            branches.publish(f"r{number}", restated(branches, f"r{number}", number))
            branches.discard(f"r{number}")
        seen, _ = reader.communicate("stop")
    pairs = ast.literal_eval(seen)
    assert len(pairs) > 1
    assert all(one == two for one, two in pairs)
