"""Changes that are no mistake: whatever a check says of one of these is a false alarm."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from dagster_playbook.drift.ground import Ground, PageText, Part
from dagster_playbook.drift.model import Edit, Mutation, Operator, Reload, Target
from dagster_playbook.drift.names import YAML

_PARAGRAPH = "Ask the person on call when in doubt, and write down what was decided."
_COMMENT = "changed on review"


def _control(kind: str, page: PageText, line: int, what: str, edit: Edit) -> Mutation:
    return Mutation(kind, Target.CONTROL, page.path, line, what, (edit,), pages=(page.path,))


@dataclass(frozen=True)
class NewParagraph:
    """A paragraph of plain prose between two blocks."""

    kind: str = "control-paragraph"
    target: Target = Target.CONTROL

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One before each heading."""
        for page in ground.pages.values():
            for heading in page.page.headings:
                place = heading.location
                if place.path == page.path and page.lines[place.line - 1].startswith("#"):
                    start = page.offset(place.line)
                    edit = Edit(page.path, start, start, f"{_PARAGRAPH}\n\n")
                    yield _control(self.kind, page, place.line, "a new paragraph", edit)


@dataclass(frozen=True)
class ReorderedSections:
    """Two neighbouring sections change places."""

    kind: str = "control-sections"
    target: Target = Target.CONTROL

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each two neighbours of the second level on a page that is no procedure and has no numbers."""
        for page in ground.pages.values():
            tops = [h for h in page.page.headings if h.level == 2 and h.location.path == page.path]
            texts = [heading.text for heading in page.page.headings]
            if "runbook" in page.page.front_matter or len(set(texts)) < len(texts):
                continue
            for first, second in pairwise(tops):
                if re.match(r"\d", first.text) or not page.lines[first.location.line - 1].startswith("## "):
                    continue
                after = next((h for h in tops if h.location.line > second.location.line), None)
                end = page.offset(after.location.line) if after else len(page.text)
                start, middle = page.offset(first.location.line), page.offset(second.location.line)
                ending = "" if page.text[middle:end].endswith("\n\n") else "\n"
                new = page.text[middle:end] + ending + page.text[start:middle]
                what = f"`{first.text}` and `{second.text}` change places"
                yield _control(self.kind, page, first.location.line, what, Edit(page.path, start, end, new))


@dataclass(frozen=True)
class OtherModel:
    """Another model of the project in a list of models to restate."""

    kind: str = "control-model"
    target: Target = Target.CONTROL

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each model in a block of run config that is no excerpt of a file."""
        prefix = f"{ground.settings.schema}."
        models = sorted(
            model.name
            for model in ground.facts.models.values()
            if model.name.startswith(prefix) and model.kind != "SEED"
        )
        for page in ground.pages.values():
            for stretch in page.stretches:
                found = re.fullmatch(r"\s*- (\S+)", stretch.text)
                if stretch.part is not Part.CODE or stretch.language not in YAML or not found:
                    continue
                if found[1] in models:
                    other = random.choice([name for name in models if name != found[1]])
                    edit = stretch.edit(found.start(1), found.end(1), other)
                    yield _control(self.kind, page, stretch.line, f"`{found[1]}` -> `{other}`", edit)


@dataclass(frozen=True)
class PageComment:
    """A comment: in a block after a line of YAML, SQL or shell, or in HTML between two blocks."""

    kind: str = "control-comment"
    target: Target = Target.CONTROL

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each line that takes one."""
        marks = {"yaml": "  # ", "yml": "  # ", "sql": "  -- ", "sh": "  # "}
        for page in ground.pages.values():
            for stretch in page.stretches:
                mark = marks.get(stretch.language)
                is_excerpt = stretch.fence is not None and "/" in stretch.fence.attributes.get("title", "")
                if stretch.part is not Part.CODE or mark is None or is_excerpt or stretch.text.endswith(("\\", "|")):
                    continue
                edit = stretch.edit(len(stretch.text), len(stretch.text), mark + _COMMENT)
                yield _control(self.kind, page, stretch.line, f"a comment behind `{stretch.text.strip()}`", edit)
            for heading in page.page.headings:
                if heading.location.path == page.path and page.lines[heading.location.line - 1].startswith("#"):
                    start = page.offset(heading.location.line)
                    edit = Edit(page.path, start, start, f"<!-- {_COMMENT} -->\n\n")
                    yield _control(self.kind, page, heading.location.line, "an HTML comment", edit)


@dataclass(frozen=True)
class SourceComment:
    """A comment in a source of the platform; everything is read anew and every page looked at again."""

    kind: str = "control-source"
    target: Target = Target.CONTROL

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for the instance and one for each job's module."""
        for location in ground.settings.dagster:
            package = f"{location.working_directory}/{location.module.partition('.')[0]}"
            for path in (location.instance, *(p for p in ground.files(package) if p.endswith("jobs.py"))):
                if path:
                    end = len(ground.source(path))
                    edit = Edit(path, end, end, f"\n# {_COMMENT}\n")
                    pages = tuple(ground.pages)
                    what = "a comment at the end"
                    yield Mutation(self.kind, self.target, path, 1, what, (edit,), pages=pages, reload=Reload.PLATFORM)


OPERATORS: tuple[Operator, ...] = (NewParagraph(), ReorderedSections(), OtherModel(), PageComment(), SourceComment())
