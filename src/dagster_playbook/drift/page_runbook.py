"""Mutations of runbooks: steps in another order, steps and parameters that are not there, no way back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from dagster_playbook.drift.ground import Ground, PageText, Part
from dagster_playbook.drift.misspelling import misspell
from dagster_playbook.drift.model import Mutation, Operator, Target
from dagster_playbook.drift.page_blocks import page_lines
from dagster_playbook.drift.page_names import page_mutation
from dagster_playbook.markdown.model import Fence


def _runbooks(ground: Ground) -> Iterator[PageText]:
    return (page for page in ground.pages.values() if "runbook" in page.page.front_matter)


def _step_id(fence: Fence) -> str:
    return fence.attributes.get("id", "")


@dataclass(frozen=True)
class StepOrder:
    """A step that stands before the one whose result it uses."""

    kind: str = "step-order"
    target: Target = Target.PAGE

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each pair of steps of which the later names the earlier one's result."""
        for page in _runbooks(ground):
            steps = [fence for fence in page.fences if _step_id(fence)]
            for at, later in enumerate(steps):
                text = page_lines(page, later)
                for earlier in steps[:at]:
                    if re.search(rf"\bsteps\.{re.escape(_step_id(earlier))}\.", text):
                        yield self._swapped(page, earlier, later)

    def _swapped(self, page: PageText, earlier: Fence, later: Fence) -> Mutation:
        first, second = earlier.location, later.location
        between_start, between_end = page.line_span(first.end_line + 1, second.line - 1)
        between = page.text[between_start:between_end]
        moved = page_lines(page, later)
        new = moved + between + page_lines(page, earlier)
        edit = page.edit_lines(first.line, second.end_line, new)
        place = frozenset((page.path, first.line + n) for n in range(moved.count("\n")))
        what = f"step `{_step_id(later)}` stands before `{_step_id(earlier)}`"
        return page_mutation(self.kind, second.line, what, edit, (place,))


@dataclass(frozen=True)
class Placeholder:
    """A parameter or result that is misspelt where a step uses it."""

    kind: str = "runbook-parameter"
    target: Target = Target.PAGE

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each `{{ name }}` in a step; told at its line or at the step's opening."""
        for page in _runbooks(ground):
            for stretch in page.stretches:
                if stretch.part is not Part.CODE or stretch.fence is None or not _step_id(stretch.fence):
                    continue
                for found in re.finditer(r"\{\{\s*([\w.-]+)\s*\}\}", stretch.text):
                    typo = misspell(found[1], random, ground.words)
                    if typo is not None:
                        edit = stretch.edit(found.start(1), found.end(1), typo)
                        place = stretch.place | {(page.path, stretch.fence.location.line)}
                        yield page_mutation(self.kind, stretch.line, f"`{found[1]}` -> `{typo}`", edit, (place,))


@dataclass(frozen=True)
class StepAttribute:
    """An attribute of a step that is gone (its way back, its approval) or whose first name does not exist."""

    kind: str
    attribute: str
    drop: bool
    target: Target = Target.PAGE

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each step that has the attribute."""
        for page in _runbooks(ground):
            for stretch in page.stretches:
                if stretch.part is not Part.INFO or stretch.fence is None:
                    continue
                value = r"\w+" if self.attribute == "expect" else r"[^\"]*"
                end = "" if self.attribute == "expect" else r"\""
                found = re.search(rf"\s{self.attribute}=\"({value}){end}", stretch.text)
                new = "" if self.drop else misspell(found[1], random, ground.words) if found else None
                if found is None or new is None:
                    continue
                start, stop = found.span(0) if self.drop else found.span(1)
                what = f"`{found.group().strip()}` is missing" if self.drop else f"`{found[1]}` -> `{new}`"
                yield page_mutation(self.kind, stretch.line, what, stretch.edit(start, stop, new), (stretch.place,))


@dataclass(frozen=True)
class FrontMatterKey:
    """A key of a runbook's front matter that is misspelt."""

    kind: str = "front-matter"
    target: Target = Target.PAGE

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each key below `runbook:`."""
        for page in _runbooks(ground):
            for number in range(2, page.page.front_matter_lines):
                found = re.match(r"\s+([a-z_]+):", page.lines[number - 1])
                typo = misspell(found[1], random, ground.words) if found else None
                if found is None or typo is None or page.is_off(number):
                    continue
                start, _ = page.line_span(number, number)
                edit = page.edit_lines(number, number, page.lines[number - 1].replace(found[1], typo, 1) + "\n")
                place = frozenset({(page.path, page.line_at(start))})
                yield page_mutation(self.kind, number, f"`{found[1]}` -> `{typo}`", edit, (place,))


OPERATORS: tuple[Operator, ...] = (
    StepOrder(),
    Placeholder(),
    StepAttribute("step-undo", "(?:undo|no_undo)", drop=True),
    StepAttribute("step-approval", "approve", drop=True),
    StepAttribute("step-reference", "on_failure", drop=False),
    StepAttribute("step-expectation", "expect", drop=False),
    FrontMatterKey(),
)
