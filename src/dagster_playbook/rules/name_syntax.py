"""Code spans that are a language of their own: commands, options, selectors, paths, queries, Python, variables.

Each recogniser gives the findings of a text that it knows, none when there are none, or None when the text is not
its business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from dagster_playbook.claims.model import Claim
from dagster_playbook.claims.shell import read_shell
from dagster_playbook.claims.yaml_text import read_yaml
from dagster_playbook.findings import Finding
from dagster_playbook.rules import command_rules, command_values, commands, model_blocks, selectors, sql
from dagster_playbook.rules.programs import STANDARD_PROGRAMS
from dagster_playbook.rules.vocabulary import CONFIG_FILES, vocabulary_of
from dagster_playbook.rules.world import World, did_you_mean

#: endings that make a word a path
SUFFIXES = (".py", ".yaml", ".yml", ".md", ".mdc", ".toml", ".sql", ".csv", ".json", ".lock", ".properties", ".duckdb")

_PATH = re.compile(r"\A\.{0,2}/?[\w.*-]+(?:/[\w.*<>{}-]+)*/?\Z")
_SQL_START = re.compile(
    r"\A(?:SELECT|SHOW|CREATE|INSERT|UPDATE|DELETE|ALTER|USE|EXPLAIN|MERGE|WITH|CALL)\b", re.IGNORECASE
)

Answer = Iterator[Finding] | None
Recogniser = Callable[[str, Claim, World], Answer]


def known() -> Iterator[Finding]:
    """The answer for a text without findings."""
    return iter(())


def command(text: str, claim: Claim, world: World) -> Answer:
    """A command, whole or in part: what prose does not say yet is not missing."""
    first = text.split(" ", 1)[0]
    known_program = first in world.facts.commands or first == "make" or first in STANDARD_PROGRAMS
    if not known_program or (" " not in text and first not in world.facts.commands and first != "make"):
        return known() if first in STANDARD_PROGRAMS and " " not in text else None
    parsed = read_shell(text)
    if parsed.errors or not parsed.commands:
        return None
    if not text.partition(" ")[2]:
        return known()
    words = parsed.commands[0].words
    findings = [f for command in parsed.commands for f in commands.command_findings(command, claim, world)]
    # prose names a command in part: what is not said yet is not missing
    kept = [f for f in findings if f.rule != command_rules.WRONG_ARGUMENTS.code or "too many" in f.message]
    return iter(kept) if words else None


def option(text: str, claim: Claim, world: World) -> Answer:
    """An option by itself has to be one of some command of the platform."""
    if not re.fullmatch(r"(?:--[A-Za-z][\w-]*|-[A-Za-z])(?:[= ].*)?", text):
        return None
    name = re.split(r"[= ]", text, maxsplit=1)[0]
    options = vocabulary_of(world).by_kind["option"]
    if name in options:
        return known()
    message = f"no command of the platform has the option {name!r}{did_you_mean(name, options)}"
    # an option by itself does not say whose it is
    unknown = command_rules.UNKNOWN_OPTION.finding(
        claim.location, message, subject=name, evidence="command trees", severity=world.doubtful
    )
    return iter([unknown])


def selector(text: str, claim: Claim, world: World) -> Answer:
    """A selector expression, by SQLMesh's own Selector."""
    if not world.conventions.is_strict and not (text.lstrip("+").startswith("tag:") or world.is_ours(text)):
        return None
    if not selectors.OPERATORS.search(text) or re.search(r"\s(?![&|])(?<![&|]\s)", text) or "/" in text:
        return None
    if "(" in text and not re.search(r"[&|^]", text):
        return None
    if re.search(r"<[^>]+>|\.\.\.|…", text) or not re.search(r"[a-z]", text) or not world.facts.models:
        return None
    return selectors.entry_findings(text, claim.location, world)


