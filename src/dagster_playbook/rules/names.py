"""What an inline code span names: a job, a model, a column, a config key, a tag, a command, a path, a value ...

Recognisers are asked in order; the first that knows the text decides. A text that none knows is a finding, by the
rule of the kind of name that stands nearest to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.claims.shell import read_shell
from dagster_playbook.claims.yaml_text import read_yaml
from dagster_playbook.findings import Finding, Fix, Rule, Severity
from dagster_playbook.rules import (
    command_values,
    commands,
    extraction,
    model_blocks,
    run_config,
    selectors,
    services,
    sql,
)
from dagster_playbook.rules.vocabulary import (
    CONFIG_FILES,
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
    "make target": commands.UNKNOWN_TARGET,
    "option": commands.UNKNOWN_OPTION,
    "command": commands.UNKNOWN_COMMAND,
    "path": command_values.UNKNOWN_PATH,
}
_PATH = re.compile(r"\A\.{0,2}/?[\w.*-]+(?:/[\w.*<>{}-]+)*/?\Z")
_SUFFIXES = (".py", ".yaml", ".yml", ".md", ".mdc", ".toml", ".sql", ".csv", ".json", ".lock", ".properties", ".duckdb")
_LITERAL = re.compile(
    r"\A(?:-?\d[\d,._]*[a-zA-Z%]{0,3}|'[^']*'|\"[^\"]*\"|true|false|null|None|True|False|\[\]|\{\}|[<>=!]=?)\Z"
)
_SQL_START = re.compile(
    r"\A(?:SELECT|SHOW|CREATE|INSERT|UPDATE|DELETE|ALTER|USE|EXPLAIN|MERGE|WITH|CALL)\b", re.IGNORECASE
)
_TYPED = re.compile(r"\A(?:[A-Z]+)(?:\([\d, ]+\))?\Z")

Answer = Iterator[Finding] | None
Recogniser = Callable[[str, Claim, World], Answer]


def _known() -> Iterator[Finding]:
    return iter(())


def check(claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of one code span."""
    text = claim.text.strip()
    for recogniser in _RECOGNISERS:
        answer = recogniser(text, claim, world)
        if answer is not None:
            yield from answer
            return
    yield _unknown(text, claim, world)


def is_exempt(claim: Claim, world: World) -> bool:
    """Whether the settings exempt this text as a word that is no name of the platform."""
    return claim.text.strip() in world.conventions.words


def _unknown(text: str, claim: Claim, world: World) -> Finding:
    strict = world.conventions.is_strict
    for kind in NAME_KINDS:
        names = vocabulary_of(world).by_kind.get(kind, frozenset())
        found = near(text, names)
        if found:
            rule = _RULE_OF_KIND.get(kind, extraction.UNKNOWN_NAME)
            message = f"no {kind} is called {text!r}; did you mean {found!r}?"
            fix = Fix(claim.location, found, safe=True)
            severity = Severity.ERROR if strict else Severity.WARNING
            return rule.finding(
                claim.location, message, subject=text, evidence="playbook facts", fix=fix, severity=severity
            )
    return extraction.UNKNOWN_NAME.finding(
        claim.location,
        f"{text!r} names nothing on the platform",
        subject=text,
        evidence="playbook facts",
        severity=Severity.ERROR if strict else Severity.WARNING,
    )


def _word(text: str, claim: Claim, world: World) -> Answer:
    return _known() if is_exempt(claim, world) or _LITERAL.match(text) else None


def _vocabulary(text: str, claim: Claim, world: World) -> Answer:
    vocabulary = vocabulary_of(world)
    bare = text.rstrip(":")
    if bare in vocabulary.names or bare in SQL_WORDS or bare in SQL_TYPES:
        return _known()
    head = bare.split("(")[0]
    return _known() if _TYPED.match(bare) and head in SQL_TYPES else None


