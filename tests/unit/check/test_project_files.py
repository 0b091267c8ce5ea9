"""What a verdict rests on is recorded, and told apart when it changes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dagster_playbook.check.files import ProjectFiles


def files(root: Path) -> ProjectFiles:
    return ProjectFiles(root, lambda path: frozenset((root / path).read_text(encoding="utf-8").split()))


def test_a_question_is_recorded_with_its_answer(tmp_path: Path) -> None:
    """Everything that was asked since the start is what the verdict rests on."""
    (tmp_path / "a.md").write_text("x", encoding="utf-8")
    project = files(tmp_path)
    project.exists("before.md")
    project.start()
    assert project.exists("a.md")
    assert not project.exists("b.md")
    assert project.anchors("a.md") == {"x"}
    assert project.anchors("b.md") is None
    assert [(question, path) for question, path, _ in project.asked()] == [
        ("anchors", "a.md"),
        ("anchors", "b.md"),
        ("exists", "a.md"),
        ("exists", "b.md"),
    ]


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/dev/zero"), os.mkfifo], ids=["device", "pipe"])
def test_what_has_no_end_is_no_text(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A link in the project to a device, or a pipe, would be read for ever."""
    make(tmp_path / "a.md")
    project = files(tmp_path)
    assert (project.text("a.md"), project.digest("a.md")) == (None, "")


@pytest.mark.parametrize("change", ["made", "removed", "edited"])
def test_a_changed_answer_does_not_hold(tmp_path: Path, change: str) -> None:
    """A file that appears, goes or changes makes the verdict old."""
    (tmp_path / "a.md").write_text("x", encoding="utf-8")
    project = files(tmp_path)
    project.exists("a.md")
    project.exists("b.md")
    project.anchors("a.md")
    rests_on = project.asked()
    assert all(files(tmp_path).still_holds(item) for item in rests_on)
    if change == "made":
        (tmp_path / "b.md").touch()
    elif change == "removed":
        (tmp_path / "a.md").unlink()
    else:
        (tmp_path / "a.md").write_text("y", encoding="utf-8")
    assert not all(files(tmp_path).still_holds(item) for item in rests_on)


def test_an_edit_that_leaves_the_anchors_holds(tmp_path: Path) -> None:
    """A page that links to another rests on its anchors, not on its words."""
    (tmp_path / "a.md").write_text("x y", encoding="utf-8")
    project = files(tmp_path)
    project.anchors("a.md")
    rests_on = project.asked()
    (tmp_path / "a.md").write_text("y  x", encoding="utf-8")
    assert all(files(tmp_path).still_holds(item) for item in rests_on)


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside.md", "docs/../../outside.md", "nul\0byte"])
def test_nothing_outside_of_the_project_exists(tmp_path: Path, path: str) -> None:
    """A page cannot make the check look at files of the machine."""
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "outside.md").write_text("secret", encoding="utf-8")
    project = files(root)
    assert not project.exists(path)
    assert project.text(path) is None
