"""What an inline code span names: a job, a model, a column, a config key, a tag, a command, a path, a value ...

Recognisers are asked in order; the first that knows the text decides. A text that none knows is a finding, by the
rule of the kind of name that stands nearest to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.claims.yaml_text import read_yaml
from dagster_playbook.findings import Finding, Rule
from dagster_playbook.rules import (
    command_rules,
    command_values,
    extraction,
    name_syntax,
    run_config,
    selectors,
    services,
    sql,
)
from dagster_playbook.rules.name_syntax import SUFFIXES, Answer, Recogniser, known
from dagster_playbook.rules.vocabulary import (
    FENCE_OPTIONS,
    NAME_KINDS,
    SQL_TYPES,
    SQL_WORDS,
    recorded_values,
    vocabulary_of,
)
from dagster_playbook.rules.world import World, did_you_mean, near

KINDS = frozenset({Kind.NAME})
OTHER_VALUE = Rule("PB019", "value-differs", "A `key: value` in a sentence that the platform sets otherwise.")
RULES = (OTHER_VALUE,)

_RULE_OF_KIND = {
    "job": run_config.UNKNOWN_JOB,
    "op": run_config.UNKNOWN_OP,
    "config key": run_config.UNKNOWN_KEY,
    "category": run_config.UNKNOWN_CATEGORY,
    "model": selectors.UNKNOWN_MODEL,
    "tag": selectors.UNKNOWN_TAG,
    "column": sql.UNKNOWN_COLUMN,
    "catalog": services.UNKNOWN_CATALOG,
    "reference": services.UNKNOWN_REFERENCE,
    "property": services.UNKNOWN_PROPERTY,
    "make target": command_rules.UNKNOWN_TARGET,
    "option": command_rules.UNKNOWN_OPTION,
    "command": command_rules.UNKNOWN_COMMAND,
    "path": command_values.UNKNOWN_PATH,
}
_LITERAL = re.compile(
    r"\A(?:-?\d[\d,._]*[a-zA-Z%]{0,3}|'[^']*'|\"[^\"]*\"|true|false|null|None|True|False|\[\]|\{\}|[<>=!]=?)\Z"
)
_TYPED = re.compile(r"\A(?:[A-Z]+)(?:\([\d, ]+\))?\Z")


def check(claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of one code span."""
    text = claim.text.strip()
    for recogniser in _RECOGNISERS:
        answer = recogniser(text, claim, world)
        if answer is not None:
            # a span is a word of the prose: whatever is found in it, what was meant is for people to say
            yield from (replace(finding, fix=None) for finding in answer)
            return
    yield _unknown(text, claim, world)


def is_exempt(claim: Claim, world: World) -> bool:
    """Whether the settings exempt this text as a word that is no name of the platform."""
    return claim.text.strip() in world.conventions.words


def _unknown(text: str, claim: Claim, world: World) -> Finding:
    for kind in NAME_KINDS:
        names = vocabulary_of(world).by_kind.get(kind, frozenset())
        found = near(text, names) if _may_be(text, kind, world) else ""
        if found and (kind == "environment variable" or found.isupper() == text.isupper()):
            rule = _RULE_OF_KIND.get(kind, extraction.UNKNOWN_NAME)
            message = f"no {kind} is called {text!r}; did you mean {found!r}?"
            return rule.finding(
                claim.location, message, subject=text, evidence="playbook facts", severity=world.doubtful
            )
    return extraction.UNKNOWN_NAME.finding(
        claim.location,
        f"{text!r} names nothing on the platform",
        subject=text,
        evidence="playbook facts",
        severity=world.doubtful,
    )


_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+")


def _may_be(text: str, kind: str, world: World) -> bool:
    """Whether a text is of the shape that names of a kind have: a name is misspelled, never of another kind."""
    if _VARIABLE.fullmatch(text) or kind == "environment variable":
        return kind == "environment variable" and _VARIABLE.fullmatch(text) is not None
    if kind == "make target":
        # a target by itself is a word like any other; behind `make` it is a command's
        return False
    if kind == "option":
        return text.startswith("-")
    if kind == "command":
        return " " in text and near(text.split(" ", 1)[0], world.facts.commands) != ""
    if kind == "path":
        return "/" in text or text.endswith(SUFFIXES)
    if kind in ("fact", "key"):
        return "." in text or (kind == "key" and "_" in text)
    # names are single words of letters, digits and joints
    return " " not in text and not text.startswith("-")


def _word(text: str, claim: Claim, world: World) -> Answer:
    return known() if is_exempt(claim, world) or _LITERAL.match(text) else None


def _vocabulary(text: str, claim: Claim, world: World) -> Answer:
    vocabulary = vocabulary_of(world)
    bare = text.rstrip(":")
    if bare in vocabulary.names or bare in SQL_WORDS or bare in SQL_TYPES:
        return known()
    if any(tag.endswith("/") and bare.startswith(tag) and bare != tag for tag in world.facts.system_tags):
        return known()
    head = bare.split("(")[0]
    return known() if _TYPED.match(bare) and head in SQL_TYPES else None


