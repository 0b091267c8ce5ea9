"""Mutations of what plain files say: catalogs, their properties, references, make targets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from dagster_playbook.drift.ground import Ground, Part
from dagster_playbook.drift.model import Edit, Mutation, Operator, Place, Target
from dagster_playbook.drift.platform_edits import places_of, platform_mutation


@dataclass(frozen=True)
class Catalog:
    """A Trino catalog that gets another name, or is taken away; excerpts of its file are wrong with it."""

    kind: str
    remove: bool
    target: Target = Target.PLATFORM

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each catalog."""
        for name, catalog in sorted(ground.facts.catalogs.items()):
            titled = [
                stretch.place
                for stretch in ground.stretches
                if stretch.part is Part.INFO and stretch.fence and stretch.fence.attributes.get("title") == catalog.path
            ]
            places = (*_named(ground, name), *places_of(ground, "path", catalog.path), *titled)
            new = catalog.path.replace(f"{name}.properties", f"{name}_now.properties")
            yield platform_mutation(
                ground,
                self.kind,
                f"catalog `{name}` is gone" if self.remove else f"catalog `{name}` -> `{name}_now`",
                (),
                tuple(dict.fromkeys(places)),
                removed=(catalog.path,) if self.remove else (),
                renamed=() if self.remove else ((catalog.path, new),),
                changes=r"^trino\.catalogs",
            )


def _named(ground: Ground, name: str) -> Iterator[Place]:
    """The lines that name a catalog; inline code does not when something else of the platform has that name, too."""
    values = ground.facts.values.items()
    is_shared = any(value == name for key, value in values if not key.startswith("trino.catalogs"))
    spans = {s.place for s in ground.stretches if s.part is Part.SPAN and s.text == name} if is_shared else set()
    return (place for place in places_of(ground, "catalog", name) if place not in spans)


@dataclass(frozen=True)
class Property:
    """A property of a catalog with another value, or under another key."""

    kind: str
    key: bool
    target: Target = Target.PLATFORM

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each property; wrong are excerpts that state it, and inline code that does."""
        for catalog in sorted(ground.facts.catalogs.values(), key=lambda item: item.path):
            for found in re.finditer(r"(?m)^(?P<key>[\w.-]+)=(?P<value>.*)$", ground.source(catalog.path)):
                part, new = ("key", f"{found['key']}-now") if self.key else ("value", f"{found['value']}x")
                edit = Edit(catalog.path, found.start(part), found.end(part), new)
                wrong = tuple(dict.fromkeys(_stated(ground, catalog.path, found.group())))
                what = f"`{found['key']}` of {catalog.name}: `{found[part]}` -> `{new}`"
                changes = rf"^trino\.catalogs\.{catalog.name}\."
                yield platform_mutation(ground, self.kind, what, [edit], wrong, changes=changes)


def _stated(ground: Ground, path: str, line: str) -> Iterator[Place]:
    for stretch in ground.stretches:
        is_excerpt = stretch.fence is not None and stretch.fence.attributes.get("title") == path
        if stretch.part is Part.CODE and is_excerpt and stretch.text.strip() == line:
            yield stretch.place


@dataclass(frozen=True)
class Reference:
    """A Nessie reference that gets another name, in the list of references and in the catalogs that read it."""

    kind: str = "rename-ref"
    target: Target = Target.PLATFORM

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each reference; wrong are inline code that names it and excerpts that read it."""
        path = ground.settings.references
        for name in sorted(ground.facts.refs) if path else []:
            found = re.search(rf'"{re.escape(name)}"', ground.source(path))
            if not found:
                continue
            edits = [Edit(path, found.start() + 1, found.end() - 1, f"{name}_now")]
            wrong = dict.fromkeys(places_of(ground, "ref", name))
            for catalog in ground.facts.catalogs.values():
                uri = re.search(rf"(?m)^[^#\n]*/iceberg/({re.escape(name)})$", ground.source(catalog.path))
                if uri:
                    edits.append(Edit(catalog.path, *uri.span(1), f"{name}_now"))
                    wrong |= dict.fromkeys(_stated(ground, catalog.path, uri.group()))
            what = f"reference `{name}` -> `{name}_now`"
            yield platform_mutation(ground, self.kind, what, edits, tuple(wrong), changes=r"^nessie\.|\.ref$")


@dataclass(frozen=True)
class MakeTarget:
    """A make target that gets another name."""

    kind: str = "rename-make-target"
    target: Target = Target.PLATFORM

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each target that has a rule."""
        path = ground.settings.makefile
        for name in ground.facts.make_targets:
            found = re.search(rf"(?m)^{re.escape(name)}(?=:)", ground.source(path))
            phony = re.search(rf"(?m)^\.PHONY:.*?(?<=\s)({re.escape(name)})(?=\s|$)", ground.source(path))
            if found:
                spans = [found.span(), *([phony.span(1)] if phony else [])]
                edits = [Edit(path, *span, f"{name}-now") for span in sorted(spans)]
                wrong = places_of(ground, "make-target", name)
                yield platform_mutation(ground, self.kind, f"target `{name}` -> `{name}-now`", edits, wrong)


OPERATORS: tuple[Operator, ...] = (
    Catalog("rename-catalog", remove=False),
    Catalog("remove-catalog", remove=True),
    Property("change-property", key=False),
    Property("rename-property", key=True),
    Reference(),
    MakeTarget(),
)
