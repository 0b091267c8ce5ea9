"""Fetching through Maven, with a `mvn` of our own that serves files from a folder."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from dagster_playbook.errors import StackError
from dagster_playbook.stack import maven_resolver
from dagster_playbook.stack.artifacts import Artifact
from dagster_playbook.stack.fetch import cache_folder, choose_getter, fetch, is_fetched

#: puts what SERVED holds at the place that -Dmaven.repo.local and -Dartifact name, and writes down that it was asked
MAVEN = """#!/usr/bin/env python3
import os, pathlib, shutil, sys
options = dict(a[2:].split("=", 1) for a in sys.argv if a.startswith("-D"))
group, name, version, extension, *classifier = options["artifact"].split(":")
file = "-".join([name, version, *classifier]) + "." + extension
served = pathlib.Path(os.environ["SERVED"])
with (served / "asked.log").open("a") as log:
    log.write(options["artifact"] + "\\n")
if not (served / file).exists():
    print("[INFO] Scanning\\n[ERROR] Could not find artifact " + options["artifact"])
    sys.exit(1)
target = pathlib.Path(options["maven.repo.local"]).joinpath(*group.split("."), name, version)
target.mkdir(parents=True, exist_ok=True)
shutil.copy(served / file, target / file)
"""


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder from which a `mvn` on PATH serves."""
    folder = tmp_path / "served"
    (folder / "bin").mkdir(parents=True)
    maven = folder / "bin" / "mvn"
    maven.write_text(MAVEN)
    maven.chmod(0o755)
    monkeypatch.setenv("SERVED", str(folder))
    monkeypatch.setenv("PATH", f"{maven.parent}{os.pathsep}{os.environ['PATH']}")
    for name in ("PLAYBOOK_MAVEN", "PLAYBOOK_MAVEN_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    return folder


def offer(served: Path, coordinates: str, content: bytes, **more: object) -> Artifact:
    """Put a file where `mvn` finds it."""
    artifact = Artifact(
        coordinates.split(":")[1], coordinates, len(content), hashlib.sha256(content).hexdigest(), **more
    )
    (served / artifact.filename).write_bytes(content)
    return artifact


def asked(served: Path) -> list[str]:
    """What `mvn` was asked for so far."""
    log = served / "asked.log"
    return log.read_text().splitlines() if log.exists() else []


def tar_of(files: dict[str, bytes]) -> bytes:
    """A .tar.gz of the files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    """A .zip of the files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)
    return buffer.getvalue()


def unmetered(_: str, __: int, ___: int) -> None:
    """Tell nobody."""


def test_what_is_missing_is_fetched(tmp_path: Path, served: Path) -> None:
    """Each artifact is fetched by its coordinates, and stands where it is said to stand."""
    tools = [offer(served, f"org.x:tool{i}:1:jar", f"content {i}".encode()) for i in range(3)]
    places = fetch(tools, tmp_path / "cache", unmetered)
    assert [places[t.name].read_bytes() for t in tools] == [b"content 0", b"content 1", b"content 2"]
    assert sorted(asked(served)) == sorted(t.coordinates for t in tools)


def test_what_is_there_is_not_fetched_again(tmp_path: Path, served: Path) -> None:
    """A second fetch asks Maven for nothing."""
    tool = offer(served, "org.x:tool:1:jar", b"content")
    fetch([tool], tmp_path / "cache", unmetered)
    fetch([tool], tmp_path / "cache", unmetered)
    assert len(asked(served)) == 1
    assert is_fetched([tool], tmp_path / "cache")


