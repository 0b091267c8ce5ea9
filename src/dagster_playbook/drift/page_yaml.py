"""Mutations of YAML blocks: a value of the wrong type, an indent, a key twice, another job, an unquoted hash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from dagster_playbook.drift.ground import Ground, PageText, Part, Stretch
from dagster_playbook.drift.model import Mutation, Operator, Target
from dagster_playbook.drift.names import YAML
from dagster_playbook.drift.page_names import page_mutation

_KEY = re.compile(r"^(?P<indent>\s*)(?P<key>[\w./-]+):(?P<rest>.*)$")


def yaml_lines(ground: Ground) -> Iterator[tuple[PageText, Stretch]]:
    """The lines of all YAML blocks."""
    for page in ground.pages.values():
        for stretch in page.stretches:
            if stretch.part is Part.CODE and stretch.language in YAML:
                yield page, stretch


def _loaded(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        return type(error)


def _is_same(stretch: Stretch, new: str, index: int) -> bool:
    """Whether the block means the same with its line at 0-based `index` written anew."""
    assert stretch.fence is not None
    lines = stretch.fence.body.split("\n")
    changed = "\n".join([*lines[:index], new, *lines[index + 1 :]])
    return bool(_loaded(changed) == _loaded(stretch.fence.body))


def _index(stretch: Stretch) -> int:
    assert stretch.fence is not None
    return next(at for at, origin in enumerate(stretch.fence.lines) if origin.line == stretch.line)


@dataclass(frozen=True)
class WrongType:
    """A value of another type: a boolean as a word, a number as text, a list as a scalar."""

    kind: str = "wrong-type"
    target: Target = Target.PAGE

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each boolean, number and quoted text, and one for each list of one line a member."""
        for _, stretch in yaml_lines(ground):
            found = _KEY.match(stretch.text)
            if not found or "{{" in found["rest"]:
                continue
            value = found["rest"].strip()
            wrong = self._wrong(value, random)
            if wrong is not None:
                start = stretch.text.rindex(value) if value else len(stretch.text)
                edit = stretch.edit(start, start + len(value), wrong)
                what = f"`{found['key']}: {value}` -> `{wrong}`"
                yield page_mutation(self.kind, stretch.line, what, edit, (stretch.place,))

    @staticmethod
    def _wrong(value: str, random: Random) -> str | None:
        if value in ("true", "false"):
            return random.choice(("sometimes", "12", f"[{value}]"))
        if re.fullmatch(r"\d+", value):
            return random.choice(("several", f"[{value}]"))
        if re.fullmatch(r"\"[^\"{}]*\"", value):
            return random.choice(("[1, 2]", "{a: b}"))
        return None


@dataclass(frozen=True)
class Indent:
    """A line that stands one level too far left or right."""

    kind: str = "indent"
    target: Target = Target.PAGE

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each line whose move changes what the block says; the line below may be told instead.

        A line moved right joins the value above it, and a line moved left takes what is below it away from its
        parent: YAML itself often sees that at the next line only.
        """
        for page, stretch in yaml_lines(ground):
            indent = len(stretch.text) - len(stretch.text.lstrip())
            step = random.choice((-2, 2)) if indent >= 2 else 2
            new = " " * (indent + step) + stretch.text.lstrip()
            if stretch.text.lstrip().startswith("#") or _is_same(stretch, new, _index(stretch)):
                continue
            if stretch.fence is None or len(stretch.fence.lines) == 1:
                continue
            place = frozenset({(page.path, stretch.line), (page.path, stretch.line + 1)})
            what = f"`{stretch.text.strip()}` moved {abs(step)} {'right' if step > 0 else 'left'}"
            yield page_mutation(self.kind, stretch.line, what, stretch.edit(0, len(stretch.text), new), (place,))


@dataclass(frozen=True)
class DuplicateKey:
    """A key that stands twice with another value: YAML keeps the last in silence."""

    kind: str = "duplicate-key"
    target: Target = Target.PAGE

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each key with a scalar value."""
        for page, stretch in yaml_lines(ground):
            found = _KEY.match(stretch.text)
            if not found or not found["rest"].strip() or found["rest"].strip()[0] in "|>&[{":
                continue
            edit = stretch.edit(len(stretch.text), len(stretch.text), "\n" + self._prefix(page, stretch) + stretch.text)
            place = frozenset({(page.path, stretch.line), (page.path, stretch.line + 1)})
            yield page_mutation(self.kind, stretch.line, f"`{found['key']}` stands twice", edit, (place,))

    @staticmethod
    def _prefix(page: PageText, stretch: Stretch) -> str:
        """What stands before the block's lines: the indent of its list item or admonition, the mark of a quote."""
        return page.lines[stretch.line - 1][: stretch.start - page.offset(stretch.line)]


@dataclass(frozen=True)
class OtherJob:
    """The run config of one job under the name of another that has not its ops."""

    kind: str = "wrong-job"
    target: Target = Target.PAGE

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each block that says its job; the block's own lines are as wrong as the name."""
        jobs = ground.facts.jobs
        for stretch in ground.stretches:
            if stretch.part is not Part.INFO or stretch.fence is None or stretch.language not in YAML:
                continue
            job = stretch.fence.attributes.get("job", "")
            others = [
                name for name, other in sorted(jobs.items()) if job in jobs and not set(jobs[job].ops) <= set(other.ops)
            ]
            if not others or not stretch.fence.body.strip().startswith("ops:"):
                continue
            other = random.choice(others)
            start = stretch.text.index(f'"{job}"') + 1
            lines = range(stretch.line, stretch.fence.location.end_line + 1)
            place = frozenset((stretch.path, line) for line in lines)
            edit = stretch.edit(start, start + len(job), other)
            yield page_mutation(self.kind, stretch.line, f"job `{job}` -> `{other}`", edit, (place,))


OPERATORS: tuple[Operator, ...] = (WrongType(), Indent(), DuplicateKey(), OtherJob())
