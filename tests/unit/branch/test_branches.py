"""A branch on DuckDB: production is what it was until it is published, whole at every moment, and can be put back."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable

import duckdb
import pytest
from numbered_platform import FILES, content, restated, write

from dagster_playbook.branch import files
from dagster_playbook.branch.approved import BranchRefusedError
from dagster_playbook.branch.branches import Branches
from dagster_playbook.branch.looking import look
from dagster_playbook.branch.record import State
from dagster_playbook.diff.compare import Options
from dagster_playbook.diff.model import Grain
from dagster_playbook.errors import BusyError, PlatformError

WRITER = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


def test_production_is_as_it_was_until_a_branch_is_published(branches: Branches) -> None:
    """Not one byte changes; then both files are the branch's, and undo gives every byte back."""
    before = content(branches.data)
    digest = restated(branches, "r", 1)
    assert content(branches.data) == before
    built = content(branches.own("r"))
    assert branches.publish("r", digest).state is State.PUBLISHED
    assert content(branches.data) == built
    assert branches.undo("r").state is State.BUILT
    assert content(branches.data) == before
    assert content(branches.own("r")) == built


def test_a_publication_that_is_asked_for_twice_is_one(branches: Branches) -> None:
    """A step that is repeated after a kill finds its work done, in both directions."""
    before, digest = content(branches.data), restated(branches, "r", 1)
    branches.publish("r", digest)
    assert branches.publish("r", digest).state is State.PUBLISHED
    branches.undo("r")
    assert branches.undo("r").undone == 1
    assert content(branches.data) == before


def test_what_changed_in_production_meanwhile_is_named_and_not_lost(branches: Branches) -> None:
    """By its table; with two restatements the one that comes second is refused, whatever it touched."""
    first, second = restated(branches, "first", 1), restated(branches, "second", 2)
    branches.publish("first", first)
    published = content(branches.data)
    with pytest.raises(
        BranchRefusedError, match=r"since the branch of second was made, these tables: oso\.one, oso\.two"
    ):
        branches.publish("second", second)
    assert content(branches.data) == published


def test_a_change_after_publishing_is_not_undone_with_it(branches: Branches) -> None:
    """Undo would lose it, and says so."""
    branches.publish("r", restated(branches, "r", 1))
    write(branches.data / FILES[0], 5)
    after = content(branches.data)
    with pytest.raises(BranchRefusedError, match="production has changed since r was published"):
        branches.undo("r")
    assert content(branches.data) == after


def unbuilt(branches: Branches) -> str:
    branches.begin("r")
    return "0" * 64


def unseen(branches: Branches) -> str:
    branches.begin("r")
    branches.built("r")
    return "0" * 64


def changed_since(branches: Branches) -> str:
    digest = restated(branches, "r", 1)
    write(branches.own("r") / FILES[0], 2)
    return digest


def built_again(branches: Branches) -> str:
    digest = restated(branches, "r", 1)
    branches.begin("r")
    write(branches.own("r") / FILES[0], 2)
    branches.built("r")
    return digest


def deleted_by_hand(branches: Branches) -> str:
    digest = restated(branches, "r", 1)
    (branches.own("r") / FILES[0]).unlink()
    return digest


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (lambda _: "0" * 64, "there is no branch of r"),
        (unbuilt, "has not ended well"),
        (unseen, "nobody has looked at the branch"),
        (lambda b: restated(b, "r", 1) and "0" * 64, "the diff of r is not 000000000000"),
        (changed_since, "was changed after its diff was made"),
        (built_again, "was made from another production or branch"),
        (deleted_by_hand, r"iceberg\.duckdb of the branch of r is gone"),
    ],
    ids=["missing", "unbuilt", "unseen", "other digest", "changed", "built again", "deleted"],
)
def test_only_what_was_looked_at_is_published(branches: Branches, prepare: Callable[[Branches], str], why: str) -> None:
    """Whatever else is asked for is refused for its reason, and production keeps every byte."""
    digest, before = prepare(branches), content(branches.data)
    with pytest.raises(BranchRefusedError, match=why):
        branches.publish("r", digest)
    assert content(branches.data) == before


def test_a_writer_in_production_is_waited_for(branches: Branches) -> None:
    """Neither a copy nor a publication is made while somebody writes."""
    digest = restated(branches, "r", 1)
    command = [sys.executable, "-c", WRITER, str(branches.data / FILES[0])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"open\n"
        with pytest.raises(BusyError, match="busy"):
            branches.publish("r", digest)
        with pytest.raises(BusyError, match="busy"):
            branches.begin("other")
        writer.communicate()
    assert branches.publish("r", digest).state is State.PUBLISHED


def test_a_full_disk_leaves_production_and_no_half_copy(branches: Branches, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told before the copy where it can be known, and when the disk fills meanwhile."""
    before = content(branches.data)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "sendfile", full)
        with pytest.raises(PlatformError, match="production cannot be copied: No space left on device"):
            branches.begin("r")
    with monkeypatch.context() as patch:
        patch.setattr(files.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))  # type: ignore[attr-defined]
        with pytest.raises(PlatformError, match=r"MB are needed, 0 MB are free"):
            branches.begin("r")
    assert content(branches.data) == before
    assert [path.name for path in (branches.data / "branches").iterdir()] == [".lock"]


@pytest.mark.parametrize("name", ["not a run", "r.bak"])
def test_a_folder_that_is_no_branch_stops_nothing(branches: Branches, name: str) -> None:
    """A copy that somebody left beside the branches is passed over."""
    digest = restated(branches, "r", 1)
    shutil.copytree(branches.data / "branches" / "r", branches.data / "branches" / name)
    branches.finish()
    assert branches.publish("r", digest).state is State.PUBLISHED


def test_a_look_at_a_part_is_not_what_is_approved(branches: Branches) -> None:
    """Of 1000 rows one was looked at: its digest publishes nothing."""
    branches.begin("r")
    with duckdb.connect(str(branches.own("r") / FILES[0])) as connection:
        connection.execute("CREATE OR REPLACE TABLE oso.one AS SELECT range AS n FROM range(1000)")
    branches.built("r")
    diff = look(branches, "r", {"oso.one": Grain(("n",))}, Options(max_rows=1), lambda _: None)
    assert not diff.is_whole
    with pytest.raises(BranchRefusedError, match="playbook diff --run r"):
        branches.publish("r", diff.digest)
