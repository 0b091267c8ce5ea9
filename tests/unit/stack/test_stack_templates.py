"""The committed templates: what they ask for is set, and the compose file is the same stack."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagster_playbook.errors import StackError
from dagster_playbook.stack.artifacts import load_artifacts
from dagster_playbook.stack.properties import filled, marks, read_flags, read_properties
from dagster_playbook.stack.room import Credentials, Room
from dagster_playbook.stack.service import Context
from dagster_playbook.stack.services import SERVICES
from dagster_playbook.stack.services.lake import s3_environment
from dagster_playbook.stack.variables import as_exports, platform_variables

PROJECT = Path(__file__).resolve().parents[3]
STACK = PROJECT / "warehouse" / "stack"
CATALOGS = sorted((STACK / "trino" / "catalog").glob("*.properties"))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A stack with every port."""
    ports = {name: 7000 + i for i, name in enumerate(p for s in SERVICES.values() for p in s.ports)}
    secrets = Credentials("playbook", "pg secret'", "s3key", "s3secret")
    return Context(Room(tmp_path / "default"), STACK, PROJECT, ports, secrets)


@pytest.fixture(scope="module")
def compose() -> Any:
    """The compose file."""
    return yaml.safe_load((STACK / "compose.yaml").read_text())


def quarkus_marks() -> set[str]:
    """What nessie/application.properties asks for, in Quarkus's own notation."""
    return set(re.findall(r"\$\{(\w+)\}", (STACK / "nessie" / "application.properties").read_text()))


@pytest.mark.parametrize("path", [*CATALOGS, STACK / "trino" / "config.properties"], ids=lambda p: p.name)
def test_trino_is_given_all_that_its_files_ask_for(path: Path, context: Context) -> None:
    """Every ${ENV:NAME} of Trino's files is a variable that the local stack sets."""
    assert marks(path) <= set(SERVICES["trino"].environment(context))


def test_nessie_is_given_all_that_its_file_asks_for(context: Context) -> None:
    """Every ${NAME} of Nessie's settings is a variable that the local stack sets."""
    assert quarkus_marks() <= set(SERVICES["nessie"].environment(context))


def test_s3proxy_settings_can_be_filled(context: Context) -> None:
    """Every mark of S3Proxy's template has a value, and none is left in the result."""
    text = filled(STACK / "s3proxy" / "s3proxy.properties", s3_environment(context) | {"S3_FOLDER": "/data"})
    assert "${" not in text
    assert "s3proxy.credential=s3secret" in text


def test_a_mark_without_a_value_is_refused(tmp_path: Path) -> None:
    """A template that asks for what the stack does not set is refused by the variable's name."""
    path = tmp_path / "x.properties"
    path.write_text("a=${ENV:NOWHERE}\n")
    with pytest.raises(StackError, match="NOWHERE"):
        filled(path, {})


def test_a_line_that_is_no_entry_is_refused_with_its_number(tmp_path: Path) -> None:
    """A broken property file is told by path and line."""
    path = tmp_path / "x.properties"
    path.write_text("# fine\na=1\nbroken\n")
    with pytest.raises(StackError) as caught:
        read_properties(path)
    assert caught.value.line == 3


def test_each_catalog_reads_a_reference_that_the_project_names() -> None:
    """The reference in each catalog's address is one of references.json."""
    references = json.loads((STACK / "nessie" / "references.json").read_text())
    read = {p.stem: read_properties(p)["iceberg.rest-catalog.uri"].rpartition("/")[2] for p in CATALOGS}
    assert read == {"iceberg": "main", "iceberg_consumer": "consumer"}
    assert set(read.values()) <= set(references)


def test_catalogs_differ_in_the_reference_alone() -> None:
    """Consumers read the same lake with the same settings, at another reference."""
    one, two = (read_properties(path) for path in CATALOGS)
    assert {k for k in one.keys() | two.keys() if one.get(k) != two.get(k)} == {"iceberg.rest-catalog.uri"}


def test_no_secret_is_among_the_arguments(context: Context) -> None:
    """What everybody can read in the list of processes holds no password and no key."""
    secrets = {context.credentials.postgres_password, context.credentials.s3_secret_key}
    places = {name: Path("/cache") / name for name in load_artifacts(STACK / "artifacts.toml")}
    prepared = Context(context.room, STACK, PROJECT, context.ports, context.credentials, places, _jdk())
    commands = [" ".join(service.argv(prepared)) for service in SERVICES.values()]
    assert not [c for c in commands if any(secret in c for secret in secrets)]


def _jdk() -> Any:
    from dagster_playbook.stack.java import Jdk

    return Jdk(Path("/jdk"), 25)


