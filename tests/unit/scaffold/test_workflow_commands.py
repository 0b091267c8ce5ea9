"""The commands of the asset workflow: what they print, write and exit with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from dagster_playbook.check import Checker
from dagster_playbook.cli import main
from dagster_playbook.cli.lint_warehouse import command as lint_warehouse
from dagster_playbook.cli.new import command as new
from dagster_playbook.cli.pr_check import command as pr_check
from dagster_playbook.report import FORMATS
from dagster_playbook.scaffold.layout import Layout
from dagster_playbook.scaffold.lint import RULES
from dagster_playbook.scaffold.lint.rule import ASSET_RULES, SEED_RULES
from dagster_playbook.services.bigquery import FieldFact, TableReference, TableSample

BAD_TAG = Path(__file__).resolve().parents[2] / "data" / "scaffold" / "lint" / "WH305" / "bad"


@pytest.fixture
def bad_tag(layout: Layout) -> Path:
    """A project with one unquoted tag."""
    shutil.copytree(BAD_TAG, layout.root, dirs_exist_ok=True)
    return layout.root


@pytest.mark.parametrize("path", [ASSET_RULES, SEED_RULES])
def test_examples_of_the_rules_files_hold(path: str, checker: Checker) -> None:
    """Every command, model and name in the rules files is checked against the platform, as on a page."""
    summary = checker.check_page(path)
    assert (list(summary.findings), summary.exempt) == ([], 0)
    assert summary.checked > 3


def test_findings_exit_with_1_and_tell_their_fix(bad_tag: Path) -> None:
    """A finding has place, code, name, message, evidence and what to write instead."""
    result = CliRunner().invoke(lint_warehouse, ["--project", str(bad_tag)])
    assert result.exit_code == 1
    first, second, last = result.stdout.splitlines()
    assert first.endswith("is not quoted, so SQLMesh reads it as an empty tag") and ":5:9: WH305 unquoted-tag" in first
    assert second.endswith('; write: "entity_category=project"') and last.endswith("files, 1 findings")


def test_fix_leaves_nothing(bad_tag: Path) -> None:
    """--fix writes the safe fix and exits clean."""
    result = CliRunner().invoke(lint_warehouse, ["--project", str(bad_tag), "--fix"])
    assert (result.exit_code, result.stdout.splitlines()[-1][-10:]) == (0, "0 findings")


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "text"])
def test_every_reporter_takes_warehouse_findings(form: str, bad_tag: Path) -> None:
    """All formats of the page check work for the warehouse too."""
    result = CliRunner().invoke(lint_warehouse, ["--project", str(bad_tag), "--format", form])
    assert result.exit_code == 1 and "WH305" in result.stdout


def test_rules_are_listed() -> None:
    """--list tells every rule."""
    lines = CliRunner().invoke(lint_warehouse, ["--list"]).stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(RULES)


def test_no_warehouse_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A project without code location or models could not be looked at: one line and the cure."""
    with pytest.raises(SystemExit) as caught:
        main(["lint-warehouse", "--project", str(tmp_path)])
    assert caught.value.code == 2 and "[[tool.playbook.sqlmesh]]" in capsys.readouterr().err


def test_dry_run_shows_the_diff_and_writes_nothing(layout: Layout, tmp_path: Path) -> None:
    """With --dry-run the diff is all there is."""
    source = tmp_path / "people.csv"
    source.write_text("id,name\n1,a\n2,b\n", encoding="utf-8")
    before = sorted(layout.root.rglob("*"))
    arguments = ["asset", "crm", "people", "--files", str(source), "--project", str(layout.root), "--dry-run"]
    result = CliRunner().invoke(new, arguments)
    assert "+++ b/warehouse/oso_dagster/sources/crm__people.py" in result.stdout and result.exit_code == 0
    assert sorted(layout.root.rglob("*")) == before


def test_seed_says_what_each_row_is_for(layout: Layout, tmp_path: Path) -> None:
    """The text names the cases of each row and the cases that no row could show."""
    source = tmp_path / "wide.jsonl"
    records = [{f"c{n}": n if n == row else None for n in range(30)} for row in range(30)]
    source.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    arguments = ["seed", "crm", "people", "--files", str(source), "--project", str(layout.root), "--no-run"]
    result = CliRunner().invoke(new, arguments)
    assert "  row 1: " in result.stdout and "  not shown: " in result.stdout
    assert result.stdout.splitlines()[-1] == "6 files written, 0 of 0 steps green"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["asset", "crm", "people"], "no source was named"),
        (["asset", "crm", "people", "--files", "a.csv", "--sql", "sqlite://"], "two sources were named"),
        (["seed", "crm", "people"], "never materialised"),
        (["seed", "crm", "People", "--files", "a.csv"], "is no name for a source"),
    ],
)
def test_unclear_wishes_exit_with_2(
    arguments: list[str],
    message: str,
    layout: Layout,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What cannot be done is one sentence with a cure, and exit code 2."""
    monkeypatch.setenv("OSO_WAREHOUSE_DATA", str(layout.root / "none"))
    with pytest.raises(SystemExit) as caught:
        main(["new", *arguments, "--project", str(layout.root)])
    said = capsys.readouterr().err
    assert caught.value.code == 2 and message in said and "Traceback" not in said


def test_sample_prints_the_profile(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The profile has the cost, what was masked, and a line for each column."""
    fields = (FieldFact("id", "INT64", "REQUIRED"), FieldFact("email", "STRING", "NULLABLE"))
    rows = ((1, "a@example.com"), (2, None))
    sample = TableSample(TableReference("p", "d", "t"), fields, rows, 2, 100, 2048, 0, ("email",))
    monkeypatch.setattr("dagster_playbook.services.bigquery.BigQueryReader.sample", lambda *_, **__: sample)
    main_without_exit(["sample", "p.d.t"])
    said = capsys.readouterr().out
    assert "dry run: 2,048 bytes" in said and "masked by name: email" in said
    assert [line.split()[0] for line in said.splitlines()[-3:]] == ["column", "id", "email"]


def main_without_exit(arguments: list[str]) -> None:
    """Run the command line and expect that it exits clean."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0


def test_body_is_written_beside_the_output(layout: Layout, tmp_path: Path) -> None:
    """--output gets the same Markdown that is printed."""
    import subprocess

    for step in (["init"], ["add", "."], ["-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-m", "x"]):
        subprocess.run(["git", "-C", str(layout.root), *step], check=True, capture_output=True)
    output = tmp_path / "body.md"
    arguments = ["--project", str(layout.root), "--base", "HEAD", "--check", "materialisation", "--output", str(output)]
    result = CliRunner().invoke(pr_check, arguments)
    assert result.exit_code == 0 and output.read_text(encoding="utf-8") == result.stdout
