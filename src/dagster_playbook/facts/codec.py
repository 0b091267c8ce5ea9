"""Facts from and to JSON: built field by field, and only when they are asked for.

A check of one page looks at a few models and one command; the other thousand objects stay plain JSON.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, ValuesView
from typing import Any, TypeVar, cast

from dagster_playbook.facts.facts import (
    AssetFact,
    CatalogFact,
    CommandFact,
    ConfigFieldFact,
    ConfigTypeFact,
    Facts,
    JobFact,
    ModelFact,
    OptionFact,
    RefFact,
)

T = TypeVar("T")


class LazyFacts(dict[str, T]):
    """A dict whose values are built from JSON when they are first read; it equals and pickles as a plain dict."""

    def __init__(self, raw: dict[str, Any], build: Callable[[dict[str, Any]], T]) -> None:
        super().__init__(raw)
        self._build = build
        self._pending = set(raw)

    def __getitem__(self, key: str) -> T:
        value = super().__getitem__(key)
        if key in self._pending:
            value = self._build(cast("dict[str, Any]", value))
            super().__setitem__(key, value)
            self._pending.discard(key)
        return value

    def __setitem__(self, key: str, value: T) -> None:
        self._pending.discard(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self._pending.discard(key)
        super().__delitem__(key)

    def __iter__(self) -> Iterator[str]:
        # Overridden so that dict(x), {**x} and x | y go through __getitem__ rather than copy unbuilt values.
        return super().__iter__()

    def get(self, key: str, default: Any = None) -> Any:
        """The value, built when it was not yet, or the default."""
        try:
            return self[key]
        except KeyError:
            return default

    def values(self) -> ValuesView[T]:  # type: ignore[override]
        """All values, built."""
        return self._all().values()

    def items(self) -> ItemsView[str, T]:  # type: ignore[override]
        """All pairs, built."""
        return self._all().items()

    def copy(self) -> dict[str, T]:
        """A plain dict of the built values."""
        return self._all()

    def __eq__(self, other: object) -> bool:
        return self._all() == other

    __hash__ = None

    def __or__(self, other: Any) -> Any:
        return self._all() | other

    def __reduce__(self) -> tuple[type[dict[str, T]], tuple[dict[str, T]]]:
        return (dict, (self._all(),))

    def _all(self) -> dict[str, T]:
        return {key: self[key] for key in tuple(super().__iter__())}


def model_from(raw: dict[str, Any]) -> ModelFact:
    """A model from its JSON."""
    return ModelFact(**{**raw, **_tuples(raw, "tags", "depends_on", "audits")})


def config_type_from(raw: dict[str, Any]) -> ConfigTypeFact:
    """A config type from its JSON."""
    fields = tuple(ConfigFieldFact(**item) for item in raw["fields"])
    return ConfigTypeFact(**{**raw, **_tuples(raw, "inner", "enum"), "fields": fields})


def job_from(raw: dict[str, Any]) -> JobFact:
    """A job from its JSON."""
    return JobFact(**{**raw, **_tuples(raw, "ops")})


def asset_from(raw: dict[str, Any]) -> AssetFact:
    """An asset from its JSON."""
    return AssetFact(**{**raw, **_tuples(raw, "kinds")})


def command_from(raw: dict[str, Any]) -> CommandFact:
    """A command tree from its JSON; sub-commands are built when they are asked for."""
    options = tuple(OptionFact(**{**item, **_tuples(item, "names", "choices", "formats")}) for item in raw["options"])
    choices = tuple(tuple(item) for item in raw["argument_choices"])
    subcommands = LazyFacts(raw["subcommands"], command_from)
    built = {"options": options, "argument_choices": choices, "subcommands": subcommands}
    return CommandFact(**{**raw, **_tuples(raw, "argument_types"), **built})


def catalog_from(raw: dict[str, Any]) -> CatalogFact:
    """A catalog from its JSON."""
    return CatalogFact(**raw)


def ref_from(raw: dict[str, Any]) -> RefFact:
    """A reference from its JSON."""
    return RefFact(**raw)


_BUILDERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "models": model_from,
    "jobs": job_from,
    "config_types": config_type_from,
    "assets": asset_from,
    "commands": command_from,
    "catalogs": catalog_from,
    "refs": ref_from,
}


def facts_from(raw: dict[str, Any]) -> Facts:
    """Facts from what `Facts.as_dict()` gave.

    Raises:
        TypeError, KeyError, ValueError: the data is not of this version's shape.
    """
    lazy = {name: LazyFacts(dict(raw[name]), build) for name, build in _BUILDERS.items()}
    extras = {name: tuple(offered) for name, offered in raw.get("extras", {}).items()}
    return Facts(
        **{
            **raw,
            **lazy,
            "extras": extras,
            **_tuples(raw, "resources", "sensors", "schedules", "system_tags", "make_targets"),
        }
    )


def _tuples(raw: dict[str, Any], *names: str) -> dict[str, tuple[Any, ...]]:
    return {name: tuple(raw[name]) for name in names}
