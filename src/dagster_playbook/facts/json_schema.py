"""JSON Schema (2020-12) for run configs, built from Dagster's own config types.

A schema accepts what Dagster accepts and nothing else, with one difference that JSON Schema forces: a number such as
`1.0` is an integer to JSON Schema and a float to Dagster. Names of the platform stand in it as examples only, so that
editors complete them and a new model does not make a config invalid.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from dagster_playbook.facts.facts import ConfigFieldFact, ConfigTypeFact, Facts

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]
_SHAPES = ("STRICT_SHAPE", "PERMISSIVE_SHAPE", "SELECTOR")
_SCALARS: dict[str, Schema] = {
    "INT": {"type": "integer"},
    "STRING": {"type": "string"},
    "BOOL": {"type": "boolean"},
    # Dagster counts true and false as numbers here, since Python does
    "FLOAT": {"type": ["number", "boolean"]},
}
_DATE_FIELDS = re.compile(r"^(start|end)(_date)?$")


def job_schema(facts: Facts, job: str) -> Schema:
    """The schema of a job's whole run config.

    Raises:
        KeyError: there is no such job.
    """
    return _document(facts, facts.jobs[job].config_type, f"Run config of the job {job}", facts.jobs[job].description)


def op_schema(facts: Facts, op: str) -> Schema:
    """The schema of what stands under `config:` of an op.

    Raises:
        KeyError: there is no such op, or it takes no config.
    """
    if not facts.ops[op]:
        raise KeyError(op)
    return _document(facts, facts.ops[op], f"Config of the op {op}", "")


def _document(facts: Facts, key: str, title: str, description: str) -> Schema:
    built = _Builder(facts.config_types, _examples(facts))
    root = built.of(key)
    head: Schema = {"$schema": DIALECT, "title": title}
    if description:
        head["description"] = description
    return {**head, **root, **({"$defs": dict(sorted(built.definitions.items()))} if built.definitions else {})}


class _Builder:
    """Schemas of config types; shapes stand once in `definitions` and are referred to."""

    def __init__(self, types: Mapping[str, ConfigTypeFact], examples: Mapping[str, list[str]]) -> None:
        self._types = types
        self._examples = examples
        self.definitions: dict[str, Schema] = {}

    def of(self, key: str) -> Schema:
        kind = self._types[key]
        if kind.kind in _SHAPES:
            return self._referred(kind)
        return self._plain(kind)

    def _plain(self, kind: ConfigTypeFact) -> Schema:
        match kind.kind:
            case "ANY":
                return {}
            case "SCALAR":
                return dict(_SCALARS.get(kind.scalar, {"not": {"type": "null"}}))
            case "ENUM":
                return {"enum": list(kind.enum)}
            case "NONEABLE":
                return {"anyOf": [self.of(kind.inner[0]), {"type": "null"}]}
            case "ARRAY":
                return {"type": "array", "items": self.of(kind.inner[0])}
            case "MAP":
                return {"type": "object", "additionalProperties": self.of(kind.inner[1]), **self._keys(kind.inner[0])}
            case "SCALAR_UNION":
                return {"anyOf": [self.of(kind.inner[0]), self.of(kind.inner[1])]}
        raise ValueError(f"Dagster's config kind {kind.kind!r} has no JSON Schema")

    def _keys(self, key: str) -> Schema:
        """Keys of a YAML mapping may be numbers; JSON Schema sees their text."""
        return {"propertyNames": {"pattern": r"^-?[0-9]+$"}} if self._types[key].scalar == "INT" else {}

    def _referred(self, kind: ConfigTypeFact) -> Schema:
        name = re.sub(r"[^A-Za-z0-9._-]", "_", kind.key)
        if name not in self.definitions:
            # claimed before it is built, so that a shape inside itself would find it
            self.definitions[name] = {}
            self.definitions[name].update(self._selector(kind) if kind.kind == "SELECTOR" else self._shape(kind))
        return {"$ref": f"#/$defs/{name}"}

    def _shape(self, kind: ConfigTypeFact) -> Schema:
        schema: Schema = {"type": "object", "properties": {item.name: self._field(item) for item in kind.fields}}
        if kind.kind == "STRICT_SHAPE":
            schema["additionalProperties"] = False
        if required := [item.name for item in kind.fields if item.is_required and item.name not in kind.aliases]:
            schema["required"] = required
        conditions: list[Schema] = []
        for item in kind.fields:
            if alias := kind.aliases.get(item.name):
                schema["properties"][alias] = self._field(item)
                conditions.append({"not": {"required": [item.name, alias]}})
                if item.is_required:
                    conditions.append({"anyOf": [{"required": [item.name]}, {"required": [alias]}]})
        return {**schema, **({"allOf": conditions} if conditions else {})}

    def _selector(self, kind: ConfigTypeFact) -> Schema:
        """Exactly one field; a field whose type has fields may be named without a value, and means its defaults."""
        properties: dict[str, Schema] = {}
        for item in kind.fields:
            schema = self._field(item)
            if self._takes_nothing(item.type_key):
                schema = {"anyOf": [schema, {"type": "null"}]}
            properties[item.name] = schema
        least = 0 if self._accepts_empty(kind) else 1
        return {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            "minProperties": least,
            "maxProperties": 1,
        }

    def _takes_nothing(self, key: str) -> bool:
        kind = self._types[key]
        return kind.kind in _SHAPES and self._accepts_empty(kind)

    def _accepts_empty(self, kind: ConfigTypeFact) -> bool:
        if kind.kind == "SELECTOR":
            return len(kind.fields) == 1 and not kind.fields[0].is_required
        return not any(item.is_required for item in kind.fields)

    def _field(self, item: ConfigFieldFact) -> Schema:
        schema = self.of(item.type_key)
        if item.description:
            schema["description"] = item.description
        if item.default:
            schema["default"] = json.loads(item.default)
        if examples := self._examples_for(item):
            schema["examples"] = examples
        return schema

    def _examples_for(self, item: ConfigFieldFact) -> list[Any]:
        """Lists of real names for fields that take models, selectors or categories; a date for a window's ends."""
        kind = self._types[item.type_key]
        inner = self._types[kind.inner[0]] if kind.kind == "NONEABLE" else kind
        if inner.kind == "ARRAY":
            for word, names in self._examples.items():
                if word in item.name:
                    return [[name] for name in names]
        return ["2026-01-01"] if _DATE_FIELDS.match(item.name) else []


def _examples(facts: Facts) -> dict[str, list[str]]:
    """What a list field takes, by a word in its name."""
    models = [model.name for model in facts.models.values() if model.kind != "EXTERNAL"]
    tags = sorted({tag for model in facts.models.values() for tag in model.tags if ":" not in tag})
    selectors = [f"tag:{tag}" for tag in tags]
    selectors += [f"{schema}.{prefix}*" for schema, prefix in _prefixes(models)]
    categories = sorted({tag.partition("=")[2] for tag in tags if tag.partition("=")[0].endswith("category")})
    return {"categor": categories, "model": [*models, *selectors]}


def _prefixes(models: Iterable[str]) -> list[tuple[str, str]]:
    """`(oso, stg_)` for each layer that several models share by the beginning of their names."""
    counted: dict[tuple[str, str], int] = {}
    for name in models:
        schema, _, short = name.rpartition(".")
        prefix, separator, _ = short.partition("_")
        if schema and separator:
            counted[(schema, prefix + "_")] = counted.get((schema, prefix + "_"), 0) + 1
    return sorted(key for key, count in counted.items() if count > 1)
