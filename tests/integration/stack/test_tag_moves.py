"""Moving the tag: compare-and-set under contention, and readers who never see anything in between."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from dagster_playbook.services.nessie import NessieClient
from dagster_playbook.services.nessie_model import (
    NessieError,
    Reference,
    ReferenceConflictError,
    ReferenceNotFoundError,
    RefKind,
)

pytestmark = pytest.mark.stack

MOVES = 200
OPERATORS = 8
PROMOTIONS = 50


def commit(stack: Any, branch: Reference, namespace: str) -> Reference:
    """Make one commit on a branch that no Iceberg writer touches: a namespace with a name of its own."""
    answer = httpx.post(
        stack.context.url("nessie", f"/api/v2/trees/{branch.name}@{branch.hash}/history/commit"),
        json={
            "commitMeta": {"message": f"add {namespace}"},
            "operations": [
                {
                    "type": "PUT",
                    "key": {"elements": [namespace]},
                    "content": {"type": "NAMESPACE", "elements": [namespace], "properties": {}},
                }
            ],
        },
    )
    answer.raise_for_status()
    return Reference(branch.name, RefKind.BRANCH, answer.json()["targetBranch"]["hash"])


def branch_with(stack: Any, name: str, commits: int) -> list[Reference]:
    """A new branch with so many commits of its own, each as a target."""
    with stack.nessie() as client:
        head = client.create_reference(name, RefKind.BRANCH, client.get_reference("main"))
    heads = [head]
    for number in range(commits):
        heads.append(commit(stack, heads[-1], f"{name}_{number}"))
    return heads[1:]


def test_racing_moves_make_one_history(stack: Any) -> None:
    """Of 200 moves that eight operators race for, none is lost: each starts where exactly one other ended."""
    targets = branch_with(stack, "racing", MOVES)
    with stack.nessie() as client:
        first = client.create_reference("raced", RefKind.TAG, client.get_reference("main"))
    lots = [targets[i::OPERATORS] for i in range(OPERATORS)]
    starting = threading.Barrier(OPERATORS)

    def operate(lot: list[Reference]) -> tuple[list[tuple[str, str]], int]:
        moves, conflicts = [], 0
        with stack.nessie() as client:
            starting.wait()
            for target in lot:
                while True:
                    seen = client.get_reference("raced")
                    try:
                        client.assign_reference(seen, target)
                    except ReferenceConflictError:
                        conflicts += 1
                    else:
                        moves.append((seen.hash, target.hash))
                        break
        return moves, conflicts

    with ThreadPoolExecutor(OPERATORS) as pool:
        results = list(pool.map(operate, lots))
    after = dict(move for moves, _ in results for move in moves)
    path = [first.hash]
    while path[-1] in after:
        path.append(after.pop(path[-1]))
    with stack.nessie() as client:
        assert (len(path), client.get_reference("raced").hash, after) == (MOVES + 1, path[-1], {})
    assert sum(conflicts for _, conflicts in results) > 0, "the operators never met"


def test_of_simultaneous_moves_one_wins(stack: Any) -> None:
    """When all operators move the tag from the same hash, exactly one succeeds and the others are told so."""
    targets = branch_with(stack, "contested", OPERATORS)
    with stack.nessie() as client:
        seen = client.create_reference("won", RefKind.TAG, client.get_reference("main"))
    starting = threading.Barrier(OPERATORS)

    def move(target: Reference) -> str:
        with stack.nessie() as client:
            starting.wait()
            try:
                return client.assign_reference(seen, target).hash
            except ReferenceConflictError:
                return ""

    with ThreadPoolExecutor(OPERATORS) as pool:
        won = [hash for hash in pool.map(move, targets) if hash]
    with stack.nessie() as client:
        assert won == [client.get_reference("won").hash]


def test_history_leads_from_the_head_to_the_first(stack: Any) -> None:
    """The history of a branch is paged through to its end, each commit being the parent of the one before."""
    branch_with(stack, "long", 25)
    with NessieClient(stack.context.url("nessie", "/api/v2"), page_size=7) as client:
        commits = list(client.history("long"))
        assert [c.hash for c in client.history("long", limit=10)] == [c.hash for c in commits[:10]]
    assert len(commits) >= 25
    assert all(child.parent == parent.hash for child, parent in itertools.pairwise(commits))


def test_a_hash_off_the_branch_is_not_on_it(stack: Any) -> None:
    """`is_on` tells a commit of another branch from one of this branch."""
    (other,) = branch_with(stack, "aside", 1)
    with stack.nessie() as client:
        assert (client.is_on("aside", other.hash), client.is_on("main", other.hash)) == (True, False)


def test_a_difference_names_the_changed_table(stack: Any, schema: str) -> None:
    """The difference between the tag and main names each table whose data changed, with both snapshots."""
    stack.sql(f"CREATE TABLE iceberg.{schema}.changed AS SELECT 1 AS n")
    stack.sql(f"CREATE TABLE iceberg.{schema}.still AS SELECT 1 AS n")
    stack.promote()
    stack.sql(f"INSERT INTO iceberg.{schema}.changed VALUES (2)")
    with stack.nessie() as client:
        (difference,) = client.diff("consumer", "main")
    assert difference.key == (schema, "changed")
    assert difference.before.snapshot_id != difference.after.snapshot_id


def test_going_back_restores_the_old_rows(stack: Any, schema: str) -> None:
    """A tag that is moved back to an earlier hash shows the rows of that hash again."""
    stack.sql(f"CREATE TABLE iceberg.{schema}.numbers AS SELECT 1 AS n")
    earlier = stack.promote()
    stack.sql(f"INSERT INTO iceberg.{schema}.numbers VALUES (2)")
    stack.promote()
    with stack.nessie() as client:
        client.assign_reference(client.get_reference("consumer"), earlier)
    assert stack.sql(f"SELECT count(*) FROM iceberg_consumer.{schema}.numbers").scalar() == 1


@pytest.mark.parametrize("hash", ["latest", "12AB34C", "abc", "../main", "deadbeef' OR 1=1"])
def test_a_malformed_hash_is_refused_before_asking(stack: Any, hash: str) -> None:
    """What could not be a commit hash is refused by name and never sent."""
    with stack.nessie() as client, pytest.raises(NessieError, match="no commit hash"):
        client.is_on("main", hash)


def test_an_unknown_reference_is_said_so(stack: Any) -> None:
    """Asking for a reference that is not there raises an error that names it."""
    with stack.nessie() as client, pytest.raises(ReferenceNotFoundError, match="nowhere"):
        client.get_reference("nowhere")


def test_readers_see_only_whole_promoted_versions(stack: Any, schema: str) -> None:
    """Through 50 restatements and promotions, what a reader sees is always exactly what one promotion held.

    Each restatement deletes the rows and inserts them anew, so that main is empty in between.
    """
    table = f"{schema}.facts"
    stack.sql(f"CREATE TABLE iceberg.{table} (version bigint, n bigint)")
    promoted: dict[tuple[int, ...], int] = {}
    seen: list[tuple[int, ...]] = []
    failures: list[BaseException] = []
    done = threading.Event()

    def restate(version: int) -> tuple[int, ...]:
        rows = version % 5 + 1
        stack.sql(f"DELETE FROM iceberg.{table}")
        stack.sql(f"INSERT INTO iceberg.{table} SELECT {version}, n FROM UNNEST(sequence(1, {rows})) AS t(n)")
        return (version, version, rows, rows * (rows + 1) // 2)

    def read() -> None:
        question = f"SELECT min(version), max(version), count(*), sum(n) FROM iceberg_consumer.{table}"
        try:
            while not done.is_set():
                seen.append(stack.sql(question).rows[0])
        except BaseException as error:
            failures.append(error)

    promoted[restate(0)] = 0
    stack.promote()
    reader = threading.Thread(target=read)
    reader.start()
    try:
        for version in range(1, PROMOTIONS + 1):
            promoted[restate(version)] = version
            stack.promote()
    finally:
        done.set()
        reader.join()
    assert not failures
    versions = [promoted[row] for row in seen]
    assert versions == sorted(versions)
    assert len(set(versions)) > PROMOTIONS // 4, "the reader was too slow to mean anything"