def _dotted(text: str, claim: Claim, world: World) -> Answer:
    """`model.column`, `catalog.schema.model` and `ops.x.config.key`: each part is held by itself."""
    if not re.fullmatch(r"\w+(?:\.\w+)+", text) or text.endswith(_SUFFIXES):
        return None
    vocabulary = vocabulary_of(world)
    head, _, last = text.rpartition(".")
    model = world.model(head)
    if model is not None:
        if last.lower() in (column.lower() for column in model.columns):
            return _known()
        message = f"{model.name} has no column {last!r}{did_you_mean(last, model.columns)}"
        return iter(
            [sql.UNKNOWN_COLUMN.finding(claim.location, message, subject=last, evidence="columns of the model")]
        )
    parts = text.split(".")
    if parts[0] in ("ops", "resources", "execution") or parts[0] in vocabulary.by_kind["config key"]:
        wrong = [part for part in parts if part not in vocabulary.names and part not in ("ops", "config", "resources")]
        if wrong:
            known = vocabulary.by_kind["config key"] | vocabulary.by_kind["op"]
            message = f"no config key is called {wrong[0]!r}{did_you_mean(wrong[0], known)}"
            found = run_config.UNKNOWN_KEY.finding(
                claim.location, message, subject=wrong[0], evidence="config schema", severity=world.doubtful
            )
            return iter([found])
        return _known()
    if parts[0] in world.facts.catalogs or _is_schema(parts[0], world):
        return selectors.entry_findings(text, claim.location, world)
    return None


def _is_schema(name: str, world: World) -> bool:
    return any(model.name.split(".")[0] == name for model in world.facts.models.values())


def _key_value(text: str, claim: Claim, world: World) -> Answer:
    """`key: value` is held as config: the key exists, and a value that is a scalar fits where Dagster says its type."""
    match = re.fullmatch(r"(?P<key>[\w.-]+):\s+(?P<value>\S.*)", text)
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
    return _known()


def _assignment(text: str, claim: Claim, world: World) -> Answer:
    """`key=value`: a tag, a catalog property, an environment variable, or a fence attribute."""
    match = re.fullmatch(r"(?P<key>[\w.-]+)=(?P<value>.*)", text)
    if not match:
        return None
    if text in world.tags or text.removesuffix("=") in FENCE_OPTIONS:
        return _known()
    key, value = match["key"], match["value"].strip("\"'")
    if any(tag.startswith(f"{key}=") for tag in world.tags):
        if value in ("...", "…", "") or re.fullmatch(r"<[^>]+>|[a-z]+_name|value", value):
            return _known()
        message = f"no model carries the tag {text!r}{did_you_mean(text, world.tags)}"
        fix = near(text, world.tags)
        repair = Fix(claim.location, fix, safe=True) if fix else None
        return iter([selectors.UNKNOWN_TAG.finding(claim.location, message, subject=text, evidence="tags", fix=repair)])
    for catalog in world.facts.catalogs.values():
        if catalog.properties.get(key) == value or (key in catalog.properties and not value):
            return _known()
    if key in vocabulary_of(world).names:
        return _known()
    return None


def _command(text: str, claim: Claim, world: World) -> Answer:
    first = text.split(" ", 1)[0]
    known_program = first in world.facts.commands or first == "make" or first in commands.STANDARD_PROGRAMS
    if not known_program or (" " not in text and first not in world.facts.commands and first != "make"):
        return _known() if first in commands.STANDARD_PROGRAMS and " " not in text else None
    parsed = read_shell(text)
    if parsed.errors or not parsed.commands:
        return None
    if not text.partition(" ")[2]:
        return _known()
    words = parsed.commands[0].words
    findings = [f for command in parsed.commands for f in commands.command_findings(command, claim, world)]
    # prose names a command in part: what is not said yet is not missing
    kept = [f for f in findings if f.rule != commands.WRONG_ARGUMENTS.code or "too many" in f.message]
    return iter(kept) if words else None


def _option(text: str, claim: Claim, world: World) -> Answer:
    if not re.fullmatch(r"(?:--[A-Za-z][\w-]*|-[A-Za-z])(?:[= ].*)?", text):
        return None
    name = re.split(r"[= ]", text, maxsplit=1)[0]
    options = vocabulary_of(world).by_kind["option"]
    if name in options:
        return _known()
    found = near(name, options)
    message = f"no command of the platform has the option {name!r}{did_you_mean(name, options)}"
    fix = Fix(claim.location, text.replace(name, found, 1), safe=True) if found else None
    # an option by itself does not say whose it is
    unknown = commands.UNKNOWN_OPTION.finding(
        claim.location, message, subject=name, evidence="command trees", fix=fix, severity=world.doubtful
    )
    return iter([unknown])


def _selector(text: str, claim: Claim, world: World) -> Answer:
    if not world.conventions.is_strict and not (text.lstrip("+").startswith("tag:") or world.is_ours(text)):
        return None
    if not selectors.OPERATORS.search(text) or re.search(r"\s(?![&|])(?<![&|]\s)", text) or "/" in text:
        return None
    if "(" in text and not re.search(r"[&|^]", text):
        return None
    if re.search(r"<[^>]+>|\.\.\.|…", text) or not re.search(r"[a-z]", text) or not world.facts.models:
        return None
    return selectors.entry_findings(text, claim.location, world)


