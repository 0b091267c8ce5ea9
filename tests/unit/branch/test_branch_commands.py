"""`playbook diff`, `verify` and `branch` on restatements that stand on branches."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result
from numbered_platform import FILES, numbered, restated, write

from dagster_playbook.branch.branches import Branches
from dagster_playbook.branch.record import RECORD_NAME, branch_folder
from dagster_playbook.cli import group

Say = Callable[..., Result]


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Branches:
    """A project without SQLMesh, whose data are two DuckDB files."""
    (tmp_path / "pyproject.toml").write_text("[tool.playbook]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OSO_WAREHOUSE_DATA", raising=False)
    data = tmp_path / ".playbook" / "warehouse"
    data.mkdir(parents=True)
    return numbered(data)


@pytest.fixture
def say() -> Say:
    """Run a command; what it says and its exit code."""
    return lambda *arguments: CliRunner().invoke(group, arguments)


def test_a_diff_of_a_branch_tells_and_ends_with_1(platform: Branches, say: Say) -> None:
    """The digest on its last line is what publishing is asked for."""
    digest = restated(platform, "r", 1)
    said = say("diff", "--run", "r")
    assert said.exit_code == 1
    assert "oso.one  1 -> 1 rows: 1 added, 1 removed, 0 changed, by whole rows" in said.stdout
    assert "e.g. removed: n=0" in said.stdout
    assert said.stdout.splitlines()[-1] == f"digest {digest}"
    assert json.loads(say("diff", "--run", "r", "--format", "json").stdout)["digest"] == digest


def test_a_diff_of_some_tables_is_no_diff_to_publish_by(platform: Branches, say: Say) -> None:
    """What was left out was not looked at."""
    platform.begin("r")
    write(platform.own("r") / FILES[0], 1)
    platform.built("r")
    assert say("diff", "--run", "r", "--table", "oso.one").exit_code == 1
    assert not (branch_folder(platform.data, "r") / "diff.json").exists()


def test_values_do_not_steer_the_terminal(platform: Branches, say: Say, tmp_path: Path) -> None:
    """What stands in a table is shown without its control characters."""
    files = [str(tmp_path / f"{name}.duckdb") for name in ("old", "new")]
    for file in files:
        with duckdb.connect(file) as connection:
            connection.execute("CREATE TABLE t AS SELECT ? AS a", [f"\x1b]0;{file}\x07\x1b[2J"])
    said = say("diff", *files)
    assert (said.exit_code, "\x1b" in said.stdout, "\x07" in said.stdout) == (1, False, False)


def test_two_files_that_are_the_same_end_with_0(platform: Branches, say: Say) -> None:
    """Without a run two files are compared."""
    file = str(platform.data / FILES[0])
    said = say("diff", file, file)
    assert (said.exit_code, said.stdout.splitlines()[0].split(": ")[-1]) == (0, "2 tables are the same")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("diff",), "give BEFORE and AFTER, or --run RUN"),
        (("diff", "a.duckdb"), "give BEFORE and AFTER, or --run RUN"),
        (("diff", "a.duckdb", "b.duckdb", "--run", "r"), "give BEFORE and AFTER, or --run RUN"),
        (("diff", "a.duckdb", "b.duckdb"), "there is no such DuckDB file"),
        (("diff", "pyproject.toml", "pyproject.toml"), "DuckDB cannot open it"),
        (("diff", "main", "consumer"), "NESSIE_URI is not set"),
        (("diff", "--run", "none"), "there is no branch of none"),
        (("diff", "--run", "../etc"), "cannot name a restatement"),
        (("verify", "--run", "none"), "there is no branch of none"),
        (("branch", "discard", "none", "--yes"), "there is no branch of none"),
    ],
)
def test_what_cannot_be_looked_at_is_one_error(
    platform: Branches, say: Say, arguments: tuple[str, ...], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its reason and no traceback, and nothing is changed."""
    monkeypatch.delenv("NESSIE_URI", raising=False)
    said = say(*arguments)
    assert said.exit_code != 0
    assert why in said.output + str(said.exception)


def test_verify_refuses_what_changed_too_much(platform: Branches, say: Say) -> None:
    """Before it is published, by the same thresholds as a promotion; accepted by name it may go on."""
    platform.begin("r")
    with duckdb.connect(str(platform.own("r") / FILES[0])) as connection:
        connection.execute("INSERT INTO oso.one SELECT 0 FROM range(9)")
        connection.execute("DELETE FROM oso.two")
    platform.built("r")
    said = say("verify", "--run", "r", "--tables", "oso.*")
    assert said.exit_code == 1
    assert "900.0% more rows" in said.stdout
    assert "the table has no rows" in said.stdout
    accepted = ("--accept", "oso.one:rows", "--accept", "oso.two:rows")
    assert say("verify", "--run", "r", "--tables", "oso.*", *accepted).exit_code == 0


def test_branches_are_listed_and_old_ones_told(platform: Branches, say: Say) -> None:
    """With what they take; one that nobody has touched for a week makes the command end with 1."""
    assert (say("branch", "list").exit_code, say("branch", "list").stdout) == (0, "no branch\n")
    platform.begin("r")
    (fresh,) = json.loads(say("branch", "list", "--format", "json").stdout)
    assert (fresh["run"], fresh["state"], fresh["abandoned"]) == ("r", "building", False)
    assert fresh["size_bytes"] > sum((platform.data / name).stat().st_size for name in FILES)
    record = branch_folder(platform.data, "r") / RECORD_NAME
    record.write_text(json.dumps(json.loads(record.read_text()) | {"changed_at": "2026-01-01T00:00:00+00:00"}))
    said = say("branch", "list")
    assert said.exit_code == 1
    assert "abandoned:" in said.stdout
    assert say("branch", "discard", "r", "--yes").exit_code == 0
    assert say("branch", "list").stdout == "no branch\n"
