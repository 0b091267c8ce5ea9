"""Each warehouse rule fails its bad files, passes its good ones, and stands in the rules file that people read."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dagster_playbook.check.edits import rewrites_of_findings, write_rewrite
from dagster_playbook.errors import ScaffoldError
from dagster_playbook.findings import Severity
from dagster_playbook.scaffold.layout import layout_of
from dagster_playbook.scaffold.lint import RULES, LintResult, date_rewrites, lint_warehouse
from dagster_playbook.settings import load_settings

ROOT = Path(__file__).resolve().parents[3]
CASES = ROOT / "tests" / "data" / "scaffold" / "lint"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
#: findings that a bad file cannot avoid beside its own
BESIDE = {
    "WH103": {"WH101"},
    "WH205": {"WH206", "WH207"},
    "WH206": {"WH207"},
    "WH208": {"WH208"},
    "WH301": {"WH310"},
    "WH302": {"WH302"},
    "WH306": {"WH101", "WH206"},
    "WH309": set[str](),
}


def _lint(folder: Path) -> LintResult:
    return lint_warehouse(layout_of(load_settings(folder)), now=NOW)


def _project(tmp_path: Path, code: str, kind: str) -> Path:
    """The base project with the files of a case laid over it."""
    shutil.copytree(CASES / "base", tmp_path / "p")
    shutil.copytree(CASES / code / kind, tmp_path / "p", dirs_exist_ok=True)
    return tmp_path / "p"


def _codes(result: LintResult) -> set[str]:
    return {finding.rule for finding in result.findings}


@pytest.mark.parametrize("code", RULES)
def test_bad_files_fail(code: str, tmp_path: Path) -> None:
    """The bad files of a rule break that rule, and no other that they could keep; only a rule that says so fixes."""
    result = _lint(_project(tmp_path, code, "bad"))
    found = _codes(result)
    assert code in found
    assert any(f.fix for f in result.findings if f.rule == code) is RULES[code].is_fixable
    assert found <= {code} | BESIDE.get(code, set())


@pytest.mark.parametrize("code", RULES)
def test_good_files_pass(code: str, tmp_path: Path) -> None:
    """The good files of a rule break no rule at all."""
    assert [str(f.message) for f in _lint(_project(tmp_path, code, "good")).findings] == []


def test_every_rule_has_files() -> None:
    """There is one folder of cases for each rule and none without a rule."""
    assert {path.name for path in CASES.iterdir()} - {"base"} == set(RULES)


@pytest.mark.parametrize("file", sorted({rule.told_in for rule in RULES.values()}))
def test_rules_file_and_rules_name_each_other(file: str) -> None:
    """A rules file tells exactly the rules that the machine holds, by code and name."""
    told = re.findall(r"^- \*\*(WH\d+) ([a-z-]+)\*\*", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    assert told == [(rule.code, rule.name) for rule in RULES.values() if rule.told_in == file]


def test_codes_and_names_are_unique() -> None:
    """No two rules share a name."""
    assert Counter(rule.name for rule in RULES.values()).most_common(1)[0][1] == 1


@pytest.mark.parametrize("code", [rule.code for rule in RULES.values() if rule.is_fixable])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_fix_cures(line_end: bytes, code: str, tmp_path: Path) -> None:
    """What --fix writes leaves nothing to find, whatever ends the file's lines."""
    project = _project(tmp_path, code, "bad")
    for path in [*project.rglob("*.sql"), *project.rglob("*.csv")]:
        path.write_bytes(path.read_bytes().replace(b"\n", line_end))
    (rewrite,) = rewrites_of_findings(project, _lint(project).findings)
    write_rewrite(project, rewrite)
    assert _lint(project).findings == ()
    assert rewrite.after.count(line_end.decode()) == rewrite.before.count(line_end.decode())


