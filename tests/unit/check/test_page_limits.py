"""What cannot be judged costs its claim, a page without end its page; time grows with what there is to read."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from dagster_playbook.check import Checker
from dagster_playbook.check.judging import judged_whole
from dagster_playbook.check.page_check import PageVerdict, check_page
from dagster_playbook.check.page_limit import PageLimitError, page_limit
from dagster_playbook.check.trial import PageReader, judge_page
from dagster_playbook.errors import PlatformError, UnjudgedError
from dagster_playbook.findings import Finding
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.rules.world import World


class Failing:
    """An authority that raises whatever it is given for each question about Python."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def python_names(self, text: str) -> Any:
        raise self._error


def _checked(text: str, world: World, folder: Path, **options: float) -> PageVerdict:
    (folder / "page.md").write_text(text, encoding="utf-8")
    return check_page(read_page(folder, "page.md"), world, **options)


def _told(verdict: PageVerdict) -> list[tuple[int, str]]:
    return [(finding.location.line, finding.rule) for finding in verdict.findings]


PYTHON_THEN_JSON = "# A\n\n```python\nimport os\n```\n\n```json\n{\n```\n"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UnjudgedError("no answer within 20 s"), "no answer within 20 s"),
        (SystemExit(3), "SystemExit: 3"),
        (RecursionError("deep"), "RecursionError: deep"),
        (MemoryError(), "MemoryError"),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_a_question_that_fails_costs_its_claim(
    checker: Checker, tmp_path: Path, error: BaseException, words: str
) -> None:
    """The block is told as not judged and not counted as checked; the next block is judged."""
    world = replace(checker.world, authority=Failing(error))
    verdict = _checked(PYTHON_THEN_JSON, world, tmp_path)
    assert _told(verdict) == [(3, "PB023"), (8, "PB017")]
    assert verdict.findings[0].message == f"this could not be judged: {words}"
    assert verdict.checked == 1


def test_a_platform_that_cannot_be_asked_is_no_finding(checker: Checker, tmp_path: Path) -> None:
    """That the project does not load is no verdict on any page."""
    world = replace(checker.world, authority=Failing(PlatformError("it does not load")))
    with pytest.raises(PlatformError, match="it does not load"):
        _checked(PYTHON_THEN_JSON, world, tmp_path)


def test_ctrl_c_is_no_finding(checker: Checker, tmp_path: Path) -> None:
    """Whoever stops the check gets no verdict."""
    with pytest.raises(KeyboardInterrupt):
        _checked(PYTHON_THEN_JSON, replace(checker.world, authority=Failing(KeyboardInterrupt())), tmp_path)


def test_failed_questions_do_not_take_more_time_than_a_page_has(checker: Checker, tmp_path: Path) -> None:
    """The rest of the page is told as one finding, which says how much of it was left."""
    world = replace(checker.world, authority=Failing(UnjudgedError("no answer")))
    verdict = _checked(PYTHON_THEN_JSON + PYTHON_THEN_JSON.replace("# A", ""), world, tmp_path, seconds=0.0000001)
    assert _told(verdict) == [(3, "PB023"), (7, "PB024")]
    assert verdict.findings[1].message.startswith("3 claims from here on could not be judged")


class Breaking(PageReader):
    """A reader that no page gets through."""

    def read(self, path: str, changed: Mapping[str, str]) -> Any:
        raise ValueError("half a page")


def test_a_page_that_breaks_its_reader_is_one_finding(checker: Checker, tmp_path: Path) -> None:
    """Whatever the reader raises, other pages are checked."""
    verdict = judge_page("a.md", checker.world, Breaking(tmp_path), seconds=10)
    assert [(f.rule, f.message) for f in verdict.findings] == [
        ("PB023", "the page could not be judged: ValueError: half a page")
    ]


def _for_ever() -> None:
    while True:
        pass


@pytest.mark.parametrize("swallowing", [False, True])
def test_a_page_without_end_is_one_finding(swallowing: bool) -> None:
    """It names the time and the setting; a rule that takes any exception for a mistake of the page does not hide it."""

    def swallow() -> None:
        try:
            _for_ever()
        except Exception:
            _for_ever()

    found = judged_whole("a.md", swallow if swallowing else _for_ever, 0.05)
    assert isinstance(found, Finding)
    assert (found.rule, found.message) == (
        "PB024",
        "the page takes more than 0.05 s to check; split it, or raise page_seconds",
    )


def test_the_limit_holds_in_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor's page is checked by a thread, which gets no signals."""
    monkeypatch.setattr("dagster_playbook.check.page_limit._CLOCK_FACTOR", 1)
    told: list[object] = []
    thread = threading.Thread(target=lambda: told.append(judged_whole("a.md", _for_ever, 0.05)))
    thread.start()
    thread.join(60)
    assert isinstance(told[0], Finding)
    assert told[0].rule == "PB024"


def test_waiting_does_not_count() -> None:
    """A platform that takes long to load is not the page's fault."""
    with page_limit(0.02):
        time.sleep(0.1)


def test_the_limit_is_gone_after_the_page() -> None:
    """Nothing is left that could end something else later."""
    before = signal.getsignal(signal.SIGVTALRM)
    with pytest.raises(PageLimitError), page_limit(0.01):
        _for_ever()
    assert (signal.getsignal(signal.SIGVTALRM), signal.getitimer(signal.ITIMER_VIRTUAL)[0]) == (before, 0.0)


def _calls(work: Callable[[], object]) -> int:
    """How many functions `work` calls: the same on every machine."""
    count = 0

    def seen(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


SHAPES: dict[str, Callable[[int], str]] = {
    "unknown names": lambda n: "".join(f"See `restate_{i}x`.\n\n" for i in range(n)),
    "one name again and again": lambda n: "`nope` " * n,
    "suppressions": lambda n: '<!-- playbook: ignore PB006 reason="x" -->\n`nope`\n\n' * n,
    "columns": lambda n: f"```sql\nSELECT {', '.join(f'c{i}' for i in range(n))} FROM oso.projects_v1\n```\n",
    "tables": lambda n: f"```sql\nSELECT 1 FROM {', '.join(f'oso.x{i}' for i in range(n))}\n```\n",
    "config": lambda n: "```yaml\nops:\n" + "".join(f"  op_{i}:\n    config: {{}}\n" for i in range(n)) + "```\n",
    "commands": lambda n: "```sh\n" + "sqlmesh plan --restate-model oso.projects_v1\n" * n + "```\n",
    "links": lambda n: "".join(f"[x](nope-{i}.md) [y](#nope-{i})\n\n" for i in range(n)),
    "tables of names": lambda n: "| a | b |\n|---|---|\n" + "| `a` | b |\n" * n,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_time_grows_with_the_page(checker: Checker, tmp_path: Path, shape: str) -> None:
    """Four times as much to judge takes about four times as many calls, not sixteen times."""
    make = SHAPES[shape]
    # what is imported or learnt at the first page counts for none
    _checked("# A\n\n" + make(3), checker.world, tmp_path)
    few, many = (_calls(lambda n=n: _checked("# A\n\n" + make(n), checker.world, tmp_path)) for n in (100, 400))
    assert many < 6 * few
