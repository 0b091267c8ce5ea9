"""Where pages name things of the platform: told from the facts alone, not from what the rules understand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dagster_playbook.drift.ground import Ground, Part, Stretch
from dagster_playbook.facts.facts import CommandFact, Facts

SHELL = ("sh", "bash", "shell", "console")
YAML = ("yaml", "yml")
_WORD = re.compile(r"\w+")
_YAML_KEY = re.compile(r"^\s*(?:- )?(?P<key>[A-Za-z_][\w./-]*):(?=\s|$)")
_SHELL_WORD = re.compile(r"(?<!\S)[^\s'\"]+(?!\S)")


@dataclass(frozen=True, slots=True)
class Mention:
    """A name on a page: what kind of thing it names and where it stands in its stretch (0-based, half-open)."""

    kind: str
    name: str
    stretch: Stretch
    start: int
    end: int


def mentions(ground: Ground) -> Iterator[Mention]:
    """Every name of the platform on the pages, each place once, in reading order."""
    known = _Names(ground.facts)
    for stretch in ground.stretches:
        if stretch.part is Part.CODE:
            yield from _in_code(stretch, known, ground)
        elif stretch.part is Part.INFO:
            yield from _in_info(stretch, known)
        elif stretch.part is Part.SPAN:
            yield from _in_span(stretch, known, ground)


class _Names:
    """The names of the platform by kind."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        fields = {field for op in facts.ops for field in facts.values.get(f"dagster.ops.{op}.config.fields", [])}
        models = [model.name for model in facts.models.values()]
        self.by_kind: dict[str, frozenset[str]] = {
            "job": frozenset(facts.jobs),
            "op": frozenset(facts.ops),
            "config-field": frozenset(fields),
            "asset": frozenset(facts.assets),
            "model": frozenset(models) | frozenset(name.split(".")[-1] for name in models),
            "tag": frozenset(tag for model in facts.models.values() for tag in model.tags),
            "catalog": frozenset(facts.catalogs),
            "ref": frozenset(facts.refs),
            "column": frozenset(column for model in facts.models.values() for column in model.columns),
            "property": frozenset(key for catalog in facts.catalogs.values() for key in catalog.properties),
            "option": frozenset(_options(facts.commands.values())),
        }
        self.categories = frozenset(tag.partition("=")[2] for tag in self.by_kind["tag"] if "=" in tag)

    def kind_of(self, text: str) -> str:
        """The kind of thing that a text names, "" when it names none."""
        return next((kind for kind, names in self.by_kind.items() if text in names), "")


def _options(commands: object) -> Iterator[str]:
    stack: list[CommandFact] = list(commands)  # type: ignore[call-overload]
    while stack:
        command = stack.pop()
        for option in command.options:
            yield from (name for name in option.names if name.startswith("--"))
        stack.extend(command.subcommands.values())


def _in_code(stretch: Stretch, known: _Names, ground: Ground) -> Iterator[Mention]:
    if stretch.language in YAML:
        yield from _in_yaml(stretch, known)
    elif stretch.language == "sql":
        yield from _in_sql(stretch, known)
    elif stretch.language in SHELL:
        yield from _in_shell(stretch, known, ground)
    elif stretch.language == "properties":
        key, equals, _ = stretch.text.partition("=")
        if equals and key in known.by_kind["property"]:
            yield Mention("property", key, stretch, 0, len(key))


def _in_yaml(stretch: Stretch, known: _Names) -> Iterator[Mention]:
    code = re.sub(r"(?:^|\s)#.*", "", stretch.text)
    key = _YAML_KEY.match(code)
    if key:
        name = key["key"]
        kind = next((k for k in ("op", "config-field") if name in known.by_kind[k]), "yaml-key")
        yield Mention(kind, name, stretch, key.start("key"), key.end("key"))
    rest = key.end() if key else 0
    for found in re.finditer(r"[\w.]+(?:=\w+)?", code[rest:]):
        text, start = found.group(), rest + found.start()
        for kind in ("model", "tag", "job"):
            if text in known.by_kind[kind]:
                yield Mention(kind, text, stretch, start, start + len(text))
        if text in known.categories and code.strip() == f"- {text}":
            yield Mention("category", text, stretch, start, start + len(text))