def test_unquoted_tag_is_found_at_its_place(tmp_path: Path) -> None:
    """The finding points at the tag itself, and its fix quotes it."""
    (finding,) = _lint(_project(tmp_path, "WH305", "bad")).findings
    assert (finding.location.line, finding.location.column) == (5, 9)
    assert finding.fix is not None and finding.fix.replacement == '"entity_category=project"'


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0c", "\x1c"])
def test_line_separators_move_no_fix(separator: str, tmp_path: Path) -> None:
    """A character that only Python calls a line end, in a model's description, leaves the fix where it belongs."""
    project = _project(tmp_path, "WH305", "bad")
    (path,) = [p for p in project.rglob("*.sql") if "entity_category=project" in p.read_text(encoding="utf-8")]
    text = path.read_text(encoding="utf-8").replace("  kind", f"  description 'Rows{separator}of a shop',\n  kind", 1)
    path.write_text(text, encoding="utf-8")
    (rewrite,) = rewrites_of_findings(project, _lint(project).findings)
    assert rewrite.after == text.replace("entity_category=project", '"entity_category=project"', 1)


@pytest.mark.parametrize("separator", ["\u2028", "\x85", "\x0c", "\x1c"])
def test_line_separators_split_no_row(separator: str, tmp_path: Path) -> None:
    """A seed's row that holds such a character moves as a whole when another row is put first."""
    project = _project(tmp_path, "WH204", "bad")
    (path,) = project.rglob("seed_*.csv")
    before = path.read_text(encoding="utf-8")
    words = re.search(r"[A-Za-z]{4,}", before.split("\n", 1)[1])
    assert words is not None
    text = before.replace(words.group(), words.group()[:2] + separator + words.group()[2:])
    path.write_text(text, encoding="utf-8")
    (rewrite,) = rewrites_of_findings(project, _lint(project).findings)
    assert sorted(rewrite.after.split("\n")) == sorted(text.split("\n"))


def test_dates_are_moved_when_asked(tmp_path: Path) -> None:
    """A warning carries no fix; moving a seed's dates is a wish of its own, and leaves nothing to find."""
    project = _project(tmp_path, "WH203", "bad")
    layout = layout_of(load_settings(project))
    (finding,) = _lint(project).findings
    assert finding.fix is None
    for rewrite in date_rewrites(layout, now=NOW):
        write_rewrite(project, rewrite)
    assert _lint(project).findings == ()


def test_stale_dates_are_a_warning(tmp_path: Path) -> None:
    """Time alone never fails a build."""
    (finding,) = _lint(_project(tmp_path, "WH203", "bad")).findings
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("models/staging/stg_a__b.sql", "MODEL (name oso.x, kind FULL", "not closed"),
        ("models/staging/stg_a__b.sql", "MODEL (name 'oso", "cannot be read as SQL"),
        ("seeds/seed_a__b.csv", 'id\n"1', "cannot be read as CSV"),
        ("seeds/seed_a__b.csv", "id,name\n1\n", "has 1 cells where the header has 2"),
        ("seeds/seed_a__b.csv", "", "has no header"),
        ("seeds/seed_a__b.csv", b"id\n\xff\xfe\n", "cannot be read"),
        ("external_models.yaml", "- name: [", "is no YAML"),
    ],
)
def test_broken_file_is_a_finding(path: str, text: str | bytes, message: str, tmp_path: Path) -> None:
    """A file that cannot be read is one clear finding, never a traceback and never a pass."""
    shutil.copytree(CASES / "base", tmp_path / "p")
    target = tmp_path / "p" / "warehouse" / "oso_sqlmesh" / path
    target.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert [f.rule for f in _lint(tmp_path / "p").findings if message in f.message] == ["WH311"]


def test_missing_warehouse_is_an_error(tmp_path: Path) -> None:
    """A project without its SQLMesh folder could not be looked at."""
    shutil.copytree(CASES / "base", tmp_path / "p")
    shutil.rmtree(tmp_path / "p" / "warehouse" / "oso_sqlmesh")
    with pytest.raises(ScaffoldError, match="no SQLMesh project"):
        _lint(tmp_path / "p")


def test_the_projects_own_warehouse_keeps_every_rule() -> None:
    """The reference warehouse has no finding; the age of its dates is left out, since time alone fails no build."""
    result = lint_warehouse(layout_of(load_settings(ROOT)), now=datetime.now(UTC))
    assert [str(f.location) + f.message for f in result.findings if f.rule != "WH203"] == []
    assert len(result.files) > 50
