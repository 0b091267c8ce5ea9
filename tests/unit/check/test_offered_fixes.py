"""Which fixes are offered: those that were tried, cured what they are for, and brought nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dagster_playbook.check.edits import Rewrite
from dagster_playbook.check.fixes import MAX_ROUNDS, MAX_TRIED, fix_until_stable, offered
from dagster_playbook.findings import Finding, Fix, Severity
from dagster_playbook.location import Location


@dataclass
class Words:
    """A trial on texts of words: each of the wrong words is a finding of its own file."""

    texts: dict[str, str]
    wrong: dict[str, str]
    #: words that are only wrong beside another one
    clashing: tuple[str, str] = ("", "")
    severities: dict[str, Severity] = field(default_factory=dict)
    judged: int = 0

    def text(self, path: str) -> str | None:
        return self.texts.get(path)

    def counts_bom(self, path: str) -> bool:
        return False

    def judge(self, changed: Mapping[str, str]) -> Sequence[Finding]:
        self.judged += 1
        texts = self.texts | changed
        return [found for path, text in texts.items() for found in self.findings(path, text)]

    def findings(self, path: str, text: str) -> list[Finding]:
        words = text.split(" ")
        clashing = self.clashing[0] if self.clashing[1] in words else ""
        return [self.finding(path, text, word) for word in words if word and (word in self.wrong or word == clashing)]

    def finding(self, path: str, text: str, word: str) -> Finding:
        column = text.index(word) + 1
        place = Location(path, 1, column, 1, column + len(word))
        fix = Fix(place, word, self.wrong[word]) if self.wrong.get(word) else None
        severity = self.severities.get(word, Severity.ERROR)
        return Finding(place, "DG104", "unknown-job", f"no {word}", severity=severity, fix=fix)

    def all(self) -> list[Finding]:
        return [found for path, text in self.texts.items() for found in self.findings(path, text)]


def told(trial: Words) -> dict[str, bool]:
    """Each finding's message, and whether it carries a fix after all was tried."""
    return {found.message: found.fix is not None for found in offered(trial.all(), trial)}


def test_a_finding_that_goes_as_well_does_not_pay_for_one_that_comes() -> None:
    """As few findings as were promised are not enough when one of them is new."""
    trial = Words({"a.md": "left jobx"}, {"jobx": "jobz", "jobz": ""}, clashing=("left", "jobx"))
    assert told(trial) == {"no left": False, "no jobx": False}


def test_a_fix_that_cures_is_offered() -> None:
    """The finding keeps its fix, and one without a fix stays as it is."""
    trial = Words({"a.md": "jobx and fast"}, {"jobx": "joby", "fast": ""})
    assert told(trial) == {"no jobx": True, "no fast": False}


def test_a_fix_that_leaves_its_finding_is_not_offered() -> None:
    """What is put there is as wrong as what stood there."""
    assert told(Words({"a.md": "jobx"}, {"jobx": "jobx jobx"})) == {"no jobx": False}


def test_a_fix_that_brings_another_finding_is_not_offered() -> None:
    """A wrong word for a wrong word is no cure."""
    assert told(Words({"a.md": "jobx"}, {"jobx": "jobz", "jobz": ""})) == {"no jobx": False}


def test_a_cure_of_one_does_not_pay_for_another() -> None:
    """Two findings with other texts are two: as many after as before is not enough."""
    assert told(Words({"a.md": "jobx jobz"}, {"jobx": "jobz", "jobz": ""})) == {"no jobx": False, "no jobz": False}


def test_a_finding_of_another_file_counts() -> None:
    """What a fix breaks elsewhere is held against it."""
    trial = Words({"a.md": "jobx", "b.md": "jobw"}, {"jobx": "joby", "jobw": "jobz", "jobz": ""})
    assert told(trial) == {"no jobx": True, "no jobw": False}


