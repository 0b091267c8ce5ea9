"""Mutations of a code location and its instance: config fields, jobs, ops, defaults, retries."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from dagster_playbook.drift.ground import Ground, Part
from dagster_playbook.drift.misspelling import misspell
from dagster_playbook.drift.model import Edit, Mutation, Operator, Place, Target
from dagster_playbook.drift.platform_edits import (
    literal_edits,
    location_sources,
    node_span,
    places_of,
    platform_mutation,
    tree_of,
    whole_lines,
    word_edits,
)
from dagster_playbook.location import lines_with_ends


@dataclass(frozen=True)
class _Field:
    """A field of a config class in a source."""

    path: str
    owner: str
    name: str
    node: ast.AnnAssign


def _fields(ground: Ground) -> Iterator[_Field]:
    known = {name for op in ground.facts.ops for name in ground.facts.values.get(f"dagster.ops.{op}.config.fields", [])}
    for path in location_sources(ground):
        for node in ast.walk(tree_of(ground, path)):
            if isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("Config") for base in node.bases):
                for part in node.body:
                    if (
                        isinstance(part, ast.AnnAssign)
                        and isinstance(part.target, ast.Name)
                        and part.target.id in known
                    ):
                        yield _Field(path, node.name, part.target.id, part)


def _uses(ground: Ground, field: _Field) -> Iterator[tuple[str, int, int]]:
    """Where the sources speak of a field: `config.<name>`, and the keyword of its class' constructor."""
    for path in location_sources(ground):
        text = ground.source(path)
        for node in ast.walk(tree_of(ground, path)):
            if isinstance(node, ast.Attribute) and node.attr == field.name and ast.unparse(node.value) == "config":
                _, end = node_span(text, node)
                yield path, end - len(field.name), end
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(field.owner):
                for keyword in node.keywords:
                    if keyword.arg == field.name:
                        start, _ = node_span(text, keyword.value)
                        yield path, start - len(field.name) - 1, start - 1


@dataclass(frozen=True)
class ConfigField:
    """A config field of an op that gets another name, or is taken away."""

    kind: str
    remove: bool
    target: Target = Target.PLATFORM

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each field; one that the sources set by keyword when they load cannot just go."""
        for field in _fields(ground):
            text = ground.source(field.path)
            wrong = places_of(ground, "config-field", field.name)
            uses = list(_uses(ground, field))
            if self.remove:
                if any(ground.source(path)[end] == "=" for path, _, end in uses):
                    continue
                span = whole_lines(text, *node_span(text, field.node))
                edits = [Edit(field.path, *span, "")]
                what = f"config field `{field.name}` is gone"
            else:
                new = f"{field.name}_now"
                start, end = node_span(text, field.node.target)
                edits = [
                    Edit(field.path, start, end, new),
                    *(Edit(path, begin, stop, new) for path, begin, stop in uses),
                ]
                what = f"config field `{field.name}` -> `{new}`"
            yield platform_mutation(ground, self.kind, what, edits, wrong, changes=r"\.config\.fields")


@dataclass(frozen=True)
class FieldDefault:
    """A config field whose default is another one."""

    kind: str = "change-default"
    target: Target = Target.PLATFORM

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each boolean, number or text; wrong is a table row that states the field with its default."""
        for field in _fields(ground):
            value = _default(field.node)
            if value is None:
                continue
            old = ast.literal_eval(value)
            new = {bool: not old, int: 7, str: "HEAD"}.get(type(old), old)
            if new == old or not isinstance(old, bool | int | str):
                continue
            start, end = node_span(ground.source(field.path), value)
            shown = str(old).lower() if isinstance(old, bool) else str(old)
            wrong = tuple(_stated(ground, field.name, shown))
            what = f"default of `{field.name}`: {old!r} -> {new!r}"
            edits = [Edit(field.path, start, end, repr(new))]
            yield platform_mutation(ground, self.kind, what, edits, wrong, changes=rf"\.{field.name}\.default$")


def _default(node: ast.AnnAssign) -> ast.expr | None:
    value = node.value
    if isinstance(value, ast.Call):
        value = next((keyword.value for keyword in value.keywords if keyword.arg == "default"), None)
    return value if isinstance(value, ast.Constant) and value.value is not None else None


def _stated(ground: Ground, field: str, shown: str) -> Iterator[Place]:
    """Table rows with the field and its default, each in inline code."""
    for page in ground.pages.values():
        by_line: dict[int, set[str]] = {}
        for stretch in page.stretches:
            if stretch.part is Part.SPAN and page.lines[stretch.line - 1].lstrip().startswith("|"):
                by_line.setdefault(stretch.line, set()).add(stretch.text)
        yield from (frozenset({(page.path, line)}) for line, texts in by_line.items() if {field, shown} <= texts)


