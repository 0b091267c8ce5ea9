"""Mutations of a SQLMesh project: models, columns, tags and the setting that isolation rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from dagster_playbook.drift.ground import Ground, Part
from dagster_playbook.drift.model import Edit, Mutation, Operator, Target
from dagster_playbook.drift.platform_edits import (
    all_sources,
    bare,
    places_of,
    platform_mutation,
    project_sources,
    whole_lines,
    word_edits,
)
from dagster_playbook.facts.facts import ModelFact


def _models(ground: Ground) -> list[ModelFact]:
    """The models that have a source of their own, by name."""
    made = [m for m in ground.facts.models.values() if m.path.endswith((".sql", ".py")) and m.kind != "EXTERNAL"]
    return sorted(made, key=lambda model: model.name)


@dataclass(frozen=True)
class RenameModel:
    """A model that gets another name, everywhere in the platform's sources."""

    kind: str = "rename-model"
    target: Target = Target.PLATFORM

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each model."""
        for model in _models(ground):
            name = bare("model", model.name)
            edits = word_edits(ground, all_sources(ground), name, f"{name}_now")
            wrong = places_of(ground, "model", name)
            yield platform_mutation(ground, self.kind, f"model `{name}` -> `{name}_now`", edits, wrong)


@dataclass(frozen=True)
class RemoveModel:
    """A model that is taken away, with its unit tests."""

    kind: str = "remove-model"
    target: Target = Target.PLATFORM

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each model that no other one reads."""
        read = {fqn for model in ground.facts.models.values() for fqn in model.depends_on}
        for model in _models(ground):
            if model.fqn in read or model.kind == "SEED":
                continue
            name = bare("model", model.name)
            tests = [
                path
                for path in project_sources(ground)
                if "/tests/" in path and re.search(rf"(?<!\w){name}(?!\w)", ground.source(path))
            ]
            wrong = places_of(ground, "model", name)
            what = f"model `{name}` is gone"
            removed = (model.path, *tests)
            yield platform_mutation(
                ground,
                self.kind,
                what,
                (),
                wrong,
                removed=removed,
                changes=r"models\..*count$|^dagster\.assets\.count$",
            )


@dataclass(frozen=True)
class RenameColumn:
    """A column that gets another name, in every model and source that has one of that name."""

    kind: str = "rename-column"
    target: Target = Target.PLATFORM

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each name of a column that is a name of its own."""
        names = {column for model in _models(ground) for column in model.columns}
        others = {bare("model", model.name) for model in _models(ground)} | set(ground.facts.jobs)
        for name in sorted(names - others):
            if "_" in name:
                edits = list(word_edits(ground, all_sources(ground), name, f"{name}_now"))
                wrong = places_of(ground, "column", name)
                if edits:
                    yield platform_mutation(ground, self.kind, f"column `{name}` -> `{name}_now`", edits, wrong)


@dataclass(frozen=True)
class RemoveColumn:
    """A column that a mart no longer has."""

    kind: str = "remove-column"
    target: Target = Target.PLATFORM

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each column that stands on a line of its own in a model that no other one reads."""
        read = {fqn for model in ground.facts.models.values() for fqn in model.depends_on}
        for model in _models(ground):
            if model.fqn in read or not model.path.endswith(".sql"):
                continue
            text = ground.source(model.path)
            for column in model.columns:
                line = re.search(rf"(?m)^  [^\n]*\bAS {column},?$", text)
                if line and len(re.findall(rf"(?<!\w){column}(?!\w)", text)) <= 2 and line.group().endswith(","):
                    edit = Edit(model.path, *whole_lines(text, line.start(), line.end()), "")
                    what = f"column `{column}` of `{model.name}` is gone"
                    only = sum(column in other.columns for other in _models(ground)) == 1
                    wrong = places_of(ground, "column", column) if only else ()
                    count = rf"{re.escape(model.name)}\.columns\.count$"
                    yield platform_mutation(ground, self.kind, what, [edit], wrong, changes=count)


@dataclass(frozen=True)
class Tag:
    """A tag that gets another value on every model, or is taken off all of them."""

    kind: str
    remove: bool
    target: Target = Target.PLATFORM

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each tag; the categories on the pages are as wrong as the tag itself."""
        tags = sorted({tag for model in _models(ground) for tag in model.tags})
        for tag in tags:
            quoted = rf"[\"']{re.escape(tag)}[\"']"
            alone = rf"(?m)^\s*tags(?: \(|=\[){quoted}[)\]],?\n"
            gone = rf"{alone}|{quoted},\s*|,\s*{quoted}"
            pattern = re.compile(gone if self.remove else rf"(?<=[\"']){re.escape(tag)}(?=[\"'])")
            new = "" if self.remove else f"{tag}_now"
            sources = project_sources(ground)
            edits = [Edit(path, *m.span(), new) for path in sources for m in pattern.finditer(ground.source(path))]
            category = places_of(ground, "category", tag.partition("=")[2])
            wrong = tuple(dict.fromkeys((*places_of(ground, "tag", tag), *category)))
            what = f"tag `{tag}` is gone" if self.remove else f"tag `{tag}` -> `{new}`"
            if edits:
                yield platform_mutation(ground, self.kind, what, edits, wrong, changes=r"\.tags\b|categor")


@dataclass(frozen=True)
class VirtualEnvironmentMode:
    """The setting that the consumer tag's isolation rests on, turned off."""

    kind: str = "change-setting"
    target: Target = Target.PLATFORM

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each project that sets it; wrong is inline code that states it."""
        stated = [
            stretch.place
            for stretch in ground.stretches
            if stretch.part is Part.SPAN and stretch.text == "virtual_environment_mode: dev_only"
        ]
        for path in project_sources(ground):
            found = re.search(r"VirtualEnvironmentMode\.(DEV_ONLY)\b", ground.source(path))
            if found:
                edit = Edit(path, *found.span(1), "FULL")
                what = "`virtual_environment_mode` -> `full`"
                wrong = tuple(dict.fromkeys(stated))
                yield platform_mutation(ground, self.kind, what, [edit], wrong, changes=r"virtual_environment_mode$")


OPERATORS: tuple[Operator, ...] = (
    RenameModel(),
    RemoveModel(),
    RenameColumn(),
    RemoveColumn(),
    Tag("rename-tag", remove=False),
    Tag("remove-tag", remove=True),
    VirtualEnvironmentMode(),
)
