"""What stood before a baseline was written is counted; what is new fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_playbook.check.baseline import FORMAT, VERSION, against, read_baseline, write_baseline
from dagster_playbook.check.result import CheckResult, PageSummary
from dagster_playbook.errors import PlaybookError
from dagster_playbook.findings import Finding, Severity
from dagster_playbook.location import Location


def finding(subject: str, line: int, page: str = "docs/a.md") -> Finding:
    return Finding(Location(page, line), "SM201", "unknown-model", "no model", subject, Severity.ERROR)


def result(*findings: Finding) -> CheckResult:
    pages = sorted({item.location.path for item in findings} | {"docs/a.md"})
    summaries = [
        PageSummary(page, (page,), 1, 1, 1, 0, tuple(f for f in findings if f.location.path == page)) for page in pages
    ]
    return CheckResult(tuple(summaries), (), "", {}, 0.0)


def test_a_finding_is_known_wherever_it_moves(tmp_path: Path) -> None:
    """Lines above it may come and go."""
    file = tmp_path / "baseline.json"
    assert write_baseline(file, [finding("a", 3)]) == 1
    new, held, gone = against(result(finding("a", 30)), read_baseline(file))
    assert (new.findings, held, gone) == ([], 1, 0)


def test_the_same_mistake_once_more_is_new(tmp_path: Path) -> None:
    """As many are known as there were."""
    file = tmp_path / "baseline.json"
    write_baseline(file, [finding("a", 3)])
    new, held, _ = against(result(finding("a", 3), finding("a", 9)), read_baseline(file))
    assert (len(new.findings), held, new.has_errors) == (1, 1, True)


def test_what_is_gone_is_counted_on_pages_that_were_looked_at(tmp_path: Path) -> None:
    """A check of one page says nothing of the others."""
    file = tmp_path / "baseline.json"
    write_baseline(file, [finding("a", 3), finding("b", 3, "docs/b.md")])
    assert against(result(), read_baseline(file))[2] == 1


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 50)), max_size=12, unique=True))
def test_nothing_is_new_against_one_s_own_baseline(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[str, int]]
) -> None:
    """Written and read again, a result has no finding left."""
    file = tmp_path_factory.mktemp("baseline") / "baseline.json"
    whole = result(*(finding(subject, line) for subject, line in made))
    write_baseline(file, whole.findings)
    new, held, gone = against(whole, read_baseline(file))
    assert (new.findings, held, gone) == ([], len(whole.findings), 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read"),
        ("{", "is no JSON"),
        ("[]", "is no baseline"),
        (json.dumps({"format": FORMAT, "version": VERSION + 1}), "has version 2"),
        (json.dumps({"format": FORMAT, "version": VERSION, "findings": [{"path": 1}]}), "no finding"),
        (
            json.dumps(
                {
                    "format": FORMAT,
                    "version": VERSION,
                    "findings": [{"path": "a", "rule": "b", "subject": "c", "count": 0}],
                }
            ),
            "no finding",
        ),
    ],
    ids=["missing", "damaged", "other", "later", "entry", "count"],
)
def test_a_file_that_is_no_baseline_is_one_error(tmp_path: Path, text: str | None, words: str) -> None:
    """Nothing passes because a file could not be read; the cure writes it."""
    file = tmp_path / "baseline.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(PlaybookError, match=words) as caught:
        read_baseline(file)
    assert "--update-baseline" in caught.value.cure


def test_a_page_whose_name_is_no_utf8_is_known_again(tmp_path: Path) -> None:
    """Its name is written so that it can be read."""
    file = tmp_path / "baseline.json"
    write_baseline(file, [finding("a", 3, "docs/\udce9.md")])
    assert against(result(finding("a", 3, "docs/\udce9.md")), read_baseline(file))[1] == 1