@dataclass(frozen=True)
class Job:
    """A job that gets another name, or is taken out of the list that it stands in."""

    kind: str
    remove: bool
    target: Target = Target.PLATFORM

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each job that the sources name by a literal."""
        for name in sorted(ground.facts.jobs):
            wrong = places_of(ground, "job", name)
            if self.remove:
                edits = list(_list_items(ground, name))
                what = f"job `{name}` is gone"
            else:
                typo = misspell(name, random, ground.words) or f"{name}_now"
                edits = list(literal_edits(ground, location_sources(ground), name, typo))
                what = f"job `{name}` -> `{typo}`"
            count = r"\.jobs\.count$" if self.remove else r"\.jobs$"
            if edits:
                yield platform_mutation(ground, self.kind, what, edits, wrong, changes=count)


def _list_items(ground: Ground, name: str) -> Iterator[Edit]:
    for path in location_sources(ground):
        text = ground.source(path)
        for node in ast.walk(tree_of(ground, path)):
            for item in node.elts if isinstance(node, ast.List) else []:
                if isinstance(item, ast.Call) and any(
                    isinstance(part, ast.Constant) and part.value == name
                    for part in (*item.args, *(keyword.value for keyword in item.keywords))
                ):
                    yield Edit(path, *whole_lines(text, *node_span(text, item)), "")


@dataclass(frozen=True)
class Op:
    """An op that gets another name: its literal, or the function that an asset's op is named after."""

    kind: str = "rename-op"
    target: Target = Target.PLATFORM

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each op that the sources name."""
        for name in sorted(ground.facts.ops):
            edits = list(literal_edits(ground, location_sources(ground), name, f"{name}_now"))
            function = name.rpartition("__")[2]
            if not edits and re.search(rf"\bdef {function}\b", "".join(map(ground.source, location_sources(ground)))):
                edits = list(word_edits(ground, location_sources(ground), function, f"{function}_now"))
            if edits:
                wrong = places_of(ground, "op", name)
                assets = [key for key, asset in ground.facts.assets.items() if asset.op == name and "__" in name]
                wrong += tuple(p for key in assets for p in places_of(ground, "asset", key) if p not in wrong)
                yield platform_mutation(ground, self.kind, f"op `{name}` -> `{name}_now`", edits, wrong)


@dataclass(frozen=True)
class InstanceValue:
    """A setting of the instance that is another one: the retry count, a limit, a switch."""

    kind: str
    retries: bool
    target: Target = Target.PLATFORM

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each number and boolean; wrong are excerpts of the file that state it, and the facts bound to it."""
        for path in sorted({location.instance for location in ground.settings.dagster if location.instance}):
            text = ground.source(path)
            lines = lines_with_ends(text)
            for at, (key, value) in _scalars(lines).items():
                if ("retries" in key) is not self.retries or not re.fullmatch(r"\d+|true|false", value):
                    continue
                new = {"true": "false", "false": "true"}.get(value) or str(int(value) + 2)
                end = sum(map(len, lines[:at])) + len(lines[at].rstrip())
                wrong = tuple(_excerpts(ground, path, key, value))
                what = f"`{key}: {value}` -> `{new}`"
                edit = Edit(path, end - len(value), end, new)
                yield platform_mutation(ground, self.kind, what, [edit], wrong, changes=rf"\.{re.escape(key)}$")


def _scalars(lines: Sequence[str]) -> dict[int, tuple[str, str]]:
    """0-based line to dotted key and value of each scalar in YAML that is mappings only, comments left out."""
    found: dict[int, tuple[str, str]] = {}
    above: list[tuple[int, str]] = []
    for at, line in enumerate(lines):
        entry = re.match(r"(?P<indent> *)(?P<key>\w+):(?P<value>.*)", line)
        if entry:
            above = [item for item in above if item[0] < len(entry["indent"])]
            above.append((len(entry["indent"]), entry["key"]))
            if entry["value"].strip():
                found[at] = (".".join(key for _, key in above), entry["value"].strip())
    return found


def _excerpts(ground: Ground, path: str, key: str, value: str) -> Iterator[Place]:
    """The lines of blocks titled with the file that state a setting."""
    for page in ground.pages.values():
        for fence in page.fences:
            if fence.attributes.get("title") == path:
                for at, stated in _scalars(fence.body.split("\n")).items():
                    if stated == (key, value):
                        yield frozenset({(page.path, fence.lines[at].line)})


OPERATORS: tuple[Operator, ...] = (
    ConfigField("rename-config-field", remove=False),
    ConfigField("remove-config-field", remove=True),
    FieldDefault(),
    Job("rename-job", remove=False),
    Job("remove-job", remove=True),
    Op(),
    InstanceValue("change-retries", retries=True),
    InstanceValue("change-instance", retries=False),
)
