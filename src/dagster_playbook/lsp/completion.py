"""The names of the platform that fit at a cursor."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dagster_playbook.facts.facts import CommandFact, ConfigTypeFact, Facts
from dagster_playbook.lsp.cursor import Cursor
from dagster_playbook.lsp.yaml_path import yaml_place
from dagster_playbook.rules.world import World

_YAML = ("yaml", "yml", "json")
_SQL = ("sql", "trino", "duckdb", "bigquery")
_SHELL = ("sh", "bash", "shell", "zsh", "console")
_MODEL_OPTIONS = ("--restate-model", "-r", "--select-model", "--backfill-model", "--model")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A name that may stand at the cursor: what it is, and more about it in Markdown."""

    label: str
    kind: str
    detail: str = ""
    documentation: str = ""


def proposals(cursor: Cursor, world: World) -> list[Proposal]:
    """Every name that fits at the cursor, each once, in the order in which it is probably meant."""
    found: Iterable[Proposal] = ()
    if cursor.attribute == "job" or (cursor.attribute and "job" in cursor.attribute):
        found = _jobs(world.facts)
    elif cursor.is_fact:
        found = _facts(world.facts)
    elif cursor.is_code:
        found = [*_models(world.facts), *_jobs(world.facts), *_ops(world.facts), *_others(world)]
    elif cursor.fence is not None:
        found = _in_block(cursor, world)
    return list({item.label: item for item in found}.values())


def _in_block(cursor: Cursor, world: World) -> Iterator[Proposal]:
    assert cursor.fence is not None
    language = cursor.fence.language
    if language in _YAML:
        yield from _in_yaml(cursor, world)
    elif language in _SQL:
        yield from _in_sql(cursor, world.facts)
    elif language in _SHELL:
        yield from _in_shell(cursor, world)
    elif language == "properties":
        yield from _properties(world.facts)


def _in_yaml(cursor: Cursor, world: World) -> Iterator[Proposal]:
    """Keys and values of run config, by the config types of the job that the block names or may mean."""
    assert cursor.fence is not None
    facts = world.facts
    lines = cursor.fence.body.split("\n")
    lines[cursor.line - 1 : cursor.line] = [cursor.before]  # a line of blanks alone has lost its indent in the body
    place = yaml_place(lines, cursor.line, cursor.column)
    last = place.path[-1] if place.path else ""
    held = set(world.conventions.meanings.holders_of(last)) if place.is_value else set()
    if "selector" in held:
        yield from _models(facts)
        yield from (Proposal(f"tag:{tag}", "tag", "selector") for tag in sorted(world.tags))
        return
    if "category" in held:
        yield from (Proposal(name, "category", "entity category") for name in sorted(world.categories))
        return
    types = [facts.jobs[job].config_type for job in _jobs_meant(cursor, facts)]
    for kind in _types_at(types, place.path, facts):
        yield from _values(kind) if place.is_value else _keys(kind, place.siblings, facts)


def _jobs_meant(cursor: Cursor, facts: Facts) -> list[str]:
    assert cursor.fence is not None
    named = cursor.fence.attributes.get("job", "")
    if named in facts.jobs:
        return [named]
    written = {name for name in facts.ops if re.search(rf"^\s+{re.escape(name)}:", cursor.fence.body, re.MULTILINE)}
    fitting = [name for name, job in facts.jobs.items() if written and written <= set(job.ops)]
    return fitting or list(facts.jobs)


def _types_at(types: Iterable[str], path: tuple[str, ...], facts: Facts) -> list[ConfigTypeFact]:
    """The config types behind a path of keys, with what wraps them taken off."""
    found = [kind for key in dict.fromkeys(types) for kind in _unwrapped(key, facts)]
    for name in path:
        inner = []
        for kind in found:
            inner += [field.type_key for field in kind.fields if field.name == name]
            inner += [kind.inner[1]] if kind.kind == "MAP" and len(kind.inner) > 1 else []
        found = [kind for key in dict.fromkeys(inner) for kind in _unwrapped(key, facts)]
    return found


def _unwrapped(key: str, facts: Facts) -> Iterator[ConfigTypeFact]:
    kind = facts.config_types.get(key)
    if kind is None:
        return
    if kind.kind in ("NONEABLE", "ARRAY", "SCALAR_UNION"):
        for inner in kind.inner:
            yield from _unwrapped(inner, facts)
    else:
        yield kind


def _keys(kind: ConfigTypeFact, siblings: frozenset[str], facts: Facts) -> Iterator[Proposal]:
    for field in kind.fields:
        if field.name not in siblings:
            inner = next(_unwrapped(field.type_key, facts), None)
            told = type_words(field.type_key, facts) if inner else ""
            default = f", default {field.default}" if field.default else ""
            must = "required, " if field.is_required else ""
            yield Proposal(field.name, "config key", f"{must}{told}{default}", field.description)


