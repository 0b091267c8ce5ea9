"""The project is never touched, and the copy is always put back."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.drift.model import Edit, Mutation, Target
from dagster_playbook.drift.project_copy import applied, edited, project_copy
from dagster_playbook.settings import Settings


def _texts(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def _mutation(**parts: object) -> Mutation:
    return Mutation("any", Target.PAGE, "docs/other.md", 1, "a change", **parts)  # type: ignore[arg-type]


def test_edits_are_made_at_their_own_offsets() -> None:
    """Edits of one text do not shift each other."""
    edits = [Edit("a", 0, 1, "xyz"), Edit("a", 2, 3, "")]
    assert edited("abc", edits) == "xyzb"


@pytest.mark.parametrize(
    "parts",
    [
        {"edits": (Edit("docs/other.md", 0, 1, "##"), Edit("Makefile", 0, 1, ""))},
        {"removed": ("catalogs/lake.properties",)},
        {"renamed": (("catalogs/lake.properties", "catalogs/pond.properties"),)},
    ],
    ids=["edit", "remove", "rename"],
)
def test_a_change_is_taken_back(small_project: Settings, parts: dict[str, object]) -> None:
    """After a change the copy is what it was before, and it was another one in between."""
    with project_copy(small_project) as copy:
        before = _texts(copy.root)
        with applied(copy.root, _mutation(**parts)):
            assert _texts(copy.root) != before
        assert _texts(copy.root) == before


def test_a_change_is_taken_back_after_a_failure(small_project: Settings) -> None:
    """An error while a change stands does not leave it there."""
    with project_copy(small_project) as copy:
        before = _texts(copy.root)
        with pytest.raises(RuntimeError), applied(copy.root, _mutation(edits=(Edit("docs/other.md", 0, 1, ""),))):
            raise RuntimeError
        assert _texts(copy.root) == before


def test_the_copy_leaves_out_what_tools_have_made(small_project: Settings) -> None:
    """Environments, caches and sites are not copied."""
    for name in (".venv/lib.py", ".git/HEAD", "site/index.html", "docs/__pycache__/x.pyc"):
        (small_project.root / name).parent.mkdir(parents=True, exist_ok=True)
        (small_project.root / name).write_text("", encoding="utf-8")
    with project_copy(small_project) as copy:
        copied = set(_texts(copy.root))
    assert not [name for name in copied if name.startswith((".venv", ".git/", "site")) or "__pycache__" in name]