def _dotted(text: str, claim: Claim, world: World) -> Answer:
    """`model.column`, `catalog.schema.model` and `ops.x.config.key`: each part is held by itself."""
    if not re.fullmatch(r"\w+(?:\.\w+)+", text) or text.endswith(SUFFIXES):
        return None
    vocabulary = vocabulary_of(world)
    head, _, last = text.rpartition(".")
    model = world.model(head)
    if model is not None:
        if last.lower() in (column.lower() for column in model.columns):
            return known()
        message = f"{model.name} has no column {last!r}{did_you_mean(last, model.columns)}"
        return iter(
            [sql.UNKNOWN_COLUMN.finding(claim.location, message, subject=last, evidence="columns of the model")]
        )
    parts = text.split(".")
    if parts[0] in ("ops", "resources", "execution") or parts[0] in vocabulary.by_kind["config key"]:
        wrong = [part for part in parts if part not in vocabulary.names and part not in ("ops", "config", "resources")]
        if wrong:
            meant = vocabulary.by_kind["config key"] | vocabulary.by_kind["op"]
            message = f"no config key is called {wrong[0]!r}{did_you_mean(wrong[0], meant)}"
            found = run_config.UNKNOWN_KEY.finding(
                claim.location, message, subject=wrong[0], evidence="config schema", severity=world.doubtful
            )
            return iter([found])
        return known()
    if parts[0] in world.facts.catalogs or _is_schema(parts[0], world):
        return selectors.entry_findings(text, claim.location, world)
    return None


def _is_schema(name: str, world: World) -> bool:
    return any(model.name.split(".")[0] == name for model in world.facts.models.values())


def _key_value(text: str, claim: Claim, world: World) -> Answer:
    """`key: value` is held as config: the key exists, and a value that is a scalar fits where Dagster says its type."""
    match = re.fullmatch(r"(?P<key>[\w./-]+):\s+(?P<value>\S.*)", text)
    if not match:
        return None
    vocabulary = vocabulary_of(world)
    key, value = match["key"], match["value"]
    if key not in vocabulary.names:
        return None
    node, problems = read_yaml(text)
    if node is None or problems:
        return iter([extraction.NOT_YAML.finding(claim.location, f"{text!r} is not YAML", subject=text)])
    given = node.get(key)
    types = vocabulary.config_scalars.get(key)
    if types and given is not None and not (given.is_map or given.is_list):
        spoken = {"BOOL": bool, "INT": int, "STRING": str}
        expected = tuple(spoken[t] for t in types if t in spoken)
        if given.value is not None and expected and not isinstance(given.value, expected):
            message = f"{key} takes {' or '.join(sorted(t.lower() for t in types))}, not {value!r}"
            return iter([run_config.WRONG_TYPE.finding(claim.location, message, subject=key, evidence="config schema")])
    recorded = [item for item in recorded_values(key, world.facts) if not isinstance(item, list | dict)]
    if recorded and given is not None and given.value is not None and given.value not in recorded and not types:
        message = f"the platform sets {key} to {' or '.join(str(item) for item in recorded)}, not {value}"
        return iter([OTHER_VALUE.finding(claim.location, message, subject=key, evidence="playbook facts")])
    return known()


def _assignment(text: str, claim: Claim, world: World) -> Answer:
    """`key=value`: a tag, a catalog property, an environment variable, or a fence attribute."""
    match = re.fullmatch(r"(?P<key>[\w./-]+)=(?P<value>.*)", text)
    if not match:
        return None
    if text in world.tags or text.removesuffix("=") in FENCE_OPTIONS:
        return known()
    key, value = match["key"], match["value"].strip("\"'")
    if any(tag.startswith(f"{key}=") for tag in world.tags):
        if value in ("...", "…", "") or re.fullmatch(r"<[^>]+>|[a-z]+_name|value", value):
            return known()
        message = f"no model carries the tag {text!r}{did_you_mean(text, world.tags)}"
        return iter([selectors.UNKNOWN_TAG.finding(claim.location, message, subject=text, evidence="tags")])
    for catalog in world.facts.catalogs.values():
        if catalog.properties.get(key) == value or (key in catalog.properties and not value):
            return known()
    if key in vocabulary_of(world).names:
        return known()
    return None


_RECOGNISERS: tuple[Recogniser, ...] = (
    _word,
    _vocabulary,
    _key_value,
    _assignment,
    name_syntax.sql_text,
    name_syntax.command,
    name_syntax.option,
    _dotted,
    name_syntax.flow_yaml,
    name_syntax.selector,
    name_syntax.path,
    name_syntax.generated,
    name_syntax.directive,
    name_syntax.variable,
    name_syntax.python_name,
)
