"""Kept verdicts save time and never change what is said."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from dagster_playbook.check.verdicts import VerdictStore

VERDICT = {"files": [], "asked": [], "counts": [1, 2, 3, 0], "findings": []}


def stored(path: Path, key: str = "key") -> None:
    store = VerdictStore(path, key)
    store.put("page.md", VERDICT)
    store.save()


def test_what_was_kept_is_had_again(tmp_path: Path) -> None:
    """A second process reads the verdict of the first."""
    stored(tmp_path / "v.sqlite")
    assert VerdictStore(tmp_path / "v.sqlite", "key").get("page.md") == VERDICT


def test_another_platform_has_no_kept_verdicts(tmp_path: Path) -> None:
    """A verdict under another key is none."""
    stored(tmp_path / "v.sqlite")
    assert VerdictStore(tmp_path / "v.sqlite", "other").get("page.md") is None


@pytest.mark.parametrize("column", ["payload", "digest", "key"])
def test_a_damaged_row_is_no_verdict(tmp_path: Path, column: str) -> None:
    """A row that was changed by anybody else is not believed."""
    path = tmp_path / "v.sqlite"
    stored(path)
    with sqlite3.connect(path) as store:
        store.execute(f"UPDATE verdict SET {column} = replace({column}, '1', '0') || ' '")
    store.close()
    assert VerdictStore(path, "key").get("page.md") is None


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_foreign_or_half_written_file_is_replaced(tmp_path: Path, content: bytes) -> None:
    """What is no store is put away, and the next verdict is kept."""
    path = tmp_path / "v.sqlite"
    path.write_bytes(content)
    assert VerdictStore(path, "key").get("page.md") is None
    stored(path)
    assert VerdictStore(path, "key").get("page.md") == VERDICT


def test_a_store_with_another_schema_costs_nothing_but_time(tmp_path: Path) -> None:
    """A table of the same name with other columns is no reason to fail."""
    path = tmp_path / "v.sqlite"
    with sqlite3.connect(path) as store:
        store.execute("CREATE TABLE verdict (something TEXT)")
    store.close()
    assert VerdictStore(path, "key").get("page.md") is None
    stored(path)


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """Where a file stands in the way of the cache folder, nothing is kept and nothing fails."""
    (tmp_path / "cache").write_text("in the way", encoding="utf-8")
    stored(tmp_path / "cache" / "v.sqlite")
    assert (tmp_path / "cache").read_text(encoding="utf-8") == "in the way"


def test_a_locked_store_is_left_alone(tmp_path: Path) -> None:
    """While another check writes, this one goes on without keeping."""
    path = tmp_path / "v.sqlite"
    stored(path)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        store = VerdictStore(path, "key")
        store.put("second.md", VERDICT)
        store.save()
        other.execute("ROLLBACK")
    other.close()
    assert VerdictStore(path, "key").get("page.md") == VERDICT