def test_two_at_once_fetch_once(tmp_path: Path, served: Path) -> None:
    """Two stacks that start at the same time share one download."""
    tool = offer(served, "org.x:tool:1:jar", b"content")
    both = [threading.Thread(target=fetch, args=([tool], tmp_path / "cache", unmetered)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(asked(served)) == 1


def test_a_damaged_file_in_the_cache_is_fetched_anew(tmp_path: Path, served: Path) -> None:
    """A file in the cache that is not the pinned one is replaced."""
    tool = offer(served, "org.x:tool:1:jar", b"content")
    path = tool.path_in(tmp_path / "cache" / "maven")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"conte")
    assert fetch([tool], tmp_path / "cache", unmetered)["tool"].read_bytes() == b"content"


def test_another_file_than_the_pinned_is_refused_and_removed(tmp_path: Path, served: Path) -> None:
    """A repository that serves something else is told, and its file is not kept."""
    tool = offer(served, "org.x:tool:1:jar", b"content")
    (served / tool.filename).write_bytes(b"c0ntent")
    with pytest.raises(StackError, match="not the pinned file"):
        fetch([tool], tmp_path / "cache", unmetered)
    assert not tool.path_in(tmp_path / "cache" / "maven").exists()


def test_mavens_own_error_is_told(tmp_path: Path, served: Path) -> None:
    """When Maven fails, its own first line of error is shown."""
    with pytest.raises(StackError, match=r"Could not find artifact org\.x:gone:1:jar"):
        fetch([Artifact("gone", "org.x:gone:1:jar", 1, "0" * 64)], tmp_path / "cache", unmetered)


def test_a_failure_keeps_what_has_arrived(tmp_path: Path, served: Path) -> None:
    """What was fetched before the failure is not fetched again."""
    tool = offer(served, "org.x:tool:1:jar", b"c")
    gone = Artifact("gone", "org.x:gone:1:jar", 10, "0" * 64)
    with pytest.raises(StackError):
        fetch([tool, gone], tmp_path / "cache", unmetered)
    assert is_fetched([tool], tmp_path / "cache")


def test_archives_are_unpacked_into_one_home(tmp_path: Path, served: Path) -> None:
    """A server and its plugin become one folder: top folders dropped, only what is wanted, the plugin inside."""
    server = offer(
        served,
        "io.x:server:1:tar.gz",
        tar_of({"server-1/lib/a.jar": b"a", "server-1/plugin/p.jar": b"p", "server-1/README": b"r"}),
        home="server",
        only=("lib",),
    )
    plugin = offer(served, "io.x:plugin:1:zip", zip_of({"plugin-1/b.jar": b"b"}), home="server", into="plugin/b")
    places = fetch([server, plugin], tmp_path / "cache", unmetered)
    home = places["server"]
    assert places["plugin"] == home
    assert {p.relative_to(home).as_posix() for p in home.rglob("*") if p.is_file()} == {"lib/a.jar", "plugin/b/b.jar"}


def test_an_archive_cannot_write_outside_its_home(tmp_path: Path, served: Path) -> None:
    """An entry that climbs out of the archive is left out."""
    server = offer(served, "io.x:server:1:zip", zip_of({"s/../../../out": b"x", "s/lib/a": b"a"}), home="server")
    home = fetch([server], tmp_path / "cache", unmetered)["server"]
    assert [p.name for p in tmp_path.rglob("out")] == []
    assert (home / "lib" / "a").read_bytes() == b"a"


def test_a_broken_archive_leaves_no_home(tmp_path: Path, served: Path) -> None:
    """An archive that cannot be read is one clear error, and nothing half-unpacked stays."""
    server = offer(served, "io.x:server:1:tar.gz", b"no archive", home="server")
    with pytest.raises(StackError, match="cannot unpack server"):
        fetch([server], tmp_path / "cache", unmetered)
    assert list((tmp_path / "cache" / "unpacked").iterdir()) == []


def test_nothing_to_fetch_with_is_said_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    """With neither `mvn` nor jgo the error says what they are for and how to get one."""
    monkeypatch.setattr(maven_resolver, "is_installed", lambda: False)
    with pytest.raises(StackError, match="neither `mvn` nor the Python package jgo is there") as caught:
        choose_getter(environment={"PATH": "/nonexistent"})
    assert "pip install 'dagster-playbook[stack]'" in caught.value.cure


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"PLAYBOOK_MAVEN": "/nonexistent/mvn"}, "PLAYBOOK_MAVEN=/nonexistent/mvn is no program"),
        (
            {"PLAYBOOK_MAVEN": "mvn", "PLAYBOOK_MAVEN_MIRROR": "http://127.0.0.1/m"},
            "PLAYBOOK_MAVEN and PLAYBOOK_MAVEN_MIRROR are both set",
        ),
    ],
)
def test_a_maven_that_cannot_be_meant_is_refused(environment: dict[str, str], message: str) -> None:
    """A named `mvn` that is not there, or one beside a mirror that it would not ask, is an error."""
    with pytest.raises(StackError, match=message):
        choose_getter(environment=environment)


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"PLAYBOOK_CACHE": "/var/mine", "XDG_CACHE_HOME": "/xdg"}, Path("/var/mine")),
        ({"XDG_CACHE_HOME": "/xdg"}, Path("/xdg/dagster-playbook")),
        ({}, Path.home() / ".cache" / "dagster-playbook"),
    ],
)
def test_where_the_cache_is(environment: dict[str, str], folder: Path) -> None:
    """The cache stands where PLAYBOOK_CACHE says, else where XDG says, else in the home folder."""
    assert cache_folder(environment) == folder
