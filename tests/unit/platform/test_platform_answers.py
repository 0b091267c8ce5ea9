"""An answer is asked for once, kept on disk, and never believed for another platform."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dagster_playbook.errors import PlatformError
from dagster_playbook.facts.authority import Authority, ModelAnswer, SelectorAnswer, TextAnswer, TextProblem
from dagster_playbook.platform.answers import CachedAuthority


@dataclass
class Recorded:
    """An authority that counts what it is asked; it stands in for processes that take seconds to start."""

    made: int = 0
    asked: list[str] = field(default_factory=list)

    def __call__(self) -> Authority:
        self.made += 1
        return self

    def select(self, entry: str) -> SelectorAnswer:
        self.asked.append(entry)
        if entry == "unreachable":
            raise PlatformError("cannot be asked")
        return SelectorAnswer(entry, ("a", "b"), "")

    def load_model(self, text: str) -> ModelAnswer:
        self.asked.append(text)
        return ModelAnswer((TextProblem("m", 1, 2, "s"),), "n", "FULL", ("t",), ("c",), ("d",))

    def sqlmesh_config(self, text: str) -> TextAnswer:
        self.asked.append(text)
        return TextAnswer((TextProblem("sqlmesh"),))

    def dagster_instance(self, text: str) -> TextAnswer:
        self.asked.append(text)
        return TextAnswer()

    def python_names(self, text: str) -> TextAnswer:
        self.asked.append(text)
        return TextAnswer((TextProblem("python", 3),))


def _ask_all(authority: Authority) -> list[object]:
    return [
        authority.select("x"),
        authority.load_model("x"),
        authority.sqlmesh_config("x"),
        authority.dagster_instance("x"),
        authority.python_names("x"),
    ]


def test_a_second_process_asks_nobody(tmp_path: Path) -> None:
    """All kinds of answers come back equal, and the live authority is not even made."""
    first, second = Recorded(), Recorded()
    with CachedAuthority(first, tmp_path, "f") as authority:
        told = _ask_all(authority)
    assert _ask_all(CachedAuthority(second, tmp_path, "f")) == told
    assert (first.made, len(first.asked), second.made) == (1, 5, 0)


def test_the_same_question_is_asked_once_in_a_process(tmp_path: Path) -> None:
    """Even before anything is saved."""
    live = Recorded()
    authority = CachedAuthority(live, tmp_path, "f")
    assert authority.select("x") == authority.select("x")
    assert live.asked == ["x"]


def test_the_same_text_to_another_question_is_another_question(tmp_path: Path) -> None:
    """What SQLMesh says of a text is not what Dagster says of it."""
    authority = CachedAuthority(Recorded(), tmp_path, "f")
    assert authority.sqlmesh_config("x") != authority.dagster_instance("x")


def test_another_platform_is_asked_anew(tmp_path: Path) -> None:
    """An answer holds for its fingerprint alone."""
    live = Recorded()
    for fingerprint in ("f", "g"):
        with CachedAuthority(live, tmp_path, fingerprint) as authority:
            authority.select("x")
    assert live.asked == ["x", "x"]


def test_a_refusal_is_not_remembered(tmp_path: Path) -> None:
    """An authority that could not be reached may be reached the next time."""
    live = Recorded()
    for _ in range(2):
        with CachedAuthority(live, tmp_path, "f") as authority, pytest.raises(PlatformError):
            authority.select("unreachable")
    assert live.asked == ["unreachable", "unreachable"]


def test_two_processes_keep_each_other_s_answers(tmp_path: Path) -> None:
    """The one that saves last does not drop what the other has learnt meanwhile."""
    first, second = (CachedAuthority(Recorded(), tmp_path, "f") for _ in range(2))
    first.select("x")
    second.select("y")
    first.save()
    second.save()
    live = Recorded()
    authority = CachedAuthority(live, tmp_path, "f")
    authority.select("x")
    authority.select("y")
    assert live.asked == []


def test_a_damaged_cache_is_asked_over(tmp_path: Path) -> None:
    """Half a file is no answer."""
    live = Recorded()
    for _ in range(2):
        with CachedAuthority(live, tmp_path, "f") as authority:
            authority.select("x")
        for path in tmp_path.iterdir():
            path.write_bytes(path.read_bytes()[:-5])
    assert live.asked == ["x", "x"]


def test_a_text_that_is_no_unicode_can_be_asked_about(tmp_path: Path) -> None:
    """A lone surrogate in a page is the page's problem, not the cache's."""
    with CachedAuthority(Recorded(), tmp_path, "f") as authority:
        assert authority.select("\ud800").models == ("a", "b")
