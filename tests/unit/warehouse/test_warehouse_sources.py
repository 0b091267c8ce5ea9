"""The sources yield real facts, and no personal data."""

from __future__ import annotations

import datetime as dt
import subprocess
from importlib import metadata
from pathlib import Path

import pytest


def git(repository: Path, *arguments: str) -> None:
    day = "2026-11-02T10:00:00+02:00"
    subprocess.run(
        ["git", "-C", str(repository), "-c", "user.name=A", "-c", "user.email=A@Example.org", *arguments],
        check=True,
        capture_output=True,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "GIT_AUTHOR_DATE": day, "GIT_COMMITTER_DATE": day},
    )


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one commit: a text file, a binary file, and a name with a tab and a quote in it."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "some-project"\n', encoding="utf-8")
    (tmp_path / "binary.dat").write_bytes(b"\0\1\2")
    (tmp_path / 'odd\t"näme".txt').write_text("one\ntwo\n", encoding="utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "Secret subject")
    monkeypatch.setenv("OSO_GIT_REPOSITORY", str(tmp_path))
    return tmp_path


def test_commits(repository: Path) -> None:
    """A commit has UTC times, and its author only as a hash that is the same however the address is written."""
    from oso_dagster.sources.git import commit_rows
    from oso_dagster.sources.personal_data import hashed

    (row,) = commit_rows()
    name, sha, author, authored, committed, parents = row
    assert (name, len(str(sha)), parents) == ("some-project", 40, 0)
    assert authored == committed == dt.datetime(2026, 11, 2, 8, 0)
    assert author == hashed(" a@example.ORG ")
    assert "example" not in str(row).lower()


def test_commit_files(repository: Path) -> None:
    """Paths come unquoted whatever is in them, and a binary file has no line counts."""
    from oso_dagster.sources.git import commit_file_rows

    files = {row[2]: row[4:] for row in commit_file_rows()}
    assert files == {"pyproject.toml": (2, 0), "binary.dat": (None, None), 'odd\t"näme".txt': (2, 0)}


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a history the error says where it looked and what to set."""
    from oso_dagster.sources.git import commit_rows
    from oso_dagster.sources.tables import SourceError

    monkeypatch.setenv("OSO_GIT_REPOSITORY", str(tmp_path / "nothing"))
    with pytest.raises(SourceError, match="set OSO_GIT_REPOSITORY to a clone"):
        list(commit_rows())


def test_hashing() -> None:
    """A hash is 32 hex digits, tells people apart, and nothing stays nothing."""
    from oso_dagster.sources.personal_data import hashed

    assert len(hashed("a@b.org")) == 32
    assert hashed("a@b.org") != hashed("c@b.org")
    assert hashed("  ") == ""


def test_installed_distributions_are_read() -> None:
    """Every installed distribution is a row, with the version that importlib knows."""
    from oso_dagster.sources.pypi import distribution_rows

    versions = {row[0]: row[1] for row in distribution_rows()}
    assert versions["sqlmesh"] == metadata.version("sqlmesh")
    assert len(versions) == len({str(name).lower() for name in versions})


def test_no_address_in_any_table() -> None:
    """Authors are hashed: no field of the distributions' table holds an e-mail address."""
    from oso_dagster.sources.pypi import distribution_rows

    assert not [row for row in distribution_rows() for value in row[3:] if "@" in str(value)]


@pytest.mark.parametrize(
    ("heading", "found"),
    [
        ("1.2.3 (2026-05-02)", [("1.2.3", "2026-05-02")]),
        ("## [3.5.2](https://example.org/compare) (2026-09-29)", [("3.5.2", "2026-09-29")]),
        ("Version 0.5.6 - 2016-11-22", [("0.5.6", "2016-11-22")]),
        ("## v2.14.3 (2026-11-04)", [("2.14.3", "2026-11-04")]),
        ("1.0.0 -- 2023-05-01", [("1.0.0", "2023-05-01")]),
        ("Since 1.2 (2026-05-02) all is well", []),
        ("2026-05-02", []),
    ],
)
def test_release_headings(heading: str, found: list[tuple[str, str]]) -> None:
    """A line that is a version and a date is a release; a sentence that holds both is none."""
    from oso_dagster.sources.pypi import RELEASE_HEADING

    assert RELEASE_HEADING.findall(f"text\n{heading}\nmore") == found


def test_translator_gives_valid_tags() -> None:
    """Whatever a tag holds, Dagster gets letters that it takes."""
    from oso_dagster.translator import tag_text

    assert tag_text(" a b/c=d ") == "a_b_c_d"
    assert len(tag_text("x" * 100)) == 63


def test_evidence_survives_a_torn_line(tmp_path: Path) -> None:
    """A last line that a crash cut short is left out, the lines before it are read."""
    from dataclasses import asdict, replace
    from json import dumps

    from oso_dagster.evidence import Evaluation, append_line, read

    line = Evaluation("r", "r", "prod", "oso.x", "FULL", "a", "b", "c", "d", restated=False, succeeded=True)
    path = tmp_path / "sub" / "evaluations.jsonl"
    append_line(path, dumps(asdict(line)))
    append_line(path, dumps(asdict(replace(line, model="oso.y"))))
    with path.open("a", encoding="utf-8") as file:
        file.write('{"run_id": "r", "mo')
    assert [evaluation.model for evaluation in read(path)] == ["oso.x", "oso.y"]
    assert list(read(tmp_path / "none.jsonl")) == []


def test_an_empty_source_leaves_an_empty_table() -> None:
    """A source without rows makes its table, and empties one that had rows."""
    from sqlmesh.core.config import DuckDBConnectionConfig

    from oso_dagster.sources.tables import RawTable, Row, load

    rows: list[Row] = []
    table = RawTable("raw", "things", {"id": "BIGINT", "name": "VARCHAR"}, lambda: iter(rows), "one thing")
    adapter = DuckDBConnectionConfig().create_engine_adapter()
    for given in ([], [(1, "a"), (2, None)], []):
        rows[:] = given
        assert load(adapter, table) == len(given)
        assert adapter.fetchall("SELECT id, name FROM raw.things ORDER BY id") == given
    adapter.close()
