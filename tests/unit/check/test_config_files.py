"""Run config that stands in a file of its own, or on stdin, gets the verdict of a block on a page."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from dagster_playbook.check import Checker, page_check
from dagster_playbook.check.config_files import check_file, split
from dagster_playbook.check.page_limit import PageLimitError
from dagster_playbook.errors import PlaybookError
from dagster_playbook.markdown.reader import MAX_BYTES

WRONG = """\
ops:
  sqlmesh_project:
    config:
      restate_models:
        - oso.projcts_v1
"""


def _codes(checker: Checker, name: str, job: str = "") -> list[tuple[str, int, str]]:
    verdict = check_file(checker.settings.root, name, checker.world, seconds=60, job=job)
    return [(f.location.path, f.location.line, f.rule) for f in verdict.findings]


@pytest.mark.parametrize("name", ["config.yaml", "config.yml"])
def test_file_elsewhere_is_held_like_a_block(name: str, checker: Checker, tmp_path: Path) -> None:
    """A file outside the project is taken, and its findings name it as it was asked for."""
    (tmp_path / name).write_text(WRONG, encoding="utf-8")
    assert _codes(checker, str(tmp_path / name)) == [(str(tmp_path / name), 5, "SM201")]


def test_json_is_run_config_too(checker: Checker, tmp_path: Path) -> None:
    """What the launchpad takes as JSON is held the same."""
    (tmp_path / "c.json").write_text('{"ops": {"sqlmesh_project": {"config": {"skip_test": true}}}}', encoding="utf-8")
    assert [code for *_, code in _codes(checker, str(tmp_path / "c.json"))] == ["DG101"]


def test_stdin_is_read(checker: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash is standard input."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(WRONG.encode())))
    assert _codes(checker, "-") == [("stdin", 5, "SM201")]


def test_job_says_whose_config_it_is(checker: Checker, tmp_path: Path) -> None:
    """An op that the named job does not run is told; a job that nobody has as well."""
    file = tmp_path / "c.yaml"
    file.write_text("ops:\n  sqlmesh_project:\n    config:\n      skip_tests: true\n", encoding="utf-8")
    assert _codes(checker, str(file), "sqlmesh_all_assets") == []
    assert [code for *_, code in _codes(checker, str(file), "no_such_job")] == ["DG104"]


def test_yaml_of_nothing_known_is_told(checker: Checker, tmp_path: Path) -> None:
    """A file whose keys no config has is not found right."""
    (tmp_path / "c.yaml").write_text("anything: 1\n", encoding="utf-8")
    assert [code for *_, code in _codes(checker, str(tmp_path / "c.yaml"))] == ["PB001"]


def test_page_elsewhere_is_taken(checker: Checker, tmp_path: Path) -> None:
    """A Markdown page that lies outside the project is read where it is."""
    (tmp_path / "p.md").write_text("# P\n\n```sh\nsqlmesh pla\n```\n", encoding="utf-8")
    assert _codes(checker, str(tmp_path / "p.md")) == [(str(tmp_path / "p.md"), 4, "SH603")]


@pytest.mark.parametrize(("text", "told"), [(b"", "is empty"), (b" \n\n", "is empty"), (b"\xff\xfe", "is not UTF-8")])
def test_file_without_text_is_no_pass(text: bytes, told: str, checker: Checker, tmp_path: Path) -> None:
    """Nothing to read is an error, never a clean verdict."""
    (tmp_path / "c.yaml").write_bytes(text)
    with pytest.raises(PlaybookError, match=told):
        check_file(checker.settings.root, str(tmp_path / "c.yaml"), checker.world, seconds=60)


def test_input_without_end_is_refused(checker: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is read of standard input than of a page, and what is larger is an error."""
    asked: list[int] = []

    def endless(size: int) -> bytes:
        asked.append(size)
        return b"a" * size

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=SimpleNamespace(read=endless)))
    with pytest.raises(PlaybookError, match="is larger than 8,388,608 bytes"):
        check_file(checker.settings.root, "-", checker.world, seconds=60)
    assert asked == [MAX_BYTES + 1]


@pytest.mark.parametrize(("raised", "code"), [(PageLimitError(), "PB024"), (RuntimeError("x"), "PB023")])
def test_a_file_that_cannot_be_judged_is_a_finding(
    raised: BaseException, code: str, checker: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes wrong with a file is told at its head, as of a page, and never a traceback."""

    def fails(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(page_check, "check_page", fails)
    file = tmp_path / "c.yaml"
    file.write_text(WRONG, encoding="utf-8")
    assert _codes(checker, str(file)) == [(str(file), 1, code)]


def test_other_files_are_refused(tmp_path: Path) -> None:
    """A file that is neither page nor config is refused by name; the rest passes on."""
    (tmp_path / "x.py").touch()
    (tmp_path / "x.md").touch()
    with pytest.raises(PlaybookError, match=r"x\.py holds nothing that is checked"):
        split(tmp_path, [str(tmp_path / "x.py")])
    there = [str(tmp_path / "x.md"), str(tmp_path), "nowhere.md"]
    assert split(tmp_path, [*there, "-"]) == (there, ["-"])
