"""A plan equals what then runs, and a restatement that is killed anywhere is done exactly once.

Each attempt is a process of its own on real DuckDB files, forked from this one so that SQLMesh is imported once.
What was evaluated is counted from the records that SQLMesh keeps of each evaluation.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlmesh_records
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_graph import GRAPH, KINDS, Node, write_models
from sqlmesh_records import Interval

from dagster_playbook.restatement.blast_radius import blast_radius
from dagster_playbook.settings import SqlmeshProject

FORK = multiprocessing.get_context("fork")
CONFIG = """
from pathlib import Path
from sqlmesh.core.config import (
    CategorizerConfig, Config, DuckDBConnectionConfig, GatewayConfig, ModelDefaultsConfig, PlanConfig
)
from sqlmesh.core.config.common import VirtualEnvironmentMode

DATA = Path(__file__).parent / "data"
DATA.mkdir(exist_ok=True)
config = Config(
    gateways={"local": GatewayConfig(
        connection=DuckDBConnectionConfig(catalogs={"iceberg": str(DATA / "iceberg.duckdb")}, concurrent_tasks=1),
        state_connection=DuckDBConnectionConfig(database=str(DATA / "state.duckdb")),
    )},
    default_gateway="local",
    model_defaults=ModelDefaultsConfig(dialect="duckdb", start="2026-01-01", cron="@daily"),
    virtual_environment_mode=VirtualEnvironmentMode.DEV_ONLY,
    default_target_environment="prod",
    plan=PlanConfig(auto_categorize_changes=CategorizerConfig.all_full()),
    disable_anonymized_analytics=True,
)
"""


def write_project(folder: Path, nodes: list[Node]) -> None:
    """A project of its own with these models."""
    write_models(folder / "models", nodes)
    (folder / "config.py").write_text(CONFIG)


def in_a_process(work: Callable[..., Any], *arguments: Any) -> int | None:
    """The exit code of a process that does this work; -9 when it was killed."""
    process = FORK.Process(target=work, args=arguments)
    process.start()
    process.join(timeout=120)
    assert not process.is_alive()
    return process.exitcode


def deploy(folder: Path) -> None:
    """Bring every model up to date."""
    from sqlmesh import Context

    with open_context(Context, folder) as context:
        context.plan("prod", auto_apply=True, no_prompts=True, skip_tests=True)


def open_context(factory: Callable[..., Any], folder: Path) -> Any:
    from contextlib import closing

    from sqlmesh.core import constants
    from sqlmesh.core.analytics import disable_analytics
    from sqlmesh.core.console import NoopConsole, set_console

    constants.MAX_FORK_WORKERS = 1  # a pool of processes for a few small files costs more than it saves
    disable_analytics()
    set_console(NoopConsole())
    return closing(factory(paths=str(folder)))


def restate(folder: Path, key: str, window: dict[str, str], entries: list[str], kill: tuple[str, int] | None) -> None:
    """Restate as the op does, under a key, or naively without one; killed at the n-th evaluation when asked."""
    from sqlmesh import Context

    from dagster_playbook.restatement.attempts import Attempts
    from dagster_playbook.restatement.restatement import Book, reconciling

    if kill:
        die_at(*kill)
    factory = reconciling(Book(Attempts(folder / "attempts"), key), Context) if key else Context
    with open_context(factory, folder) as context:
        context.plan("prod", restate_models=entries, auto_apply=True, no_prompts=True, skip_tests=True, **window)


def die_at(where: str, count: int) -> None:
    """`inside`: the rows are written and nothing is recorded; `after`: it is recorded; the next has not begun."""
    from sqlmesh.core.scheduler import Scheduler
    from sqlmesh.core.state_sync.base import StateSync

    owner: Any = StateSync if where == "inside" else Scheduler
    name = "add_interval" if where == "inside" else "evaluate"
    original, calls = getattr(owner, name), [0]

    def counted(self: Any, *arguments: Any, **options: Any) -> Any:
        calls[0] += 1
        if where == "inside" and calls[0] == count:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(self, *arguments, **options)
        if where == "after" and calls[0] == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, counted)


def evaluations(folder: Path, since: int = 0) -> dict[str, list[Interval]]:
    return sqlmesh_records.evaluations(folder / "data" / "state.duckdb", since)


def count(folder: Path) -> int:
    return sum(map(len, evaluations(folder).values()))


def rows(folder: Path, nodes: list[Node]) -> dict[str, list[tuple[Any, ...]]]:
    return sqlmesh_records.rows(folder / "data" / "iceberg.duckdb", [f"m{number}" for number in range(len(nodes))])


def merged(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    from dagster_playbook.restatement.sqlmesh_plan import merged

    return list(merged(intervals))


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    nodes: list[Node] = []
    for number in range(draw(st.integers(2, 6))):
        parents = draw(st.sets(st.integers(0, number - 1), max_size=2)) if number else set()
        nodes.append(Node(draw(st.sampled_from(sorted(KINDS))), tuple(sorted(parents))))
    return nodes


WINDOWS = st.sampled_from([
    {}, {"start": "2026-03-01", "end": "2026-03-02"}, {"start": "2026-05-15"}, {"end": "2026-02-10"}
])  # fmt: skip


def plan_to(file: Path, folder: Path, entries: list[str], window: dict[str, str]) -> None:
    radius = blast_radius(folder.parent, SqlmeshProject(folder.name), entries, **window)
    file.write_text(json.dumps({m.name: m.intervals for m in radius.models}))
    open_files = [entry.readlink() for entry in Path("/proc/self/fd").iterdir() if entry.exists()]
    assert not [path for path in open_files if path.is_relative_to(folder)], "planning holds a file of the platform"


def plan_and_restate(folder: Path, entries: list[str], window: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Model to merged intervals, as planned and as then evaluated; planning has to leave every file as it is."""
    before = count(folder)
    files = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    assert in_a_process(plan_to, folder.parent / "plan.json", folder, entries, window) == 0
    assert {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()} == files
    planned = json.loads((folder.parent / "plan.json").read_text())
    assert in_a_process(restate, folder, "", window, entries, None) == 0
    ran = {model: merged(found) for model, found in evaluations(folder, before).items()}
    return {model: [tuple(interval) for interval in found] for model, found in planned.items()}, ran


