"""Makes mutations one at a time, checks the pages concerned, and says what became of each."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from dagster_playbook.check import Checker
from dagster_playbook.check.pages import find_pages
from dagster_playbook.drift.catalogue import Selection, select
from dagster_playbook.drift.ground import Ground, read_ground
from dagster_playbook.drift.model import Mutation, Outcome, Place, Reload, Row, Target
from dagster_playbook.drift.platform_commands import read_changed
from dagster_playbook.drift.project_copy import applied, project_copy
from dagster_playbook.drift.report import DriftReport
from dagster_playbook.errors import PlatformError
from dagster_playbook.facts.facts import Facts
from dagster_playbook.findings import Finding, Severity
from dagster_playbook.settings import Settings


@dataclass(frozen=True, slots=True)
class DriftPlan:
    """What is asked: which pages, which kinds (all when empty), how many mutations, by which seed."""

    seed: int = 1
    count: int = 300
    paths: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


@dataclass(slots=True)
class Progress:
    """Who is told: `on_start` how many mutations there are, `on_row` each as it is done, `on_work` what takes time."""

    on_start: Callable[[int], None] = field(default=lambda count: None)
    on_row: Callable[[Row], None] = field(default=lambda row: None)
    on_work: Callable[[str], None] = field(default=lambda work: None)


def run_drift(settings: Settings, plan: DriftPlan, progress: Progress | None = None) -> DriftReport:
    """Mutate a copy of the project and check it; an interrupt ends it with what was done so far.

    Raises:
        PlaybookError: the project cannot be checked as it is.
    """
    progress = progress or Progress()
    pages = find_pages(settings, plan.paths)
    start = time.perf_counter()
    rows: list[Row] = []
    selection = Selection((), 0)
    interrupted = False
    with project_copy(settings) as copy:
        try:
            progress.on_work("checking the project as it is")
            bench = Bench.stand_ready(copy, pages, settings)
            selection = select(bench.ground, plan.seed, plan.count, plan.kinds)
            progress.on_start(len(selection.mutations))
            for mutation in selection.mutations:
                rows.append(bench.row(mutation))
                progress.on_row(rows[-1])
        except KeyboardInterrupt:
            interrupted = True
    return DriftReport(
        plan.seed, plan.count, tuple(rows), selection.unmentioned, interrupted, time.perf_counter() - start
    )


@dataclass(eq=False)
class Bench:
    """The copy with its ground and what the check has against it before any change."""

    settings: Settings
    checker: Checker
    ground: Ground
    before: dict[str, Counter[str]]

    @classmethod
    def stand_ready(cls, copy: Settings, pages: Sequence[str], original: Settings) -> Bench:
        """Check every page of the copy as it is, and read them."""
        checker = Checker(copy, use_store=False)
        found = {page: list(checker.check_page(page).findings) for page in pages}
        checker.save()
        ground = read_ground(copy.root, copy, checker.facts, found)
        ground.origin = original.root
        return cls(copy, checker, ground, {page: Counter(map(_same, against)) for page, against in found.items()})

    def row(self, mutation: Mutation) -> Row:
        """Make one change, check, take it back."""
        start = time.perf_counter()
        row = Row(
            mutation.kind,
            mutation.target,
            mutation.pages[0] if mutation.pages else "",
            mutation.path,
            mutation.line,
            mutation.what,
            Outcome.EQUIVALENT,
        )
        with applied(self.settings.root, mutation):
            try:
                checker = self._checker(mutation)
                wrong = (*mutation.wrong, *self._changed_bindings(checker.facts))
                pages = dict.fromkeys((*mutation.pages, *self.ground.pages_of(wrong)))
                new = [finding for page in pages for finding in self._new(checker, page)]
            except PlatformError as error:
                row = replace(row, outcome=Outcome.STILLBORN, note=error.message)
            else:
                row = _judged(row, mutation, tuple(dict.fromkeys(wrong)), new)
        return replace(row, duration_s=time.perf_counter() - start)

    def _checker(self, mutation: Mutation) -> Checker:
        """The checker that sees the changed project."""
        if mutation.reload is Reload.NOTHING:
            self.checker.forget_files()
            return self.checker
        checker = Checker(self.settings, use_store=False)
        if mutation.reload is Reload.COMMANDS:
            command, folder = mutation.command.split(" ")
            checker.facts = read_changed(self.checker.facts, self.settings.root, command, folder)
        return checker

    def _changed_bindings(self, facts: Facts) -> Iterator[Place]:
        """The lines of sentences that are bound to a fact which is another one now."""
        old = self.ground.facts.values
        if facts is self.ground.facts:
            return
        for page in self.ground.pages.values():
            for stretch in page.stretches:
                key = stretch.binding.key if stretch.binding else ""
                if key and key in old and facts.values.get(key) != old[key]:
                    yield stretch.place

    def _new(self, checker: Checker, page: str) -> Iterator[Finding]:
        known = Counter(self.before.get(page, Counter()))
        for finding in checker.check_page(page).findings:
            same = _same(finding)
            if known[same]:
                known[same] -= 1
            elif finding.severity is Severity.ERROR:
                yield finding


def _same(finding: Finding) -> str:
    """What makes two findings the same one although lines have moved."""
    return "\n".join((finding.location.path, finding.rule, finding.subject, finding.message))


def _judged(row: Row, mutation: Mutation, wrong: Sequence[Place], new: Sequence[Finding]) -> Row:
    lines = {(finding.location.path, finding.location.line) for finding in new}
    rules = tuple(sorted({finding.rule for finding in new}))
    expected = {line for place in wrong for line in place}
    elsewhere = tuple(f"{f.location.path}:{f.location.line} {f.rule}" for f in new if _line(f) not in expected)
    if mutation.target is Target.CONTROL:
        outcome = Outcome.FALSE_ALARM if new else Outcome.QUIET
        return replace(row, outcome=outcome, rules=rules, elsewhere=elsewhere)
    if not wrong:
        return replace(row, rules=rules, elsewhere=elsewhere)
    missed = tuple(_named(place) for place in wrong if not place & lines)
    return replace(
        row,
        page=row.page or min(expected)[0],
        outcome=Outcome.KILLED if new else Outcome.SURVIVED,
        rules=rules,
        places=len(wrong),
        told=len(wrong) - len(missed),
        missed=missed,
        elsewhere=elsewhere,
    )


def _line(finding: Finding) -> tuple[str, int]:
    return finding.location.path, finding.location.line


def _named(place: Iterable[tuple[str, int]]) -> str:
    path, line = min(place)
    return f"{path}:{line}"
