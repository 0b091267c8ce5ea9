"""Several files are written or none, and nothing is overwritten without being asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.errors import ScaffoldError
from dagster_playbook.scaffold import files


def _tree(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() if p.is_file() else b"" for p in root.rglob("*")}


def test_all_files_are_written(tmp_path: Path) -> None:
    """Every file is there afterwards, in folders that were made for it, and nothing else."""
    changes = [files.change(tmp_path, path, path) for path in ("a.txt", "deep/er/b.txt")]
    assert files.write(tmp_path, changes) == ["a.txt", "deep/er/b.txt"]
    assert sorted(_tree(tmp_path)) == ["a.txt", "deep", "deep/er", "deep/er/b.txt"]


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    """One file that would be lost keeps all of them from being written."""
    (tmp_path / "b.txt").write_text("mine", encoding="utf-8")
    changes = [files.change(tmp_path, "a.txt", "new"), files.change(tmp_path, "b.txt", "new")]
    with pytest.raises(ScaffoldError, match=r"b\.txt would be overwritten"):
        files.write(tmp_path, changes)
    assert _tree(tmp_path) == {"b.txt": b"mine"}


def test_overwriting_can_be_asked_for(tmp_path: Path) -> None:
    """With overwrite the new text stands there."""
    (tmp_path / "b.txt").write_text("mine", encoding="utf-8")
    files.write(tmp_path, [files.change(tmp_path, "b.txt", "new")], overwrite=True)
    assert (tmp_path / "b.txt").read_text(encoding="utf-8") == "new"


def test_a_file_in_the_way_of_a_folder_writes_nothing(tmp_path: Path) -> None:
    """When one file cannot be written, those before it are not there either."""
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    before = _tree(tmp_path)
    changes = [files.Change("new/a.txt", "x"), files.Change("taken/b.txt", "x")]
    with pytest.raises(ScaffoldError, match="nothing was written"):
        files.write(tmp_path, changes)
    assert _tree(tmp_path) == before


def test_a_rename_that_fails_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that refuses halfway leaves every file as it was."""
    (tmp_path / "a.txt").write_text("old", encoding="utf-8")
    before, replace = _tree(tmp_path), Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if target.name == "b.txt":
            raise OSError(28, "No space left on device", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    changes = [files.change(tmp_path, "a.txt", "new", is_edit=True), files.change(tmp_path, "b.txt", "new")]
    with pytest.raises(ScaffoldError, match="No space left"):
        files.write(tmp_path, changes)
    assert _tree(tmp_path) == before


def test_no_path_leads_out_of_the_project(tmp_path: Path) -> None:
    """A path above the project is refused."""
    with pytest.raises(ScaffoldError, match="leads out"):
        files.change(tmp_path, "../x", "")


def test_diff_shows_new_and_changed_files(tmp_path: Path) -> None:
    """The diff has the new lines of each file and says which files are new."""
    (tmp_path / "a.txt").write_text("one\n", encoding="utf-8")
    shown = files.diff([files.change(tmp_path, "a.txt", "one\ntwo\n"), files.change(tmp_path, "b.txt", "b\n")])
    assert "+two" in shown and "--- /dev/null\n+++ b/b.txt" in shown
