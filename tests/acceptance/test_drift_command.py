"""`playbook drift` as people and CI run it."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from dagster_playbook.cli.drift import command

ROOT = Path(__file__).resolve().parents[2]
#: the floors that the project promises for 300 mutations
KILLED, EXACT = 0.99, 0.95


def test_hardly_any_drift_gets_past_the_check(tmp_path: Path) -> None:
    """Of 60 mutations of this project's own pages and platform at least 99 % are told, 95 % on the exact line."""
    record = tmp_path / "drift.json"
    arguments = ["--project", str(ROOT), "--seed", "1", "--count", "60", "--format", "json", "--record", str(record)]
    result = CliRunner().invoke(command, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    report = json.loads(result.stdout)
    survivors = [
        f"{r['path']}:{r['line']} {r['kind']} {r['what']}" for r in report["rows"] if r["outcome"] == "survived"
    ]
    assert report["score"]["kill_rate"] >= KILLED, survivors
    assert report["score"]["line_rate"] >= EXACT, [row for row in report["rows"] if row["missed"]]
    assert report["score"]["false_alarms"] == 0
    assert report["score"]["stillborn"] == 0
    assert any(row["target"] == "platform" for row in report["rows"])
    assert result.exit_code == 0
    assert json.loads(record.read_text(encoding="utf-8"))["score"]["killed"] == report["score"]["killed"]


def test_a_score_below_the_floor_exits_with_1(tmp_path: Path) -> None:
    """A page that nothing is held to lets its drift survive, and the command fails."""
    settings = '[tool.playbook]\npages = ["docs"]\ncommands = []\n\n[tool.playbook.words]\nsomething_else = "no name"\n'
    (tmp_path / "pyproject.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Home\n\nSee `something_else` here.\n", encoding="utf-8")
    arguments = ["--project", str(tmp_path), "--kind", "typo-span"]
    assert CliRunner().invoke(command, arguments).exit_code == 1


def test_an_unknown_kind_is_a_usage_error() -> None:
    """A kind that does not exist is refused with a way to find those that do."""
    result = CliRunner().invoke(command, ["--kind", "earthquake"])
    assert result.exit_code == 2
    assert "--kind list" in result.output


def test_the_kinds_can_be_listed() -> None:
    """`--kind list` names every kind and changes nothing."""
    result = CliRunner().invoke(command, ["--kind", "list"])
    assert result.exit_code == 0
    assert {"typo-job", "rename-model", "step-order", "control-paragraph"} <= set(result.output.split())
