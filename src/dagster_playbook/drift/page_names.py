"""Mutations of names on a page: each name of the platform misspelt, each in a kind of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from dagster_playbook.drift.ground import Ground, Part
from dagster_playbook.drift.misspelling import misspell
from dagster_playbook.drift.model import Edit, Mutation, Operator, Place, Target
from dagster_playbook.drift.names import YAML, mentions

#: what a name on a page can be the name of; `span` is any other word in inline code
KINDS = (
    "job op config-field asset model tag category catalog ref column property option subcommand make-target path"
    " yaml-key fence-attribute span"
).split()


@dataclass(frozen=True)
class Misspell:
    """A typo in a name of one kind."""

    of: str
    target: Target = Target.PAGE

    @property
    def kind(self) -> str:
        """E.g. `typo-job`."""
        return f"typo-{self.of}"

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each mention, in the whole name or the part of it that is its own."""
        for mention in mentions(ground):
            if mention.kind != self.of:
                continue
            known = ground.words - {mention.name.lower()}
            head, dot, tail = mention.name.rpartition(".") if self.of == "model" else ("", "", mention.name)
            typo = misspell(tail, random, known)
            if typo is None or f"{head}{dot}{typo}".lower() in known:
                continue
            shift = mention.start + len(head) + len(dot)
            stretch = mention.stretch
            edit = stretch.edit(shift, shift + len(tail), typo)
            yield page_mutation(self.kind, stretch.line, f"`{tail}` -> `{typo}`", edit, (stretch.place,))


@dataclass(frozen=True)
class DropPrefix:
    """A model in run config or SQL without its schema: `oso.projects_v1` becomes `projects_v1`."""

    kind: str = "model-prefix"
    target: Target = Target.PAGE

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each fully named model in a block of run config or SQL."""
        schema = ground.settings.schema
        if not schema:
            return
        for stretch in ground.stretches:
            if stretch.part is not Part.CODE or stretch.language not in (*YAML, "sql"):
                continue
            for found in re.finditer(rf"(?<![\w.]){re.escape(schema)}\.(?=\w)", stretch.text):
                if re.search(r"\bname\s+$", stretch.text[: found.start()]):
                    continue
                edit = stretch.edit(found.start(), found.end(), "")
                what = f"`{found.group()}` is missing"
                yield page_mutation(self.kind, stretch.line, what, edit, (stretch.place,))


def page_mutation(kind: str, line: int, what: str, edit: Edit, wrong: tuple[Place, ...]) -> Mutation:
    """A mutation of one page, which makes places of that page wrong."""
    return Mutation(kind, Target.PAGE, edit.path, line, what, (edit,), wrong, pages=(edit.path,))


OPERATORS: tuple[Operator, ...] = (*(Misspell(of) for of in KINDS), DropPrefix())