def test_a_file_that_cannot_be_read_has_no_fix() -> None:
    """Nothing is offered for what nobody could try."""
    trial = Words({"a.md": "jobx"}, {"jobx": "joby"})
    findings = trial.all()
    trial.texts.clear()
    assert [found.fix for found in offered(findings, trial)] == [None]
    assert trial.judged == 0


def test_a_fix_whose_place_is_gone_is_not_offered() -> None:
    """The text has changed since it was read."""
    trial = Words({"a.md": "jobx"}, {"jobx": "joby"})
    findings = trial.all()
    trial.texts["a.md"] = "other"
    assert [found.fix for found in offered(findings, trial)] == [None]
    assert trial.judged == 0


def test_fixes_that_only_hold_alone_are_offered_one_at_a_time() -> None:
    """Together they would bring a finding; the first is offered, and the other waits until it is written."""
    trial = Words({"a.md": "jobx jobw"}, {"jobx": "joby", "jobw": "jobv"}, clashing=("joby", "jobv"))
    assert told(trial) == {"no jobx": True, "no jobw": False}


def test_fixes_that_hold_together_are_all_offered() -> None:
    """Each by itself, and then all of them at once, also over several files."""
    trial = Words({"a.md": "jobx jobw", "b.md": "jobx"}, {"jobx": "joby", "jobw": "jobv"})
    assert [found.fix is not None for found in offered(trial.all(), trial)] == [True, True, True]
    assert trial.judged == 4


def test_one_fix_is_tried_once() -> None:
    """Alone it need not be tried together with itself; the same fix of two findings is one."""
    trial = Words({"a.md": "jobx"}, {"jobx": "joby"})
    assert len(offered([*trial.all(), *trial.all()], trial)) == 2
    assert trial.judged == 1


def test_only_so_many_are_tried() -> None:
    """The others carry no fix until these are written; by default it is twenty."""
    assert MAX_TRIED == 20
    words = {f"job{chr(97 + n)}x": f"fine{chr(97 + n)}" for n in range(3)}
    trial = Words({"a.md": " ".join(words)}, words)
    assert [found.fix is not None for found in offered(trial.all(), trial, 2)] == [True, True, False]


def test_a_doubt_after_the_fix_is_a_finding_too() -> None:
    """A warning in the place of an error is not the same finding, and so is not forgiven."""
    trial = Words({"a.md": "jobx"}, {"jobx": "jobz", "jobz": ""}, severities={"jobz": Severity.WARNING})
    assert told(trial) == {"no jobx": False}


@dataclass
class Rounds:
    """Looks that find something to write until they have been written so many times."""

    root: Path
    left: int
    looked: int = 0
    forgot: int = 0

    def look(self) -> int:
        self.looked += 1
        return self.left

    def rewrites(self, left: int) -> list[Rewrite]:
        if not left:
            return []
        self.left -= 1
        return [Rewrite("a.md", "", f"text {left}", 2), Rewrite("b.md", "", f"text {left}", 1)]

    def forget(self) -> None:
        self.forgot += 1


def rounds(tmp_path: Path, left: int) -> Rounds:
    for name in ("a.md", "b.md"):
        (tmp_path / name).touch()
    return Rounds(tmp_path, left)


@pytest.mark.parametrize("left", [0, 1, 3])
def test_it_looks_again_until_nothing_is_left(tmp_path: Path, left: int) -> None:
    """Each round writes every file, forgets what was read, and counts its fixes; the last look is given back."""
    here = rounds(tmp_path, left)
    assert fix_until_stable(tmp_path, here.look, here.rewrites, here.forget) == (0, 3 * left)
    assert (here.looked, here.forgot) == (left + 1, left)
    assert (tmp_path / "b.md").read_text() == ("text 1" if left else "")


def test_a_circle_ends(tmp_path: Path) -> None:
    """Fixes that undo each other are written so many times and no more."""
    here = rounds(tmp_path, 1_000)
    assert fix_until_stable(tmp_path, here.look, here.rewrites, here.forget) == (1_000 - MAX_ROUNDS, 3 * MAX_ROUNDS)
    assert MAX_ROUNDS == 20
