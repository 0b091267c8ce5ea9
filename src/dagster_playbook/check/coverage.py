"""How much of what pages state is held by something: a check, a test, a reason, or nothing."""

from __future__ import annotations

import enum
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from dagster_playbook.check import Checker
from dagster_playbook.check.pages import some_pages
from dagster_playbook.findings import Severity
from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Mark, Page
from dagster_playbook.markdown.statements import Form, Statement, statements_of
from dagster_playbook.markdown.tables import Table, tables_of
from dagster_playbook.rules.proofs import problem_of
from dagster_playbook.rules.world import World


class State(enum.StrEnum):
    """What holds a statement."""

    CHECKED = "checked"
    PROVEN = "proven"
    EXEMPT = "exempt"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Held:
    """A statement, what holds it, and in a few words by what, or what it lacks."""

    statement: Statement
    state: State
    why: str


@dataclass(frozen=True, slots=True)
class PageCoverage:
    """The statements of one page, in reading order."""

    path: str
    statements: tuple[Held, ...]

    def count(self, state: State) -> int:
        """How many statements are in that state."""
        return sum(held.state is state for held in self.statements)

    @property
    def share(self) -> float:
        """The share of statements that are not open, 1 for a page that states nothing."""
        return share_of([self])

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON: the counts, the share, and the open statements with their places."""
        counts = {str(state): self.count(state) for state in State}
        still_open = [
            {"line": held.statement.location.line, "column": held.statement.location.column,
             "form": str(held.statement.form), "text": held.statement.text, "why": held.why}
            for held in self.statements if held.state is State.OPEN
        ]  # fmt: skip
        return {
            "path": self.path,
            "statements": len(self.statements),
            **counts,
            "share": round(self.share, 4),
            "open_statements": still_open,
        }


def share_of(pages: Iterable[PageCoverage]) -> float:
    """The share of all statements of the pages that are not open."""
    counts = Counter(held.state is State.OPEN for page in pages for held in page.statements)
    total = counts.total()
    return 1.0 if not total else counts[False] / total


def coverage_of(checker: Checker, paths: Iterable[str] = ()) -> list[PageCoverage]:
    """The coverage of the asked pages, or of all pages of the settings.

    Raises:
        PlaybookError: there is no page, one does not exist, or an authority cannot be asked.
    """
    found = []
    for path in some_pages(checker.settings, paths):
        wrong = [f.location for f in checker.check_page(path).findings if f.severity is Severity.ERROR]
        found.append(_page(checker.read(path), wrong, checker.world))
    checker.save()
    return found


def _page(page: Page, wrong: list[Location], world: World) -> PageCoverage:
    statements = sorted(statements_of(page), key=lambda item: _start(item.location))
    proofs = _marks_of(page, statements)
    tests = dict(_tested_rows(page))
    held = []
    for position, statement in enumerate(statements):
        state, why = _held_by_marks(proofs.get(position, []), world)
        if state is State.OPEN and statement.form is Form.ROW and statement.location.line in tests:
            named = [Mark(tests[statement.location.line], "", statement.location, 0, 0, is_block=False)]
            state, why = _held_by_marks(named, world)
        if state is State.OPEN and not why:
            state, why = _held_by_check(statement, page, wrong, world)
        held.append(Held(statement, state, why))
    return PageCoverage(page.path, tuple(held))


def _start(place: Location) -> tuple[int, int]:
    return place.line, place.column


def _marks_of(page: Page, statements: list[Statement]) -> dict[int, list[Mark]]:
    """The marks of each statement, by its position."""
    starts = [_start(statement.location) for statement in statements]
    found: dict[int, list[Mark]] = {}
    for mark in page.marks:
        if mark.location.path != page.path:
            continue
        if mark.is_block:
            covered = [at for at, (line, _) in enumerate(starts) if mark.first_line <= line <= mark.last_line]
        else:
            at = bisect_right(starts, _start(mark.location)) - 1
            covered = [at] if at >= 0 and mark.location.line - statements[at].location.end_line <= 1 else []
        for at in covered:
            found.setdefault(at, []).append(mark)
    return found


def _held_by_marks(marks: list[Mark], world: World) -> tuple[State, str]:
    if not marks:
        return State.OPEN, ""
    tests = [test for mark in marks for test in mark.tests]
    problem = next((told for test in tests if (told := problem_of(test, world))), "")
    if problem:
        return State.OPEN, problem
    return (State.PROVEN, ", ".join(tests)) if tests else (State.EXEMPT, marks[0].reason)


def _tested_rows(page: Page) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Lines of rows to the tests that their column `Proven in` names."""
    for table in tables_of(page):
        column = _proving_column(table)
        for row in table.rows:
            if 0 <= column < len(row) and (tests := tuple(re.findall(r"`([^`]+)`", row[column].text))):
                yield row[0].location.line, tests


def _proving_column(table: Table) -> int:
    heads = [cell.text.strip("`* ").lower() for cell in table.header]
    return next((at for at, head in enumerate(heads) if head in ("proven in", "proven by", "test", "proof")), -1)


def _held_by_check(statement: Statement, page: Page, wrong: list[Location], world: World) -> tuple[State, str]:
    place = statement.location
    for suppression in page.suppressions:
        if suppression.reason and suppression.first_line <= place.line <= suppression.last_line:
            return State.EXEMPT, suppression.reason
    if any(_within(each, place) for each in wrong):
        return State.OPEN, "the check has something against it"
    if statement.form is Form.FIGURE:
        if statement.text and any(fence.location == place for fence in page.fences):
            return State.CHECKED, "the names in the diagram"
        return State.OPEN, "nobody has said what the image shows"
    bound = [binding.location for binding in page.bindings if _within(binding.location, place)]
    spans = [span for span in page.spans if _within(span.location, place)]
    named = [span for span in spans if span.text not in world.conventions.words]
    if number := _loose_number(statement, page, bound):
        return State.OPEN, f"{number} is bound to no fact"
    if bound or named:
        return State.CHECKED, f"{len(bound)} bound facts, {len(named)} names"
    if spans:
        return State.EXEMPT, "; ".join(world.conventions.words[span.text] for span in spans)
    return State.OPEN, "no name, fact or test holds it"


def _within(inner: Location, outer: Location) -> bool:
    return (
        inner.path == outer.path
        and _start(outer) <= _start(inner)
        and (inner.line, inner.column) < (outer.end_line, outer.end_column)
    )


def _loose_number(statement: Statement, page: Page, bound: list[Location]) -> str:
    """The first number of a statement that stands neither in code, in a link's target nor in a bound fact."""
    lines = page.text.split("\n")[statement.location.line - 1 : statement.location.end_line]
    for place in bound:
        at = place.line - statement.location.line
        if place.end_line == place.line and 0 <= at < len(lines):
            text = lines[at]
            lines[at] = (
                text[: place.column - 1] + " " * (place.end_column - place.column) + text[place.end_column - 1 :]
            )
    start, end = statement.location.column - 1, statement.location.end_column - 1
    lines[-1] = lines[-1][:end]
    lines[0] = " " * start + lines[0][start:]
    bare = re.sub(r"<!--.*?-->|`+[^`]*`+|\]\([^)]*\)|https?://\S+", " ", "\n".join(lines), flags=re.DOTALL)
    found = re.search(r"(?<![\w.-])\d[\d.,]*\d*(?:\s?%)?(?![\w-])", bare)
    return found.group().strip(".,") if found else ""