def path(text: str, claim: Claim, world: World) -> Answer:
    """A path of the project, a file that the tools look for by name, or a pattern below an existing folder."""
    plain = text.removeprefix("./")
    if text in CONFIG_FILES or (re.fullmatch(r"[A-Z][\w.-]+", text) and world.files.exists(text)):
        return known()
    is_path = _PATH.match(text) and ("/" in text or text.endswith(SUFFIXES))
    if not is_path or text.startswith("//"):
        return None
    if world.files.exists(plain.rstrip("/")):
        return known()
    if re.search(r"[<>{}*]", plain):
        folder = re.split(r"[^/]*[<>{}*]", plain, maxsplit=1)[0].rstrip("/")
        return known() if not folder or world.files.exists(folder) else None
    if text in vocabulary_of(world).by_kind["path"]:
        return known()
    if "/" in plain.strip("/") and not text.startswith((".", "/")):
        parent = plain.rstrip("/").split("/")[0]
        if world.files.exists(parent):
            message = f"{plain!r} does not exist in the project"
            found = command_values.UNKNOWN_PATH.finding(
                claim.location, message, subject=plain, evidence="the project's files", severity=world.doubtful
            )
            return iter([found])
    return None


def sql_text(text: str, claim: Claim, world: World) -> Answer:
    """A query, a MODEL block, or its tags."""
    if _SQL_START.match(text) and " " in text:
        return sql.query_findings(text, "trino", claim, world)
    if re.fullmatch(r"MODEL ?\(.*\)", text, re.DOTALL) or re.fullmatch(r"tags ?\(.*\)", text):
        whole = text if text.startswith("MODEL") else f"MODEL (name x.y, {text})"
        return model_blocks.model_findings(whole, claim, world)
    return None


def python_name(text: str, claim: Claim, world: World) -> Answer:
    """`module.name` and `name()` of an installed package or of the standard library."""
    match = re.fullmatch(r"(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\(.*\))?", text)
    if not match or ("." not in match["name"] and "(" not in text):
        return None
    module, _, _ = match["name"].partition(".")
    if "." not in match["name"]:
        homes = (f"import {home}\n{home}.{module}\n" for home in ("builtins", "dagster", "sqlmesh"))
        return known() if any(not world.authority.python_names(home).problems for home in homes) else None
    imported = f"import {module}\n{match['name']}\n"
    if module == "datetime" and match["name"].count(".") == 1:
        imported = f"from datetime import datetime\n{match['name']}\n"
    problems = world.authority.python_names(imported).problems
    return None if problems else known()


def generated(text: str, claim: Claim, world: World) -> Answer:
    """A path that .gitignore names is made by a command, not kept."""
    ignored = (world.files.text(".gitignore") or "").split("\n")
    first = text.removeprefix("./").split("/")[0]
    return known() if first and {first, f"{first}/", text} & set(ignored) else None


def directive(text: str, claim: Claim, world: World) -> Answer:
    """The project's own comments and settings, quoted: `<!-- fact: KEY -->`, `strict = true`."""
    if re.fullmatch(r"<!-- (?:fact: \S+|/fact|playbook: (?:ignore|record)\b.*|proven: .*|opinion: .*) -->", text):
        return known()
    setting = re.fullmatch(r"(?P<key>[a-z_-]+) = .+", text)
    return known() if setting and setting["key"] in world.conventions.settings else None


def variable(text: str, claim: Claim, world: World) -> Answer:
    """An environment variable that the platform reads."""
    match = re.fullmatch(r"\$?\{?(?:ENV:)?(?P<name>[A-Z][A-Z0-9_]{2,})\}?", text)
    return known() if match and match["name"] in world.facts.environment else None


def flow_yaml(text: str, claim: Claim, world: World) -> Answer:
    """`{env: NAME}`, and other flow YAML whose keys are config keys."""
    if not (text.startswith("{") and text.endswith("}")) and not text.startswith("["):
        return None
    node, problems = read_yaml(text)
    if node is None or problems:
        return None
    keys = set(node.keys())
    return known() if keys <= vocabulary_of(world).names | {"env"} else None
