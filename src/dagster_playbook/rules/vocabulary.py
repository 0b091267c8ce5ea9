"""Every name that the platform has, by kind: what a code span is looked up in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from dagster_playbook.claims.runbook_model import ATTRIBUTES
from dagster_playbook.facts.facts import CommandFact, Facts
from dagster_playbook.rules.world import World

#: kinds in the order in which a misspelt name is probably meant
NAME_KINDS = (
    "job",
    "op",
    "config key",
    "model",
    "tag",
    "catalog",
    "reference",
    "asset",
    "category",
    "column",
    "fact",
    "property",
    "make target",
    "option",
    "command",
    "environment variable",
    "key",
    "path",
)

#: files that the tools look for by these names
CONFIG_FILES = frozenset(
    """config.yaml config.yml config.py dagster.yaml workspace.yaml pyproject.toml mkdocs.yml mkdocs.yaml Makefile
    requirements.txt requirements.lock .pre-commit-config.yaml compose.yaml docker-compose.yml""".split()
)
#: options of a fence that this tool reads
FENCE_OPTIONS = frozenset(ATTRIBUTES) | {"title", "fails", "passes", "linenums", "hl_lines"}

#: words of SQL and of MODEL blocks that prose names by themselves
SQL_WORDS = frozenset(
    """SELECT FROM WHERE GROUP BY ORDER LIMIT JOIN UNION WITH CREATE INSERT UPDATE DELETE VIEW TABLE SCHEMA SHOW
    CATALOGS EXPLAIN TABLESAMPLE MERGE USE UNNEST CROSS DISTINCT COUNT MODEL AUDIT METRIC NULL""".split()
)
SQL_TYPES = frozenset(
    """VARCHAR TEXT STRING INT INTEGER BIGINT SMALLINT TINYINT DOUBLE REAL FLOAT DECIMAL NUMERIC BOOLEAN BOOL
    DATE TIME TIMESTAMP TIMESTAMPTZ ARRAY MAP ROW STRUCT JSON BYTES VARBINARY UUID BIGNUMERIC FLOAT64 INT64
    RECORD REPEATED DATETIME GEOGRAPHY INTERVAL""".split()
)


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """All names, by kind and together; `config_scalars` maps a config key to the scalar types that it may take."""

    by_kind: dict[str, frozenset[str]]
    names: frozenset[str]
    config_scalars: dict[str, frozenset[str]]


_cache: WeakKeyDictionary[World, Vocabulary] = WeakKeyDictionary()


def vocabulary_of(world: World) -> Vocabulary:
    """The vocabulary of a world, made once."""
    made = _cache.get(world)
    if made is None:
        made = _cache[world] = _make(world)
    return made


def _make(world: World) -> Vocabulary:
    facts = world.facts
    from dagster_playbook.rules import RULES

    by_kind = {
        "job": frozenset(facts.jobs),
        "op": frozenset(facts.ops) | frozenset(op for job in facts.jobs.values() for op in job.ops),
        "asset": frozenset(_asset_names(facts)),
        "config key": frozenset(field.name for kind in facts.config_types.values() for field in kind.fields),
        "model": frozenset(_model_names(facts)),
        "tag": world.tags | frozenset(tag.split("=", 1)[0] for tag in world.tags) | frozenset(facts.system_tags),
        "catalog": frozenset(facts.catalogs),
        "reference": frozenset(facts.refs),
        "category": world.categories,
        "column": frozenset(column for model in facts.models.values() for column in model.columns),
        "fact": frozenset(facts.values),
        "property": frozenset(key for catalog in facts.catalogs.values() for key in catalog.properties),
        "make target": frozenset(facts.make_targets),
        "option": frozenset(_options(facts)) | {"--help", "--version"},
        "command": frozenset(_command_names(facts)),
        "environment variable": frozenset(facts.environment),
        "key": frozenset(_tails(facts)),
        "path": frozenset(model.path for model in facts.models.values()),
    }
    others = frozenset(facts.versions) | frozenset(facts.resources)
    others |= frozenset(facts.sensors) | frozenset(facts.schedules)
    others |= frozenset(RULES) | frozenset(rule.name for rule in RULES.values())
    others |= frozenset(model.kind for model in facts.models.values())
    others |= frozenset(audit for model in facts.models.values() for audit in model.audits)
    others |= frozenset(model.cron for model in facts.models.values())
    others |= frozenset(schema for schema in {model.name.split(".")[0] for model in facts.models.values()})
    others |= frozenset(f"{model.name.split('.')[0]}." for model in facts.models.values())
    others |= frozenset(value for value in facts.values.values() if isinstance(value, str) and value)
    lists = [value for value in facts.values.values() if isinstance(value, list)]
    others |= frozenset(item for value in lists for item in value if isinstance(item, str))
    names = frozenset().union(*by_kind.values(), others)
    return Vocabulary(by_kind, names, _scalars(facts))


def _tails(facts: Facts) -> Iterator[str]:
    """A fact's key from any of its parts on: `dagster.run_retries.max_retries` is also `max_retries`."""
    for key in facts.values:
        parts = key.split(".")
        for start in range(len(parts)):
            yield ".".join(parts[start:])
            yield parts[start]


def recorded_values(key: str, facts: Facts) -> list[object]:
    """The values of every fact whose key ends with `key`."""
    return [value for name, value in facts.values.items() if name == key or name.endswith(f".{key}")]


def _asset_names(facts: Facts) -> Iterator[str]:
    for key, asset in facts.assets.items():
        yield key
        yield asset.group
        yield key.replace("/", "__")


def _model_names(facts: Facts) -> Iterator[str]:
    for model in facts.models.values():
        fqn = model.fqn.replace('"', "")
        yield model.name
        yield fqn
        yield model.name.split(".")[-1]


def _options(facts: Facts) -> Iterator[str]:
    stack = list(facts.commands.values())
    while stack:
        command = stack.pop()
        for option in command.options:
            yield from option.names
        stack.extend(command.subcommands.values())


def _command_names(facts: Facts) -> Iterator[str]:
    stack: list[tuple[str, CommandFact]] = list(facts.commands.items())
    while stack:
        path, command = stack.pop()
        yield path
        stack.extend((f"{path} {name}", child) for name, child in command.subcommands.items())


def _scalars(facts: Facts) -> dict[str, frozenset[str]]:
    """Only keys that take plain scalars everywhere: a key that also takes a list or a mapping is not judged here."""
    found: dict[str, set[str]] = {}
    for kind in facts.config_types.values():
        for field in kind.fields:
            found.setdefault(field.name, set()).update(_scalar_names(field.type_key, facts))
    return {name: frozenset(kinds) for name, kinds in found.items() if "OTHER" not in kinds}


def _scalar_names(type_key: str, facts: Facts) -> set[str]:
    kind = facts.config_types.get(type_key)
    if kind is None:
        return {"OTHER"}
    if kind.kind in ("NONEABLE", "SCALAR_UNION"):
        return _scalar_names(kind.inner[0], facts)
    return {kind.scalar} if kind.kind == "SCALAR" and kind.scalar else {"OTHER"}