def test_trino_starts_on_a_runtime_without_the_vector_module(context: Context) -> None:
    """Trino's committed flags name a module that a small runtime lacks; there it is left out of the command."""
    from dagster_playbook.stack.java import Jdk

    places = {"trino": Path("/cache/trino")}
    commands = [
        SERVICES["trino"].argv(
            Context(context.room, STACK, PROJECT, context.ports, context.credentials, places, Jdk(Path("/j"), 25, m))
        )
        for m in (frozenset({"java.base"}), frozenset({"java.base", "jdk.incubator.vector"}))
    ]
    flag = "--add-modules=jdk.incubator.vector"
    assert [flag in command for command in commands] == [False, True]
    assert commands[0] == [word for word in commands[1] if word != flag]


def test_memory_is_limited() -> None:
    """The heaps of all Java services and the databases' memory leave room in 4 GB for what is beside them."""
    heaps = [f for s in ("trino", "nessie", "s3proxy") for f in read_flags(STACK / s / "jvm.config") if f[:4] == "-Xmx"]
    units = {"M": 1, "G": 1024}
    assert len(heaps) == 3
    assert sum(int(f[4:-1]) * units[f[-1]] for f in heaps) <= 2048


def test_exports_survive_a_shell(context: Context) -> None:
    """What `env` prints is quoted, so that a shell reads each value as it is."""
    import subprocess

    text = as_exports(platform_variables(context)) + 'printf %s "$POSTGRES_PASSWORD"'
    assert subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True).stdout == "pg secret'"


def test_compose_runs_the_same_versions(compose: Any) -> None:
    """The images are of the versions that artifacts.toml pins."""
    pinned = {name: a.version for name, a in load_artifacts(STACK / "artifacts.toml").items()}
    images = {name: service["image"] for name, service in compose["services"].items()}
    assert {name: images[name].endswith(pinned[name]) for name in ("nessie", "trino", "s3proxy")} == {
        "nessie": True,
        "trino": True,
        "s3proxy": True,
    }


def test_compose_mounts_the_committed_files(compose: Any) -> None:
    """Trino and Nessie read in containers the very files that the local stack reads."""
    mounted = {
        name: {v.split(":")[0] for v in compose["services"][name]["volumes"] if v.startswith("./")}
        for name in ("trino", "nessie", "postgres")
    }
    assert mounted == {
        "trino": {"./trino/config.properties", "./trino/jvm.config", "./trino/catalog"},
        "nessie": {"./nessie/application.properties"},
        "postgres": {"./postgres/init.sql"},
    }
    assert all((STACK / path).exists() for paths in mounted.values() for path in paths)


def test_compose_sets_all_that_trino_asks_for(compose: Any) -> None:
    """In containers too, every mark of Trino's files has a variable."""
    asked = set().union(*(marks(p) for p in [*CATALOGS, STACK / "trino" / "config.properties"]))
    assert asked <= set(compose["services"]["trino"]["environment"])


def test_compose_sets_all_that_nessie_asks_for(compose: Any) -> None:
    """In containers too, every mark of Nessie's settings has a variable."""
    assert quarkus_marks() <= set(compose["services"]["nessie"]["environment"])


def test_compose_gives_s3proxy_each_property_of_the_template(compose: Any) -> None:
    """S3Proxy's image takes properties as variables: they are those of the template, plain values included."""
    template = read_properties(STACK / "s3proxy" / "s3proxy.properties")
    given = compose["services"]["s3proxy"]["environment"]
    wanted = {re.sub(r"\W", "_", name).upper(): value for name, value in template.items()}
    assert set(given) == set(wanted)
    assert {n: given[n] for n, v in wanted.items() if "${" not in v} == {
        n: v for n, v in wanted.items() if "${" not in v
    }


def test_compose_creates_the_references(compose: Any) -> None:
    """The tags that references.json names are created in containers too."""
    references = json.loads((STACK / "nessie" / "references.json").read_text())
    commands = " ".join(compose["services"]["references"]["command"])
    created = re.findall(r"CREATE (\w+) IF NOT EXISTS (\w+) FROM main", commands)
    assert {name: kind for kind, name in created} == {n: k for n, k in references.items() if n != "main"}


def test_compose_publishes_on_loopback_alone(compose: Any) -> None:
    """No container listens to the network."""
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_compose_stays_below_four_gigabytes(compose: Any) -> None:
    """The limits of all containers together are less than 4 GB."""
    limits = [s["mem_limit"] for s in compose["services"].values() if "mem_limit" in s]
    assert sum(int(limit.removesuffix("m")) for limit in limits) <= 4096
