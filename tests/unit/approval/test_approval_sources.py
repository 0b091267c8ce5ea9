"""What a fingerprint of sources covers: everything that a platform could load, and nothing that differs by machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.approval.sources import files, fingerprint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small SQLMesh project."""
    (tmp_path / "project" / "models").mkdir(parents=True)
    (tmp_path / "project" / "config.yaml").write_text("gateways: {}\n")
    (tmp_path / "project" / "models" / "a.sql").write_text("MODEL (name a.a); SELECT 1 AS x\n")
    return tmp_path / "project"


def _write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("anything")


@pytest.mark.parametrize(
    "path",
    [
        "models/b.sql",
        "models/.hidden.sql",
        "models/.hidden/b.sql",
        "models/logs/b.sql",
        "models/node_modules/b.sql",
        "models/__pycache__/b.sql",
        "macros/site-packages/b.py",
        "seeds/.b.csv",
        "seeds/b.tmp",
        "seeds/b.log",
        "__pycache__/b.py",
    ],
)
def test_whatever_could_be_loaded_counts(folder: Path, path: str) -> None:
    """A file behind a hidden name, or in a folder that tools use elsewhere, is a source all the same."""
    before = fingerprint(folder)
    _write(folder / path)
    assert fingerprint(folder) != before


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".cache/model",
        ".git/HEAD",
        ".venv/lib/b.py",
        "logs/run.log",
        "node_modules/b.js",
        "site-packages/b.py",
        "b.log",
        "config.yaml~",
        ".config.yaml.swp",
        "b.tmp",
        "db.db",
        "data/b.duckdb",
        "data/b.duckdb.wal",
        "data/b.sqlite",
        "macros/__pycache__/b.cpython-311.pyc",
    ],
)
def test_what_differs_by_machine_does_not(folder: Path, path: str) -> None:
    """Caches, logs, databases and compiled files are no sources."""
    before = fingerprint(folder)
    _write(folder / path)
    assert fingerprint(folder) == before


def test_text_and_name_count(folder: Path) -> None:
    """An edit and a rename are another fingerprint, and putting it back is the old one."""
    before, model = fingerprint(folder), folder / "models" / "a.sql"
    text = model.read_text()
    model.write_text(text + " ")
    assert fingerprint(folder) != before
    model.write_text(text)
    assert fingerprint(folder) == before
    model.rename(model.with_name("b.sql"))
    assert fingerprint(folder) != before


def test_the_place_does_not_count(folder: Path) -> None:
    """Equal sources have one fingerprint wherever they stand."""
    before = fingerprint(folder)
    assert fingerprint(folder.rename(folder.with_name("elsewhere"))) == before


def test_the_order_in_which_files_were_made_does_not_count(folder: Path) -> None:
    """Two checkouts that wrote the same files in another order are one."""
    before, texts = fingerprint(folder), {path: (folder / path).read_text() for path in files(folder)}
    for path in texts:
        (folder / path).unlink()
    for path in reversed(list(texts)):
        (folder / path).write_text(texts[path])
    assert fingerprint(folder) == before


def test_links_are_followed_once(folder: Path) -> None:
    """A folder that links to itself ends, and what a link leads to counts."""
    (folder.parent / "shared").mkdir()
    (folder.parent / "shared" / "c.sql").write_text("1")
    (folder / "models" / "shared").symlink_to(folder.parent / "shared")
    (folder / "models" / "round").symlink_to(folder / "models")
    (folder / "models" / "gone.sql").symlink_to(folder / "nowhere")
    assert list(files(folder)) == ["config.yaml", "models/a.sql", "models/shared/c.sql"]
    before = fingerprint(folder)
    (folder.parent / "shared" / "c.sql").write_text("2")
    assert fingerprint(folder) != before


def test_only_what_is_kept_counts(folder: Path) -> None:
    """Where a caller names what is a source, another file is none."""
    before = fingerprint(folder, keep=lambda name: name.endswith(".sql"))
    (folder / "README.md").write_text("words")
    assert fingerprint(folder, keep=lambda name: name.endswith(".sql")) == before
