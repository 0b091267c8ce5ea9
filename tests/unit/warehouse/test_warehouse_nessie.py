"""The consumer tag moves by compare-and-set, along main, and never while SQLMesh writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import httpx
import pytest

from dagster_playbook.services.nessie import NessieClient
from dagster_playbook.services.nessie_model import NessieError, ReferenceConflictError

COMMITS = [f"{number:016x}" for number in range(300, 0, -1)]  # newest first, more than one page
HEAD = COMMITS[0]
MOMENT = "2026-11-02T08:05:00Z"


@dataclass
class FakeNessie:
    """References and one branch's history behind the shapes of Nessie's REST API v2, in pages of 100."""

    references: dict[str, dict[str, str]]
    before_write: Callable[[FakeNessie], None] = lambda _: None
    lose_answer: bool = False
    writes: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v2/trees").strip("/").split("/")
        if request.method == "GET" and len(path) == 1:
            return self.found(path[0]) or missing(path[0])
        if request.method == "GET" and path[1] == "history":
            return self.history(path[0].partition("@")[2], int(request.url.params.get("page-token", "0")))
        if request.method == "GET" and path[1] == "diff":
            return httpx.Response(200, json={"hasMore": False, "diffs": DIFF})
        self.before_write(self)
        return self.write(request, path[0])

    def found(self, name: str) -> httpx.Response | None:
        reference = self.references.get(name)
        return httpx.Response(200, json={"reference": reference}) if reference else None

    def history(self, start: str, offset: int) -> httpx.Response:
        entries = COMMITS[COMMITS.index(start) :]
        page = [{"commitMeta": {"hash": commit, "commitTime": MOMENT}} for commit in entries[offset : offset + 100]]
        more = offset + 100 < len(entries)
        return httpx.Response(200, json={"hasMore": more, "token": str(offset + 100), "logEntries": page})

    def write(self, request: httpx.Request, path: str) -> httpx.Response:
        name, _, expected = path.partition("@")
        name = name or request.url.params["name"]
        now = self.references.get(name)
        if request.method == "POST" and now:
            return conflict(name)
        if request.method == "PUT" and (now is None or now["hash"] != expected):
            return conflict(name)
        self.references[name] = {"type": "TAG", "name": name, "hash": json.loads(request.content)["hash"]}
        self.writes.append(request.method)
        if self.lose_answer:
            raise httpx.ReadError("connection reset", request=request)
        return httpx.Response(200, json={"reference": self.references[name]})


DIFF = [
    {"key": {"elements": ["oso"]}, "to": {"type": "NAMESPACE"}},
    {"key": {"elements": ["oso", "projects_v1"]}, "from": {"type": "ICEBERG_TABLE"}, "to": {"type": "ICEBERG_TABLE"}},
    {"key": {"elements": ["oso", "old_v0"]}, "from": {"type": "ICEBERG_TABLE"}, "to": None},
]


def missing(name: str) -> httpx.Response:
    return httpx.Response(404, json={"message": f"Named reference '{name}' not found", "status": 404})


def conflict(name: str) -> httpx.Response:
    return httpx.Response(409, json={"message": f"Named-reference '{name}' is not at expected hash", "status": 409})


def fake(tag: str | None = COMMITS[150], type_: str = "TAG", **options: Any) -> FakeNessie:
    references = {"main": {"type": "BRANCH", "name": "main", "hash": HEAD}}
    if tag:
        references["consumer"] = {"type": type_, "name": "consumer", "hash": tag}
    return FakeNessie(references, **options)


def move(server: FakeNessie, to_hash: str = "") -> Any:
    from oso_dagster.tag_move import apply_move, plan_move

    with NessieClient("http://nessie/api/v2", transport=httpx.MockTransport(server)) as client:
        planned = plan_move(client, "main", "consumer", to_hash)
        return planned, apply_move(client, planned)


def test_moves_to_the_head() -> None:
    """Without a hash the tag goes to the head of main, and the move says what lies between."""
    server = fake()
    planned, moved = move(server)
    assert moved
    assert server.references["consumer"]["hash"] == HEAD
    assert planned.commits_between == 150
    assert planned.tables_changed == ("oso.old_v0", "oso.projects_v1")


def test_goes_back_over_pages() -> None:
    """A hash far back on main's history is found, whatever its letter case, and counted as a step back."""
    server = fake(tag=COMMITS[10])
    planned, _ = move(server, COMMITS[290].upper())
    assert server.references["consumer"]["hash"] == COMMITS[290]
    assert planned.commits_between == -280


