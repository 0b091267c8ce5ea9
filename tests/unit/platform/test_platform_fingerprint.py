"""A fingerprint changes exactly when something changes that facts are read from."""

from __future__ import annotations

import ast
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_playbook.interpreters.fingerprint import READERS, file_digest, fingerprint, fingerprints
from dagster_playbook.settings import Settings, load_settings

Copy = Callable[[], Settings]
PACKAGE = Path(__file__).parents[3] / "src" / "dagster_playbook"
#: the rooms between a project and its facts
ROOMS = ("facts", "failure", "interpreters", "platform", "static_python", "workers")
#: how facts are kept and fetched, which does not change what they say
KEPT = {"facts/cache", "workers/nursery", "workers/processes", "workers/workers"}


@pytest.mark.parametrize(
    "path",
    [
        "transform/models/customers.sql",
        "transform/seeds/orders.csv",
        "transform/config.yaml",
        "location/sample_location/config.py",
        "dagster.yaml",
        "catalogs/lake.properties",
        "references.json",
        "Makefile",
        "mkdocs.yml",
        "pyproject.toml",
    ],
)
def test_a_changed_source_changes_the_fingerprint(sample_copy: Copy, path: str) -> None:
    """One byte in any source of the platform is enough."""
    copied = sample_copy()
    before = fingerprint(copied)
    with (copied.root / path).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert fingerprint(copied) != before


@pytest.mark.parametrize(
    "path",
    [
        "transform/lake.duckdb",
        "transform/.cache/model.pickle",
        "location/sample_location/__pycache__/config.cpython-311.pyc",
        "docs/page.md",
        "transform/logs/run.log",
    ],
)
def test_what_no_fact_is_read_from_does_not_change_it(sample_copy: Copy, path: str) -> None:
    """Databases, caches, bytecode, logs and the pages themselves leave the facts as they are."""
    copied = sample_copy()
    before = fingerprint(copied)
    (copied.root / path).parent.mkdir(parents=True, exist_ok=True)
    (copied.root / path).write_bytes(b"x")
    assert fingerprint(copied) == before


@pytest.mark.parametrize(
    ("part", "path"), [("sqlmesh", "dagster.yaml"), ("dagster", "Makefile"), ("commands", "Makefile")]
)
def test_a_part_depends_on_its_own_sources_only(sample_copy: Copy, part: str, path: str) -> None:
    """A changed dagster.yaml does not load SQLMesh again, and a changed Makefile loads neither."""
    copied = sample_copy()
    before = getattr(fingerprints(copied), part)
    (copied.root / path).write_text("run_retries:\n  max_retries: 9\n", encoding="utf-8")
    assert getattr(fingerprints(copied), part) == before


def test_equal_copies_have_equal_fingerprints(sample_copy: Copy, tmp_path: Path) -> None:
    """Neither the folder nor time stamps count, so a cache travels with a checkout."""
    copied = sample_copy()
    shutil.copytree(copied.root, tmp_path / "elsewhere" / "deeper")
    assert fingerprint(load_settings((tmp_path / "elsewhere" / "deeper").resolve())) == fingerprint(copied)


def test_a_new_file_a_new_name_and_a_missing_file_count(sample_copy: Copy) -> None:
    """Adding, renaming and removing a model are three different states."""
    copied = sample_copy()
    models = copied.root / "transform" / "models"
    states = [fingerprint(copied)]
    (models / "new.sql").write_text("x", encoding="utf-8")
    states.append(fingerprint(copied))
    (models / "new.sql").rename(models / "newer.sql")
    states.append(fingerprint(copied))
    (models / "customers.sql").unlink()
    states.append(fingerprint(copied))
    assert len(set(states)) == 4


def test_a_variable_that_a_source_reads_counts(sample_copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only variables that the sources name are looked at, and only as part of the digest."""
    copied = sample_copy()
    with (copied.root / "transform" / "config.yaml").open("a", encoding="utf-8") as file:
        file.write("project: \"{{ env_var('SHOP_PROJECT', '') }}\"\n")
    before = fingerprint(copied)
    monkeypatch.setenv("UNRELATED_VARIABLE", "1")
    assert fingerprint(copied) == before
    monkeypatch.setenv("SHOP_PROJECT", "other")
    assert fingerprint(copied) != before


def test_settings_of_the_platform_count_and_settings_of_pages_do_not(sample_copy: Copy) -> None:
    """Another gateway is another platform; another excluded page is not."""
    copied = sample_copy()
    assert fingerprint(replace(copied, exclude=("x",), words={"a": "b"})) == fingerprint(copied)
    assert fingerprint(replace(copied, schema="other")) != fingerprint(copied)


def test_a_loop_of_links_ends(sample_copy: Copy) -> None:
    """A folder in itself, a link to itself and a link out of the project are each seen once or not at all."""
    copied = sample_copy()
    models = copied.root / "transform" / "models"
    (models / "again").symlink_to(models, target_is_directory=True)
    (models / "self.sql").symlink_to(models / "self.sql")
    (models / "everything").symlink_to("/", target_is_directory=True)
    assert fingerprint(copied) == fingerprint(copied)


def test_a_pipe_beside_the_sources_does_not_block(sample_copy: Copy) -> None:
    """Something that is no regular file is never opened."""
    copied = sample_copy()
    before = fingerprint(copied)
    os.mkfifo(copied.root / "transform" / "models" / "pipe.sql")
    assert fingerprint(copied) == before


def test_a_missing_project_has_a_fingerprint_too(sample_copy: Copy) -> None:
    """Looking is never an error: the reader says what is missing."""
    copied = sample_copy()
    shutil.rmtree(copied.root / "transform")
    assert fingerprint(copied)


@settings(max_examples=50)
@given(first=st.binary(max_size=64), second=st.binary(max_size=64))
def test_contents_and_digests_are_equal_together(
    tmp_path_factory: pytest.TempPathFactory, first: bytes, second: bytes
) -> None:
    """Two files have the same digest exactly when they have the same bytes."""
    folder = tmp_path_factory.mktemp("digest")
    (folder / "a").write_bytes(first)
    (folder / "b").write_bytes(second)
    assert (file_digest(folder / "a") == file_digest(folder / "b")) == (first == second)


def _is_in_rooms(name: str) -> bool:
    _, _, rest = name.partition("dagster_playbook/")
    return rest.split("/")[0] in ROOMS and (PACKAGE / f"{rest}.py").is_file()


def test_the_readers_are_all_modules_that_facts_come_through() -> None:
    """The modules that the worker and the loader import are the ones whose change makes facts stale."""
    waiting, found = ["workers/worker", "workers/nursery", "platform/loader"], set()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for node in ast.walk(ast.parse((PACKAGE / f"{name}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                module = (node.module or "").replace(".", "/")
                names = [module, *(f"{module}/{alias.name}" for alias in node.names)]
                waiting += [name.removeprefix("dagster_playbook/") for name in names if _is_in_rooms(name)]
    assert found - KEPT == set(READERS)
