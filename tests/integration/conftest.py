"""One real stack for the whole run: started when the first test asks for it, ended after the last one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from graph_clone import Clone, Undisturbed, deploy, restate

from dagster_playbook.errors import StackError
from dagster_playbook.services.nessie import NessieClient
from dagster_playbook.services.nessie_model import Reference
from dagster_playbook.services.trino_query import Answer, TrinoQuery
from dagster_playbook.stack.artifacts import load_artifacts
from dagster_playbook.stack.fetch import cache_folder, choose_getter, is_fetched
from dagster_playbook.stack.java import find_jdk
from dagster_playbook.stack.local import LocalStack, Selection
from dagster_playbook.stack.service import Context
from dagster_playbook.stack.variables import platform_variables

PROJECT = Path(__file__).resolve().parents[2]
TEMPLATES = PROJECT / "warehouse" / "stack"
EXPERIMENTS = Path(__file__).with_name("catalogs")
#: what tests need; Dagster is started by the tests that are about it
CORE = Selection(only=("postgres", "s3proxy", "nessie", "trino"))


@dataclass
class RunningStack:
    """A stack that is up, and the clients that speak to it."""

    local: LocalStack
    context: Context
    told: list[tuple[str, str]] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        """The variables by which the platform finds it."""
        return platform_variables(self.context)

    @property
    def trino(self) -> TrinoQuery:
        """Queries on its Trino."""
        return TrinoQuery("127.0.0.1", self.context.ports["trino"])

    def nessie(self) -> NessieClient:
        """A client of its Nessie; one for each thread."""
        return NessieClient(self.context.url("nessie", "/api/v2"))

    def sql(self, statement: str) -> Answer:
        """Run a statement."""
        return self.trino.query(statement)

    def promote(self) -> Reference:
        """Move the tag to the head of main."""
        with self.nessie() as client:
            return client.assign_reference(client.get_reference("consumer"), client.get_reference("main"))

    def up(self, selection: Selection = CORE) -> list[tuple[str, str]]:
        """Start what is not running; what each service was told to have done."""
        told: list[tuple[str, str]] = []
        self.context = self.local.up(selection, lambda service, what: told.append((service, what)))
        return told


@pytest.fixture(scope="session")
def stack_tools() -> None:
    """A Java and the artifacts, or what fetches them; in CI their absence is a failure."""
    try:
        find_jdk()
        if not is_fetched(load_artifacts(TEMPLATES / "artifacts.toml").values(), cache_folder()):
            choose_getter()
    except StackError as error:
        if os.environ.get("CI"):
            pytest.fail(f"the real stack cannot be started: {error}")
        pytest.skip(f"the real stack cannot be started: {error}")


@pytest.fixture(scope="session")
def stack_templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed templates, and beside the two catalogs those of the experiments."""
    folder = tmp_path_factory.mktemp("templates") / "stack"
    shutil.copytree(TEMPLATES, folder)
    for path in EXPERIMENTS.glob("*.properties"):
        shutil.copy(path, folder / "trino" / "catalog")
    return folder


@pytest.fixture(scope="session")
def stack_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this run's stacks keep what they write."""
    return tmp_path_factory.mktemp("stacks")


@pytest.fixture(scope="session")
def running_stack(stack_tools: None, stack_templates: Path, stack_home: Path) -> Iterator[RunningStack]:
    """The one stack of the run: Postgres, S3Proxy, Nessie and Trino."""
    local = LocalStack.of(PROJECT, "suite", config=stack_templates, home=stack_home)
    try:
        yield RunningStack(local, local.up(CORE))
    finally:
        local.reset()


@pytest.fixture
def stack(running_stack: RunningStack) -> RunningStack:
    """The one stack of the run, whole again even after a test that broke it."""
    if any(state.state != "ready" for state in running_stack.local.status() if state.service in CORE.only):
        running_stack.up()
    return running_stack


@pytest.fixture
def schema(stack: RunningStack, request: pytest.FixtureRequest) -> Iterator[str]:
    """A schema of `iceberg` for one test, dropped with all that is in it."""
    name = "t_" + "".join(c if c.isalnum() else "_" for c in request.node.originalname)[:40]
    stack.sql(f"CREATE SCHEMA iceberg.{name}")
    yield name
    stack.sql(f"DROP SCHEMA iceberg.{name} CASCADE")


@pytest.fixture(scope="session")
def deployed_graph(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A copy of the project with a graph of 20 models, up to date, the restatement of the first one approved."""
    return deploy(tmp_path_factory.mktemp("graph") / "clone")


@pytest.fixture(scope="session")
def undisturbed_graph(deployed_graph: Clone, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """What that restatement evaluates and leaves when nothing disturbs it."""
    return restate(deployed_graph.copy(tmp_path_factory.mktemp("calm") / "clone"))
