"""What the config fields of a platform's ops mean, as its project declares it: one owner for plan, rules, LSP and gate.

Dagster's schema says that a field is a list of texts; that the texts are selectors of models which get restated is the
platform's own convention, and so are the names of the fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Restatement:
    """An op that restates models: which fields of its config say what; "" where the op has no such field.

    Attributes:
        op: the op's name.
        models: the field with a list of SQLMesh selectors.
        by_category: the boolean field that turns the list of categories on.
        categories: the field with a list of categories.
        category_tag: a model of category `x` carries the tag `<category_tag>=x`.
        default_categories: what the op restates when `by_category` is on and no category is listed.
        start: the field with the window's first day or time.
        end: the field with its last.
    """

    op: str
    models: str = ""
    by_category: str = ""
    categories: str = ""
    category_tag: str = ""
    default_categories: tuple[str, ...] = ()
    start: str = ""
    end: str = ""

    def is_asked_for(self, config: Mapping[str, Any]) -> bool:
        """Whether a config of the op restates anything; a placeholder counts as something."""
        return bool(config.get(self.models) or config.get(self.by_category))

    def selectors(self, config: Mapping[str, Any]) -> list[str]:
        """The selectors that a config of the op restates, in its order, categories as tags."""
        found = [str(entry) for entry in config.get(self.models) or ()]
        if config.get(self.by_category):
            listed = config.get(self.categories) or self.default_categories
            found += [f"tag:{self.tag_of(str(category))}" for category in listed]
        return found

    def window(self, config: Mapping[str, Any]) -> tuple[str, str]:
        """Start and end as written, "" where they are not given."""
        return str(config.get(self.start) or ""), str(config.get(self.end) or "")

    def tag_of(self, category: str) -> str:
        """The tag that a model of a category carries."""
        return f"{self.category_tag}={category}"

    def categories_in(self, tags: Iterable[str]) -> frozenset[str]:
        """The categories that stand in tags of models."""
        before = f"{self.category_tag}="
        return frozenset(tag.removeprefix(before) for tag in tags if self.category_tag and tag.startswith(before))


@dataclass(frozen=True, slots=True)
class ReferenceMove:
    """An op that moves a Nessie reference; `hash` is its config field with the commit to move to."""

    op: str
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Meanings:
    """Every meaning that a project declares."""

    restatements: tuple[Restatement, ...] = ()
    reference_moves: tuple[ReferenceMove, ...] = ()

    def restatement(self, op: str) -> Restatement | None:
        """What the config of an op restates, None when nothing is declared for it."""
        return next((each for each in self.restatements if each.op == op), None)

    def reference_move(self, op: str) -> ReferenceMove | None:
        """What the config of an op moves, None when nothing is declared for it."""
        return next((each for each in self.reference_moves if each.op == op), None)

    def categories(self, tags: Iterable[str]) -> frozenset[str]:
        """The categories of models that carry these tags."""
        known = list(tags)
        return frozenset().union(*(each.categories_in(known) for each in self.restatements))

    def carriers(self, category: str) -> Iterator[str]:
        """The tags that a model of this category carries."""
        return (each.tag_of(category) for each in self.restatements if each.category_tag)

    def holders_of(self, field: str) -> Iterator[str]:
        """What a config field of this name holds, whichever op it stands in: `selector` or `category`."""
        for each in self.restatements:
            if field and field == each.models:
                yield "selector"
            elif field and field == each.categories:
                yield "category"