def test_makes_the_missing_tag() -> None:
    """Where there is no tag yet, it is made."""
    server = fake(tag=None)
    planned, moved = move(server)
    assert moved
    assert planned.old is None
    assert server.writes == ["POST"]


def test_already_there() -> None:
    """A tag that is where it should go is left alone."""
    server = fake(tag=HEAD)
    assert move(server)[1] is False
    assert server.writes == []


@pytest.mark.parametrize("bad", ["latest", "HEAD", "main", "abc", "0x12345678", f"{HEAD}~1", "g" * 16, "a" * 65])
def test_malformed_hashes(bad: str) -> None:
    """What is no commit hash is refused, and nothing is written."""
    from oso_dagster.tag_move import MoveRefusedError

    server = fake()
    with pytest.raises(MoveRefusedError, match="is no commit hash"):
        move(server, bad)
    assert server.writes == []


def test_hash_of_another_branch() -> None:
    """A hash that main's history does not hold is refused; an abbreviation of one that it holds, too."""
    from oso_dagster.tag_move import MoveRefusedError

    server = fake()
    for wanted in ("f" * 16, HEAD[:8]):
        with pytest.raises(MoveRefusedError, match="not on the history of main"):
            move(server, wanted)
    assert server.writes == []


def test_a_branch_is_no_tag() -> None:
    """A branch that has the tag's name is not moved."""
    from oso_dagster.tag_move import MoveRefusedError

    server = fake(type_="BRANCH")
    with pytest.raises(MoveRefusedError, match="is a BRANCH, not a tag"):
        move(server)


@pytest.mark.parametrize("tag", [COMMITS[150], None])
def test_the_loser_of_a_race_says_so(tag: str | None) -> None:
    """Whoever finds the tag changed since it was read changes nothing and reports it."""

    def other_operator(server: FakeNessie) -> None:
        server.references["consumer"] = {"type": "TAG", "name": "consumer", "hash": COMMITS[5]}

    server = fake(tag=tag, before_write=other_operator)
    with pytest.raises(ReferenceConflictError, match="somebody else changed the tag"):
        move(server)
    assert server.references["consumer"]["hash"] == COMMITS[5]


def test_a_lost_answer_is_looked_up() -> None:
    """When the connection breaks after the move was made, what Nessie says afterwards counts."""
    server = fake(lose_answer=True)
    assert move(server)[1] is True


def test_a_dead_server_is_named() -> None:
    """The error for a server that does not answer names its address."""
    with (
        NessieClient("http://127.0.0.1:9/api/v2", timeout_s=1) as client,
        pytest.raises(NessieError, match=r"127\.0\.0\.1:9"),
    ):
        client.get_reference("main")


@dg.op(name="sqlmesh_project")
def writing_op() -> None:
    """An op of the name that counts as writing."""


@dg.job(name="sqlmesh_like_job")
def writing_job() -> None:
    writing_op()


def test_refused_while_sqlmesh_writes() -> None:
    """A run of `sqlmesh_project` in flight stops the move; one that has not begun does not."""
    import datetime as dt

    from oso_dagster.in_flight import WritingError, refuse_in_flight

    with dg.DagsterInstance.ephemeral() as instance:
        later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        instance.create_run_for_job(writing_job, status=dg.DagsterRunStatus.NOT_STARTED)
        refuse_in_flight(instance, since=later)
        run = instance.create_run_for_job(writing_job, status=dg.DagsterRunStatus.STARTED)
        with pytest.raises(WritingError, match=run.run_id):
            refuse_in_flight(instance, since=later)


def test_refused_when_sqlmesh_wrote_meanwhile() -> None:
    """A run that ended after the look at main began stops the move: the head may have been read half-way."""
    import datetime as dt

    from oso_dagster.in_flight import WritingError, refuse_in_flight

    with dg.DagsterInstance.ephemeral() as instance:
        began = dt.datetime.now(dt.UTC)
        writing_job.execute_in_process(instance=instance)
        with pytest.raises(WritingError, match="SQLMesh is writing"):
            refuse_in_flight(instance, since=began)
        refuse_in_flight(instance, since=dt.datetime.now(dt.UTC))
