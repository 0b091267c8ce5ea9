"""A page that cannot be read is one clear finding, whatever is wrong with it: never a traceback, never a pass."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from dagster_playbook.check import Checker
from dagster_playbook.errors import PlaybookError
from dagster_playbook.settings import Settings


@pytest.fixture
def elsewhere(tmp_path: Path, checker: Checker, project_settings: Settings) -> Checker:
    """A checker on an empty folder that shares the facts of the reference platform."""
    other = Checker(dataclasses.replace(project_settings, root=tmp_path, mkdocs=""), use_store=False)
    other.__dict__["facts"] = checker.facts
    return other


def codes(checker: Checker, path: str) -> list[str]:
    return [finding.rule for finding in checker.check_page(path).findings]


def test_text_that_is_not_utf_8(elsewhere: Checker, tmp_path: Path) -> None:
    """Bytes of another encoding make the page unreadable."""
    (tmp_path / "latin.md").write_bytes(b"# caf\xe9\n")
    assert codes(elsewhere, "latin.md") == ["PB003"]


def test_a_page_larger_than_any_reader_wants(elsewhere: Checker, tmp_path: Path) -> None:
    """A page of 10 MB is told, not read."""
    (tmp_path / "large.md").write_text("word " * 2_100_000, encoding="utf-8")
    assert codes(elsewhere, "large.md") == ["PB003"]


def test_an_unclosed_fence(elsewhere: Checker, tmp_path: Path) -> None:
    """A fence without its end is told at the line where it begins."""
    (tmp_path / "open.md").write_text("# Page\n\n```yaml\nops: {}\n", encoding="utf-8")
    found = elsewhere.check_page("open.md").findings
    assert [(f.rule, f.location.line) for f in found] == [("PB002", 3)]


def test_a_missing_include(elsewhere: Checker, tmp_path: Path) -> None:
    """An include of nothing is told where it is asked for."""
    (tmp_path / "page.md").write_text('# Page\n\n--8<-- "nowhere.md"\n', encoding="utf-8")
    found = elsewhere.check_page("page.md").findings
    assert [(f.rule, f.location.line) for f in found] == [("PB004", 3)]


def test_an_include_of_itself(elsewhere: Checker, tmp_path: Path) -> None:
    """A page that includes itself is told, and the reading ends."""
    (tmp_path / "page.md").write_text('# Page\n\n--8<-- "page.md"\n', encoding="utf-8")
    assert codes(elsewhere, "page.md") == ["PB005"]


def test_a_symlink_that_leads_to_itself(elsewhere: Checker, tmp_path: Path) -> None:
    """A page that is a loop of links cannot be read."""
    (tmp_path / "loop.md").symlink_to(tmp_path / "loop.md")
    assert codes(elsewhere, "loop.md") == ["PB003"]


def test_a_folder_that_links_to_itself_is_walked_once(elsewhere: Checker, tmp_path: Path) -> None:
    """A loop of folders ends where it began."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text("# Page\n", encoding="utf-8")
    (tmp_path / "docs" / "again").symlink_to(tmp_path / "docs")
    assert [page.path for page in elsewhere.check(["docs"]).pages] == ["docs/page.md"]


def test_a_page_that_is_not_there(elsewhere: Checker) -> None:
    """Asking for a page that does not exist is an error with the name, not an empty success."""
    with pytest.raises(PlaybookError, match=r"nowhere\.md"):
        elsewhere.check(["nowhere.md"])


def test_nothing_to_look_at_is_no_success(elsewhere: Checker, tmp_path: Path) -> None:
    """A project or folder without a page is an error: a check of nothing would be a pass."""
    (tmp_path / "docs").mkdir()
    for asked in ([], ["docs"]):
        with pytest.raises(PlaybookError, match="no Markdown page"):
            elsewhere.check(asked)


def test_a_folder_outside_of_the_project(elsewhere: Checker, project: Path) -> None:
    """The pages of another project are refused; a single file that is named is held to this one."""
    with pytest.raises(PlaybookError, match="outside"):
        elsewhere.check([str(project / "docs")])
    (page,) = elsewhere.check([str(project / "CHANGELOG.md")]).pages
    assert page.is_apart and page.path == str(project / "CHANGELOG.md")


def test_a_hostile_block_is_a_finding(elsewhere: Checker, tmp_path: Path) -> None:
    """An alias bomb, a tag that would run code and bottomless brackets are told, each once."""
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))
    blocks = [bomb, "a: !!python/object/apply:os.system [ls]\n", "[" * 5000 + "\n"]
    (tmp_path / "page.md").write_text("".join(f"```yaml\n{block}```\n\n" for block in blocks), encoding="utf-8")
    assert codes(elsewhere, "page.md").count("PB013") == 3