def _path(text: str, claim: Claim, world: World) -> Answer:
    plain = text.removeprefix("./")
    if text in CONFIG_FILES or (re.fullmatch(r"[A-Z][\w.-]+", text) and world.files.exists(text)):
        return _known()
    is_path = _PATH.match(text) and ("/" in text or text.endswith(_SUFFIXES))
    if not is_path or text.startswith("//"):
        return None
    if world.files.exists(plain.rstrip("/")):
        return _known()
    if re.search(r"[<>{}*]", plain):
        folder = re.split(r"[^/]*[<>{}*]", plain, maxsplit=1)[0].rstrip("/")
        return _known() if not folder or world.files.exists(folder) else None
    if text in vocabulary_of(world).by_kind["path"]:
        return _known()
    if "/" in plain.strip("/") and not text.startswith((".", "/")):
        parent = plain.rstrip("/").split("/")[0]
        if world.files.exists(parent):
            message = f"{plain!r} does not exist in the project"
            found = command_values.UNKNOWN_PATH.finding(
                claim.location, message, subject=plain, evidence="the project's files", severity=world.doubtful
            )
            return iter([found])
    return None


def _sql(text: str, claim: Claim, world: World) -> Answer:
    if _SQL_START.match(text) and " " in text:
        return sql.query_findings(text, "trino", claim, world)
    if re.fullmatch(r"MODEL ?\(.*\)", text, re.DOTALL) or re.fullmatch(r"tags ?\(.*\)", text):
        whole = text if text.startswith("MODEL") else f"MODEL (name x.y, {text})"
        return model_blocks.model_findings(whole, claim, world)
    return None


def _python(text: str, claim: Claim, world: World) -> Answer:
    """`module.name` and `name()` of an installed package or of the standard library."""
    match = re.fullmatch(r"(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\(.*\))?", text)
    if not match or ("." not in match["name"] and "(" not in text):
        return None
    module, _, _ = match["name"].partition(".")
    if "." not in match["name"]:
        homes = (f"import {home}\n{home}.{module}\n" for home in ("builtins", "dagster", "sqlmesh"))
        return _known() if any(not world.authority.python_names(home).problems for home in homes) else None
    imported = f"import {module}\n{match['name']}\n"
    if module == "datetime" and match["name"].count(".") == 1:
        imported = f"from datetime import datetime\n{match['name']}\n"
    problems = world.authority.python_names(imported).problems
    return None if problems else _known()


def _generated(text: str, claim: Claim, world: World) -> Answer:
    """A path that .gitignore names is made by a command, not kept."""
    ignored = (world.files.text(".gitignore") or "").split("\n")
    first = text.removeprefix("./").split("/")[0]
    return _known() if first and {first, f"{first}/", text} & set(ignored) else None


def _directive(text: str, claim: Claim, world: World) -> Answer:
    """The project's own comments and settings, quoted: `<!-- fact: KEY -->`, `strict = true`."""
    if re.fullmatch(r"<!-- (?:fact: \S+|/fact|playbook: ignore .*) -->", text):
        return _known()
    setting = re.fullmatch(r"(?P<key>[a-z-]+) = .+", text)
    return _known() if setting and setting["key"] in world.conventions.settings else None


def _variable(text: str, claim: Claim, world: World) -> Answer:
    match = re.fullmatch(r"\$?\{?(?:ENV:)?(?P<name>[A-Z][A-Z0-9_]{2,})\}?", text)
    return _known() if match and match["name"] in world.facts.environment else None


def _env_selector(text: str, claim: Claim, world: World) -> Answer:
    """`{env: NAME}`, and other flow YAML whose keys are config keys."""
    if not (text.startswith("{") and text.endswith("}")) and not text.startswith("["):
        return None
    node, problems = read_yaml(text)
    if node is None or problems:
        return None
    keys = set(node.keys())
    return _known() if keys <= vocabulary_of(world).names | {"env"} else None


_RECOGNISERS: tuple[Recogniser, ...] = (
    _word,
    _vocabulary,
    _key_value,
    _assignment,
    _sql,
    _command,
    _option,
    _dotted,
    _env_selector,
    _selector,
    _path,
    _generated,
    _directive,
    _variable,
    _python,
)
