"""The table of artifacts, and what counts as the pinned file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from dagster_playbook.errors import StackError
from dagster_playbook.stack.artifacts import Artifact, is_verified, load_artifacts

PROJECT = Path(__file__).resolve().parents[3]
CONTENT = b"what Maven brought"


@pytest.fixture
def artifact() -> Artifact:
    """An artifact whose pinned content is CONTENT."""
    return Artifact("tool", "org.x:tool:1.2:jar", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def test_the_committed_table_is_read() -> None:
    """The project's table names what the services need, at the versions that the design gives."""
    table = load_artifacts(PROJECT / "warehouse" / "stack" / "artifacts.toml")
    versions = {name: artifact.version for name, artifact in table.items()}
    assert versions == {"s3proxy": "2.6.0", "nessie": "0.99.0", "trino": "476", "trino-iceberg": "476"}


@pytest.mark.parametrize(
    ("coordinates", "path"),
    [
        ("org.x.y:tool:1.2:jar", "org/x/y/tool/1.2/tool-1.2.jar"),
        ("org.x:tool:1.2:jar:runner", "org/x/tool/1.2/tool-1.2-runner.jar"),
        ("io.x:tool:476:tar.gz", "io/x/tool/476/tool-476.tar.gz"),
    ],
)
def test_path_in_a_local_repository(tmp_path: Path, coordinates: str, path: str) -> None:
    """Coordinates lead to the file where Maven's own layout has it."""
    assert Artifact("tool", coordinates, 1, "0" * 64).path_in(tmp_path) == tmp_path / path


def test_the_pinned_file_is_verified(tmp_path: Path, artifact: Artifact) -> None:
    """A file with the pinned size and digest counts."""
    path = tmp_path / "tool.jar"
    path.write_bytes(CONTENT)
    assert is_verified(path, artifact)


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b"!", CONTENT.upper()])
def test_another_file_is_not(tmp_path: Path, artifact: Artifact, content: bytes) -> None:
    """A file that is cut short, longer or different does not count."""
    path = tmp_path / "tool.jar"
    path.write_bytes(content)
    assert not is_verified(path, artifact)


def test_a_file_changed_after_it_was_verified_is_hashed_again(tmp_path: Path, artifact: Artifact) -> None:
    """The stamp of a verified file holds for that file alone: a later one of the same size is looked at anew."""
    path = tmp_path / "tool.jar"
    path.write_bytes(CONTENT)
    assert is_verified(path, artifact)
    path.write_bytes(CONTENT.swapcase())
    os.utime(path, ns=(1, 1))
    assert not is_verified(path, artifact)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("[x]\ncoordinates = 1", "is not|missing|argument"),
        ("[x", "cannot be read as TOML"),
        ("x = 1", "is not a table"),
        ('[x]\ncoordinates = "a:b"\nsize_bytes = 1\nsha256 = "0"', "no Maven coordinates"),
        ('[x]\ncoordinates = "a:b:1:jar"\nsize_bytes = 1\nsha256 = "0"', "sha256"),
        ('[x]\ncoordinates = "a:b:1:jar"\nsize_bytes = 1\nsha256 = "0"\nmirror = "m"', "mirror"),
    ],
)
def test_a_broken_table_is_one_clear_error(tmp_path: Path, table: str, told: str) -> None:
    """A table that cannot be used is refused with its path and what is wrong."""
    path = tmp_path / "artifacts.toml"
    path.write_text(table)
    with pytest.raises(StackError, match=told) as caught:
        load_artifacts(path)
    assert caught.value.path == str(path)


def test_a_missing_table_is_one_clear_error(tmp_path: Path) -> None:
    """A table that is not there is said so."""
    with pytest.raises(StackError, match="no table of artifacts"):
        load_artifacts(tmp_path / "artifacts.toml")