@settings(max_examples=7, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(nodes=graphs(), window=WINDOWS, data=st.data())
def test_a_plan_equals_what_then_runs(
    nodes: list[Node], window: dict[str, str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """On random projects the blast radius names exactly the models and intervals that SQLMesh then evaluates."""
    folder = tmp_path_factory.mktemp("project") / "p"
    write_project(folder, nodes)
    entries = data.draw(st.sets(st.sampled_from([f"oso.m{n}" for n in range(len(nodes))]), min_size=1, max_size=2))
    assert in_a_process(deploy, folder) == 0
    planned, ran = plan_and_restate(folder, sorted(entries), window)
    assert ran == planned
    shutil.rmtree(folder.parent)


def test_a_plan_leaves_undeployed_changes_out(tmp_path: Path) -> None:
    """SQLMesh restates what production holds: a model edited, added or removed since does not change the plan."""
    folder = tmp_path / "p"
    write_project(folder, [Node("batched", ()), Node("range", (0,)), Node("full", (0,)), Node("view", (2,))])
    assert in_a_process(deploy, folder) == 0
    shutil.rmtree(folder / "models")
    write_models(folder / "models", [Node("batched", ()), Node("monthly", (0,)), Node("full", (0, 1))])
    (folder / "models" / "m9.sql").write_text("MODEL (name oso.m9, kind FULL);\nSELECT day FROM oso.m0;\n")
    window = {"start": "2026-03-01", "end": "2026-03-02"}
    # the first look after an edit fills SQLMesh's cache of parsed models, the only thing that planning ever writes
    assert in_a_process(plan_to, tmp_path / "first.json", folder, ["oso.m0"], window) == 0
    planned, ran = plan_and_restate(folder, ["oso.m0"], window)
    assert ran == planned
    assert sorted(ran) == ["oso.m0", "oso.m1", "oso.m2", "oso.m3"]


@dataclass(frozen=True)
class Undisturbed:
    """A deployed graph, and what an undisturbed restatement of its first model evaluates and leaves."""

    folder: Path
    since: int
    evaluated: dict[str, list[tuple[int, int]]]
    rows: dict[str, list[tuple[Any, ...]]]

    def is_equal_to(self, folder: Path) -> bool:
        """Whether another copy ended with the same evaluations, each once, and the same rows."""
        ran = {model: sorted(found) for model, found in evaluations(folder, self.since).items()}
        same = ran == {model: sorted(found) for model, found in self.evaluated.items()}
        return same and rows(folder, GRAPH) == self.rows

    def copy(self, folder: Path) -> Path:
        shutil.copytree(self.folder, folder)
        return folder


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """What every process needs is imported before the first fork."""

    import dagster_playbook.restatement.restatement
    import dagster_playbook.restatement.sqlmesh_plan  # noqa: F401


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("graph") / "p"
    write_project(folder, GRAPH)
    assert in_a_process(deploy, folder) == 0
    since = count(folder)
    calm = folder.with_name("calm")
    shutil.copytree(folder, calm)
    assert in_a_process(restate, calm, "k", {}, ["oso.m0"], None) == 0
    return Undisturbed(folder, since, evaluations(calm, since), rows(calm, GRAPH))


def test_the_graph_is_worth_it(undisturbed: Undisturbed) -> None:
    """18 of 20 models hang on the first one, some with several evaluations."""
    assert len(undisturbed.evaluated) == 18
    assert sum(map(len, undisturbed.evaluated.values())) > 20


def test_killed_inside_and_after_every_evaluation(undisturbed: Undisturbed, tmp_path: Path) -> None:
    """One restatement, killed in the middle of each evaluation and again right after it: each is recorded once."""
    folder, total = undisturbed.copy(tmp_path / "p"), sum(map(len, undisturbed.evaluated.values()))
    for _ in range(total):
        for where in ("inside", "after"):
            assert in_a_process(restate, folder, "k", {}, ["oso.m0"], (where, 1)) == -signal.SIGKILL
    assert in_a_process(restate, folder, "k", {}, ["oso.m0"], None) == 0
    assert undisturbed.is_equal_to(folder)


@pytest.mark.parametrize(("where", "number"), [("after", 1), ("inside", 12)])
def test_killed_once_somewhere(undisturbed: Undisturbed, where: str, number: int, tmp_path: Path) -> None:
    """The usual case: one kill, one recovery."""
    folder = undisturbed.copy(tmp_path / "p")
    assert in_a_process(restate, folder, "k", {}, ["oso.m0"], (where, number)) == -signal.SIGKILL
    assert in_a_process(restate, folder, "k", {}, ["oso.m0"], None) == 0
    assert undisturbed.is_equal_to(folder)


def test_a_finished_restatement_is_not_repeated(undisturbed: Undisturbed, tmp_path: Path) -> None:
    """Re-executing a run that went well evaluates nothing."""
    folder = undisturbed.copy(tmp_path / "p")
    assert in_a_process(restate, folder, "k", {}, ["oso.m0"], None) == 0
    done = count(folder)
    assert in_a_process(restate, folder, "k", {}, ["oso.m0"], None) == 0
    assert count(folder) == done


def test_the_naive_retry_restates_again(undisturbed: Undisturbed, tmp_path: Path) -> None:
    """What Dagster's retry does without all this: what was finished before the kill is restated a second time."""
    folder = undisturbed.copy(tmp_path / "p")
    assert in_a_process(restate, folder, "", {}, ["oso.m0"], ("after", 10)) == -signal.SIGKILL
    assert in_a_process(restate, folder, "", {}, ["oso.m0"], None) == 0
    once = sum(map(len, undisturbed.evaluated.values()))
    assert count(folder) - undisturbed.since == once + 10


def test_another_restatement_is_its_own(undisturbed: Undisturbed, tmp_path: Path) -> None:
    """A new key, a new run chain: it restates from the beginning, as it was asked to."""
    folder = undisturbed.copy(tmp_path / "p")
    assert in_a_process(restate, folder, "first", {}, ["oso.m0"], None) == 0
    done = count(folder)
    assert in_a_process(restate, folder, "second", {}, ["oso.m0"], None) == 0
    assert count(folder) - done == sum(map(len, undisturbed.evaluated.values()))
