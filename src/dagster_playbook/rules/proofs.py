"""FA: tests that a page names as its proof exist."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dagster_playbook.findings import Finding, Rule
from dagster_playbook.markdown.model import Page
from dagster_playbook.rules.world import World, did_you_mean

UNKNOWN_TEST = Rule("FA803", "unknown-test", "A sentence that is bound to a test which does not exist.")

RULES = (UNKNOWN_TEST,)

_DEFINED = r"^\s*(?:async\s+def|def|class)\s+({})\b"


def proof_findings(page: Page, world: World) -> Iterator[Finding]:
    """A finding for each proof of a page that names no test of the project."""
    for mark in page.marks:
        for test in mark.tests:
            if problem := problem_of(test, world):
                yield UNKNOWN_TEST.finding(mark.location, problem, subject=test, evidence="the project's tests")


def problem_of(test: str, world: World) -> str:
    """Why a test as pytest names it (`tests/a.py::test_b`) is none, "" when it is there."""
    path, *names = re.sub(r"\[.*", "", test).split("::")
    text = world.files.text(path)
    if text is None:
        return f"there is no file {path!r}, so it proves nothing"
    defined = re.findall(_DEFINED.format(r"\w+"), text, re.MULTILINE)
    missing = next((name for name in names if name not in defined), "")
    return f"{path} defines no {missing!r}{did_you_mean(missing, _tests(defined))}" if missing else ""


def _tests(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.lower().startswith("test")]
