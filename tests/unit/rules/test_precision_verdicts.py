"""What was found on documentation of others, judged by hand: the file is sound, and what it says is on the site."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from dagster_playbook.rules import RULES

ROOT = Path(__file__).parents[3]
COLUMNS = ["repository", "commit", "path", "line", "rule", "verdict", "reason"]
ENOUGH = 0.6


@pytest.fixture(scope="module")
def verdicts() -> list[dict[str, str]]:
    """The rows of the file, each a finding of severity error."""
    with (ROOT / "tests" / "data" / "precision" / "verdicts.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        assert reader.fieldnames == COLUMNS
        return list(reader)


def _table(heading: str) -> dict[str, tuple[int, int]]:
    """Errors and true ones by the first column of the table below a heading of the page."""
    page = (ROOT / "docs" / "reference" / "precision.md").read_text(encoding="utf-8")
    section = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `?([^|`]+?)`? \| (\d+) \| (\d+) \| ", section, re.MULTILINE)
    return {name: (int(errors), int(true)) for name, errors, true in rows}


def _counts(verdicts: list[dict[str, str]], column: str) -> dict[str, tuple[int, int]]:
    errors = Counter(row[column] for row in verdicts)
    true = Counter(row[column] for row in verdicts if row["verdict"] == "true")
    return {name: (count, true[name]) for name, count in errors.items()}


def test_every_verdict_is_well_formed(verdicts: list[dict[str, str]]) -> None:
    """A verdict names a commit, a page and a line, is true or false, and says why."""
    for row in verdicts:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", row["repository"])
        assert re.fullmatch(r"[0-9a-f]{40}", row["commit"])
        assert row["path"].endswith((".md", ".mdx"))
        assert int(row["line"]) >= 1
        assert row["verdict"] in ("true", "false")
        assert len(row["reason"]) > 15


def test_every_judged_rule_exists(verdicts: list[dict[str, str]]) -> None:
    """A rule that was judged is a rule of the checker."""
    assert {row["rule"] for row in verdicts} <= RULES.keys()


def test_most_errors_on_documentation_of_others_are_true(verdicts: list[dict[str, str]]) -> None:
    """At least six in ten errors are true, over everything that was judged."""
    true = sum(row["verdict"] == "true" for row in verdicts)
    assert true / len(verdicts) >= ENOUGH


@pytest.mark.parametrize(("heading", "column"), [("By project", "repository"), ("By rule", "rule")])
def test_the_page_gives_the_counts_of_the_file(verdicts: list[dict[str, str]], heading: str, column: str) -> None:
    """The tables on the page say what the file says, project by project and rule by rule, and add up to its size."""
    table = _table(heading)
    found = {name: counts for name, counts in table.items() if name != "Together"}
    assert {name: counts for name, counts in found.items() if counts[0]} == _counts(verdicts, column)
    assert table["Together"] == tuple(map(sum, zip(*found.values(), strict=True)))
    assert table["Together"][0] == len(verdicts)