def _in_sql(stretch: Stretch, known: _Names) -> Iterator[Mention]:
    code = stretch.text.partition("--")[0]
    for found in re.finditer(r"\w+=\w+|\w+", code):
        text, start, end = found.group(), found.start(), found.end()
        before = code[:start]
        if text in known.by_kind["tag"]:
            yield Mention("tag", text, stretch, start, end)
        elif text in known.by_kind["model"] and before.endswith("."):
            yield Mention("model", text, stretch, start, end)
        elif text in known.by_kind["catalog"] and re.match(r"\.\w+\.\w", code[end:]):
            yield Mention("catalog", text, stretch, start, end)
        elif text in known.by_kind["column"] and not re.match(r"\s*\(", code[end:]):
            is_alias = re.search(r"\bas\s+$", before, re.IGNORECASE) or code.count("'", 0, start) % 2
            if not is_alias:
                yield Mention("column", text, stretch, start, end)


def _in_shell(stretch: Stretch, known: _Names, ground: Ground) -> Iterator[Mention]:
    words = [(w.group(), w.start(), w.end()) for w in _SHELL_WORD.finditer(stretch.text)]
    words = words[1:] if words and words[0][0] == "$" else words
    if not words or words[0][0].startswith("#"):
        return
    tree = known.facts.commands.get(words[0][0])
    for text, start, end in words[1:]:
        name, equals, _ = text.partition("=")
        kind = known.kind_of(text)
        if tree is not None and text in tree.subcommands:
            tree, kind = tree.subcommands[text], "subcommand"
        elif words[0][0] == "make" and text in known.facts.make_targets:
            kind = "make-target"
        elif name.startswith("--") and name in known.by_kind["option"]:
            yield Mention("option", name, stretch, start, start + len(name))
        elif "/" in text and not equals and (ground.root / text).exists():
            kind = "path"
        if kind in ("subcommand", "make-target", "path", "job", "model"):
            yield Mention(kind, text, stretch, start, end)


def _in_info(stretch: Stretch, known: _Names) -> Iterator[Mention]:
    for found in re.finditer(r"(?P<key>[a-z_]+)=\"(?P<value>[^\"]*)\"", stretch.text):
        if found["key"] == "job" and found["value"] in known.by_kind["job"]:
            yield Mention("job", found["value"], stretch, found.start("value"), found.end("value"))
        if found["key"] in ("job", "query", "nessie", "expect", "approve", "undo", "on_failure"):
            yield Mention("fence-attribute", found["key"], stretch, found.start("key"), found.end("key"))


def _in_span(stretch: Stretch, known: _Names, ground: Ground) -> Iterator[Mention]:
    text = stretch.text
    kind = known.kind_of(text) or known.kind_of(text.strip("+*()^"))
    first = text.split(" ", 1)[0]
    if kind:
        yield Mention(kind, text, stretch, 0, len(text))
    elif first in known.facts.commands or first == "make":
        yield from _in_shell(stretch, known, ground)
    elif "/" in text and " " not in text and (ground.root / text).exists():
        yield Mention("path", text, stretch, 0, len(text))
    elif re.search(r"\btag:|oso\.|\.\w+__|^\w+\.\w+", text) and (inside := list(_inside(stretch, known))):
        yield from inside
    elif re.fullmatch(r"[\w-]*[A-Za-z]{4}[\w.-]*", text) and text.lower() not in ("true", "false", "null", "none"):
        yield Mention("span", text, stretch, 0, len(text))


def _inside(stretch: Stretch, known: _Names) -> Iterator[Mention]:
    """Names within a selector or an assignment."""
    for found in re.finditer(r"\w+=\w+|\w+", stretch.text):
        text, after = found.group(), stretch.text[found.end() : found.end() + 1]
        kind = next((k for k in ("tag", "model") if text in known.by_kind[k]), "")
        if kind and after != "*":
            yield Mention(kind, text, stretch, found.start(), found.end())
