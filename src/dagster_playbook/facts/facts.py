"""The plain, serialisable picture of the platform that documents are held to.

Nothing here imports Dagster, SQLMesh or a service: the readers beside this file fill it, the cache stores it,
the rules read it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelFact:
    """A SQLMesh model.

    Attributes:
        name: as written in the model, e.g. `oso.stg_pypi__projects`.
        fqn: SQLMesh's fully-qualified name with quotes, e.g. `"iceberg"."oso"."stg_pypi__projects"`.
        kind: SQLMesh's kind name, e.g. `INCREMENTAL_BY_TIME_RANGE`.
        columns: column name to SQL type, in order.
        depends_on: fqns of the models and external tables it reads.
        path, line: where it is defined, relative to the project; line 1-based.
    """

    name: str
    fqn: str
    kind: str
    columns: dict[str, str]
    tags: tuple[str, ...]
    cron: str
    depends_on: tuple[str, ...]
    audits: tuple[str, ...]
    owner: str
    description: str
    path: str
    line: int
    dialect: str = ""
    project: str = ""


@dataclass(frozen=True, slots=True)
class ConfigFieldFact:
    """A field of a Dagster config shape; `default` is JSON text, "" when there is none."""

    name: str
    type_key: str
    is_required: bool
    default: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class ConfigTypeFact:
    """A Dagster config type by its own key, as in Dagster's config schema snapshot.

    Attributes:
        kind: ANY, SCALAR, ENUM, SELECTOR, STRICT_SHAPE, PERMISSIVE_SHAPE, ARRAY, MAP, NONEABLE or SCALAR_UNION.
        given_name: e.g. `StringSourceType`, or "".
        fields: of a shape or selector.
        inner: type keys: [item] of an array or a noneable, [key, value] of a map, [scalar, other] of a union.
        enum: the allowed values of an enum.
        scalar: INT, STRING, FLOAT or BOOL for a scalar.
        aliases: of a strict shape: field name to the other name that Dagster still takes for it.
    """

    key: str
    kind: str
    given_name: str = ""
    fields: tuple[ConfigFieldFact, ...] = ()
    inner: tuple[str, ...] = ()
    enum: tuple[str, ...] = ()
    scalar: str = ""
    aliases: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobFact:
    """A Dagster job; `config_type` is the key of its whole run config, `ops` its node names."""

    name: str
    ops: tuple[str, ...]
    config_type: str
    tags: dict[str, str]
    description: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class AssetFact:
    """A Dagster asset; `key` joined by `/`, `op` the node that makes it."""

    key: str
    op: str
    group: str
    kinds: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    location: str = ""


@dataclass(frozen=True, slots=True)
class OptionFact:
    """An option of a command: its spellings, whether it takes a value, and the values it takes when limited.

    `hidden` ones stand in no `--help`; `default` is text, "" when there is none or it is no plain value.
    `values` counts the words that follow it when it takes any: 2 for `--query MODEL SQL`, 0 when one may be left out.
    `type` is what a value has to be: integer, number, boolean, date, uuid, path, or "" for any text; `minimum` and
    `maximum` bound a number, and `formats` are those of a date, as strptime has them.
    """

    names: tuple[str, ...]
    takes_value: bool
    choices: tuple[str, ...] = ()
    multiple: bool = False
    required: bool = False
    values: int = 1
    type: str = ""
    minimum: float | None = None
    maximum: float | None = None
    formats: tuple[str, ...] = ()
    ignores_case: bool = False
    hidden: bool = False
    default: str = ""


@dataclass(frozen=True, slots=True)
class CommandFact:
    """A command or sub-command of a command tree.

    `min_arguments` and `max_arguments` count positional arguments; -1 as maximum is without limit. `argument_types` are
    those of `OptionFact.type`, one an argument.
    """

    name: str
    options: tuple[OptionFact, ...] = ()
    min_arguments: int = 0
    max_arguments: int = 0
    argument_choices: tuple[tuple[str, ...], ...] = ()
    argument_types: tuple[str, ...] = ()
    subcommands: dict[str, CommandFact] = field(default_factory=dict)
    help: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class CatalogFact:
    """A Trino catalog: the Nessie reference that it reads, its Iceberg catalog type and all its properties."""

    name: str
    ref: str
    type: str
    properties: dict[str, str]
    path: str


@dataclass(frozen=True, slots=True)
class RefFact:
    """A Nessie reference; `kind` is BRANCH or TAG, `hash` "" when only recorded."""

    name: str
    kind: str
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a page can be held to.

    Attributes:
        fingerprint: of the platform's sources, the settings and the installed versions.
        ops: op name to the key of its `config` type, "" when the op takes no config.
        system_tags: tags that the installed Dagster defines; one that ends in a slash begins a family of them.
        versions: distribution name to version; extras: to the extras that it offers.
        values: dotted key to a plain value, what prose is bound to, e.g. `dagster.run_retries.max_retries`.
        origins: dotted key to where the value comes from, e.g. `warehouse/dagster.yaml`.
        environment: environment variable that the platform's sources read to the file that reads it.
        unread: what of it could not be read, by a command's name or a dotted key, and why.
        sources: what was read, e.g. `{"sqlmesh": "warehouse/oso_sqlmesh", ...}`.
    """

    fingerprint: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    models: dict[str, ModelFact] = field(default_factory=dict)
    jobs: dict[str, JobFact] = field(default_factory=dict)
    ops: dict[str, str] = field(default_factory=dict)
    config_types: dict[str, ConfigTypeFact] = field(default_factory=dict)
    assets: dict[str, AssetFact] = field(default_factory=dict)
    resources: tuple[str, ...] = ()
    sensors: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    system_tags: tuple[str, ...] = ()
    commands: dict[str, CommandFact] = field(default_factory=dict)
    make_targets: tuple[str, ...] = ()
    catalogs: dict[str, CatalogFact] = field(default_factory=dict)
    refs: dict[str, RefFact] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    extras: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON: nested dicts and lists in the order of the fields."""
        return {f.name: plain(getattr(self, f.name)) for f in dataclasses.fields(self)}


def plain(value: Any) -> Any:
    """Facts, and containers of facts, as JSON types."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return value