def _values(kind: ConfigTypeFact) -> Iterator[Proposal]:
    if kind.scalar == "BOOL":
        yield from (Proposal(word, "value", "boolean") for word in ("true", "false"))
    yield from (Proposal(word, "value", kind.given_name or "choice") for word in kind.enum)
    if kind.kind == "SELECTOR":
        yield from (Proposal(field.name, "config key", "one of these") for field in kind.fields)


def type_words(key: str, facts: Facts) -> str:
    """A config type in a few words: `list of string`, `boolean or nothing`."""
    kind = facts.config_types.get(key)
    if kind is None:
        return key
    if kind.kind == "NONEABLE":
        return f"{type_words(kind.inner[0], facts)} or nothing"
    if kind.kind == "ARRAY":
        return f"list of {type_words(kind.inner[0], facts)}"
    if kind.kind == "SCALAR_UNION":
        return type_words(kind.inner[0], facts)
    words = {"BOOL": "boolean", "STRING": "string", "INT": "integer", "FLOAT": "number"}
    return words.get(kind.scalar, kind.given_name or kind.kind.lower().replace("_", " "))


def _in_sql(cursor: Cursor, facts: Facts) -> Iterator[Proposal]:
    """Columns of the models that the query names, then models; after `alias.` the columns of that model alone."""
    assert cursor.fence is not None
    tables = re.findall(r"\b(\w+(?:\.\w+){1,2})(?:\s+(?:AS\s+)?(\w+))?", cursor.fence.body, re.IGNORECASE)
    named = {model.name: model for model in facts.models.values()}
    mentioned = {alias or name: named[short] for name, alias in tables if (short := _short(name)) in named}
    qualifier = re.search(r"(\w+)\.\w*$", cursor.before)
    if qualifier and qualifier.group(1) in mentioned:
        model = mentioned[qualifier.group(1)]
        head = qualifier.group(1)
        yield from (Proposal(f"{head}.{column}", "column", kind) for column, kind in model.columns.items())
        return
    for model in mentioned.values():
        yield from (Proposal(column, "column", f"{kind}, {model.name}") for column, kind in model.columns.items())
    yield from _models(facts)


def _short(name: str) -> str:
    return ".".join(name.split(".")[-2:])


def _in_shell(cursor: Cursor, world: World) -> Iterator[Proposal]:
    """Sub-commands and options of the command on the line, and models where an option takes them."""
    words = _words(cursor.before)
    if not words:
        yield from (Proposal(name, "command", tree.help) for name, tree in world.facts.commands.items())
        return
    if words[0] == "make":
        yield from (Proposal(target, "make target") for target in world.facts.make_targets)
        return
    command: CommandFact | None = world.facts.commands.get(words[0])
    for word in words[1:]:
        command = command.subcommands.get(word, command) if command else None
    if command is None:
        return
    if words[-1] in _MODEL_OPTIONS:
        yield from _models(world.facts)
        return
    yield from (Proposal(name, "command", child.help) for name, child in command.subcommands.items())
    yield from (Proposal(name, "option", ", ".join(o.choices)) for o in command.options for name in o.names)


def _words(before: str) -> list[str]:
    """The whole words in front of the one that is being written."""
    text = re.sub(r"^\s*[$%] ", "", before)
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    return words if not text or text.endswith(" ") else words[:-1]


def _models(facts: Facts) -> Iterator[Proposal]:
    for model in facts.models.values():
        yield Proposal(model.name, "model", model.kind, model.description)


def _jobs(facts: Facts) -> Iterator[Proposal]:
    for job in facts.jobs.values():
        if not job.name.startswith("__"):
            yield Proposal(job.name, "job", f"{len(job.ops)} ops", job.description)


def _ops(facts: Facts) -> Iterator[Proposal]:
    return (Proposal(op, "op") for op in facts.ops)


def _facts(facts: Facts) -> Iterator[Proposal]:
    return (Proposal(key, "fact", str(value)[:80]) for key, value in facts.values.items())


def _properties(facts: Facts) -> Iterator[Proposal]:
    for catalog in facts.catalogs.values():
        for key, value in catalog.properties.items():
            yield Proposal(key, "property", f"{value} ({catalog.name})")


def _others(world: World) -> Iterator[Proposal]:
    facts = world.facts
    yield from (Proposal(name, "catalog", f"reads {item.ref}") for name, item in facts.catalogs.items())
    yield from (Proposal(name, "reference", item.kind.lower()) for name, item in facts.refs.items())
    yield from (Proposal(tag, "tag") for tag in sorted(world.tags))
    keys = {field.name for kind in facts.config_types.values() for field in kind.fields}
    yield from (Proposal(key, "config key") for key in sorted(keys))
