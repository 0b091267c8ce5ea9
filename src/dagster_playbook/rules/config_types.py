"""Dagster's verdict on a run config, told from its own config schema, with the place of each error.

The walk follows the config type snapshot that Dagster itself validates with. A property test holds the two to
the same verdict on generated configs, so the authority stays Dagster; what is gained is the exact key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dagster_playbook.claims.yaml_text import YamlNode, empty_map
from dagster_playbook.facts.facts import ConfigFieldFact, ConfigTypeFact


@dataclass(frozen=True, slots=True)
class ConfigError:
    """One thing that Dagster would refuse.

    Attributes:
        reason: `unknown`, `missing`, `type`, `choice` or `selector`.
        node: the key or value that is wrong; for a missing key, the mapping that lacks it.
        path: keys from the root to it, e.g. ("ops", "sqlmesh_project", "config", "restate_model").
        expected: names or types that would be right, for the message and for "did you mean".
    """

    reason: str
    node: YamlNode
    path: tuple[str, ...]
    expected: tuple[str, ...]


_PYTHON_SCALARS: dict[str, tuple[type, ...]] = {"INT": (int,), "STRING": (str,), "BOOL": (bool,), "FLOAT": (int, float)}
_SPOKEN = {"INT": "an integer", "STRING": "a string", "BOOL": "true or false", "FLOAT": "a number"}


@dataclass(frozen=True, slots=True)
class ConfigWalk:
    """Validates YAML nodes against the config types of one platform."""

    types: Mapping[str, ConfigTypeFact]

    def errors(self, node: YamlNode | None, type_key: str, path: tuple[str, ...] = ()) -> Iterator[ConfigError]:
        """Every error in `node` against the type of that key."""
        config_type = self.types.get(type_key)
        if config_type is None or config_type.kind == "ANY" or node is None:
            return
        if config_type.kind == "NONEABLE":
            if node.value is not None:
                yield from self.errors(node, config_type.inner[0], path)
        elif node.value is None:
            yield ConfigError("type", node, path, (self._spoken(config_type),))
        elif config_type.kind == "SCALAR_UNION":
            is_plain = not (node.is_map or node.is_list)
            yield from self.errors(node, config_type.inner[0 if is_plain else 1], path)
        else:
            yield from self._by_kind(node, config_type, path)

    def _by_kind(self, node: YamlNode, config_type: ConfigTypeFact, path: tuple[str, ...]) -> Iterator[ConfigError]:
        match config_type.kind:
            case "SCALAR":
                if not _is_scalar(node.value, config_type.scalar):
                    yield ConfigError("type", node, path, (self._spoken(config_type),))
            case "ENUM":
                if node.value not in config_type.enum:
                    yield ConfigError("choice", node, path, config_type.enum)
            case "ARRAY":
                yield from self._array(node, config_type, path)
            case "MAP":
                yield from self._map(node, config_type, path)
            case "SELECTOR":
                yield from self._selector(node, config_type, path)
            case "STRICT_SHAPE" | "PERMISSIVE_SHAPE":
                yield from self._shape(node, config_type, path)

    def _array(self, node: YamlNode, config_type: ConfigTypeFact, path: tuple[str, ...]) -> Iterator[ConfigError]:
        if not node.is_list:
            yield ConfigError("type", node, path, ("a list",))
            return
        for index, item in enumerate(node.elements()):
            yield from self.errors(item, config_type.inner[0], (*path, str(index)))

    def _map(self, node: YamlNode, config_type: ConfigTypeFact, path: tuple[str, ...]) -> Iterator[ConfigError]:
        if not node.is_map:
            yield ConfigError("type", node, path, ("a mapping",))
            return
        for key, value in node.items():
            yield from self.errors(key, config_type.inner[0], (*path, str(key.value)))
            yield from self.errors(value, config_type.inner[1], (*path, str(key.value)))

    def _selector(self, node: YamlNode, config_type: ConfigTypeFact, path: tuple[str, ...]) -> Iterator[ConfigError]:
        fields = {field.name: field for field in config_type.fields}
        names = tuple(fields)
        if not node.is_map:
            yield ConfigError("type", node, path, (f"a mapping with one of {', '.join(names)}",))
            return
        items = node.items()
        if not items:
            only = config_type.fields[0]
            if len(fields) > 1 or only.is_required:
                yield ConfigError("selector", node, path, names)
            return
        if len({key.value for key, _ in items}) > 1:
            yield ConfigError("selector", items[1][0], path, names)
            return
        key, value = items[-1]
        if key.value not in fields:
            yield ConfigError("unknown", key, (*path, str(key.value)), names)
            return
        field = fields[str(key.value)]
        if value.value is None and self._has_fields(field):
            # a selected key without a value stands for all its defaults
            value = empty_map(key)
        yield from self.errors(value, field.type_key, (*path, field.name))

    def _shape(self, node: YamlNode, config_type: ConfigTypeFact, path: tuple[str, ...]) -> Iterator[ConfigError]:
        if not node.is_map:
            yield ConfigError("type", node, path, ("a mapping",))
            return
        fields = {field.name: field for field in config_type.fields}
        # some names have a second spelling that Dagster takes as the same key
        fields |= {alias: fields[name] for name, alias in config_type.aliases.items() if name in fields}
        last = {key.value: (key, value) for key, value in node.items()}
        for name, (key, value) in last.items():
            if name in fields:
                yield from self.errors(value, fields[str(name)].type_key, (*path, str(name)))
            elif config_type.kind == "STRICT_SHAPE":
                yield ConfigError("unknown", key, (*path, str(name)), tuple(fields))
        yield from self._missing(node, config_type, set(last), path)

    def _missing(
        self, node: YamlNode, config_type: ConfigTypeFact, present: set[object], path: tuple[str, ...]
    ) -> Iterator[ConfigError]:
        for field in config_type.fields:
            spellings = {field.name, config_type.aliases.get(field.name, field.name)}
            if field.is_required and not spellings & present:
                yield ConfigError("missing", node, (*path, field.name), (field.name,))

    def _has_fields(self, field: ConfigFieldFact) -> bool:
        inner = self.types.get(field.type_key)
        return inner is not None and inner.kind in ("SELECTOR", "STRICT_SHAPE", "PERMISSIVE_SHAPE")

    def _spoken(self, config_type: ConfigTypeFact) -> str:
        if config_type.kind == "SCALAR":
            return _SPOKEN.get(config_type.scalar, "a scalar")
        if config_type.kind == "ARRAY":
            return "a list"
        if config_type.kind == "ENUM":
            return "one of " + ", ".join(config_type.enum)
        if config_type.kind == "SCALAR_UNION":
            inner = self.types.get(config_type.inner[0])
            return f"{self._spoken(inner)} or {{env: VARIABLE}}" if inner else "a scalar or {env: VARIABLE}"
        return "a mapping"


def _is_scalar(value: object, scalar: str) -> bool:
    kinds = _PYTHON_SCALARS.get(scalar)
    if kinds is None:
        return True
    if isinstance(value, bool):
        # a Python bool is an int: Dagster takes it for a float, never for an integer
        return scalar in ("BOOL", "FLOAT")
    return isinstance(value, kinds)
