"""The loaders of YAML: the types that each consumer gives to plain words, and places as everybody counts them."""

from __future__ import annotations

import enum
import re
from bisect import bisect_right
from functools import cache
from typing import TYPE_CHECKING, Any

from dagster_playbook.location import line_starts

if TYPE_CHECKING:
    import yaml

#: what ends a line to YAML alone, or does not count as a column there
_YAML_LINE_ENDS = re.compile("[\x85\u2028\u2029\ufeff]")


class Dialect(enum.StrEnum):
    """Whose types hold: Dagster's PyYAML (YAML 1.1 without timestamps), SQLMesh's ruamel (YAML 1.2), or MkDocs'.

    MkDocs' own tags load a Python name or an environment variable; here they are known, and nothing is loaded.
    """

    DAGSTER = "dagster"
    CORE = "core"
    MKDOCS = "mkdocs"


@cache
def loader_of(dialect: Dialect) -> type[yaml.SafeLoader]:
    """The safe loader with the implicit types of a dialect."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]
        """The safe loader with the consumer's implicit types; `opaque` are tags of its own that are left out."""

        opaque: re.Pattern[str] | None = None

        def __init__(self, text: str) -> None:
            super().__init__(text)
            # to YAML a line also ends at these, to a place in a file it does not
            self._starts = line_starts(text) if _YAML_LINE_ENDS.search(text) else []

        def place(self, mark: Any) -> tuple[int, int]:
            """Line and column of a mark, 1-based, in lines as everybody else counts them."""
            if not self._starts:
                return mark.line + 1, mark.column + 1
            line = bisect_right(self._starts, mark.index)
            return line, mark.index - self._starts[line - 1] + 1

    resolvers: dict[Any, list[Any]] = {}
    for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items():
        kept = [entry for entry in entries if entry[0] != "tag:yaml.org,2002:timestamp"]
        if dialect is Dialect.CORE:
            kept = [_core_bool(entry) for entry in kept]
        resolvers[first] = kept
    Loader.yaml_implicit_resolvers = resolvers
    Loader.opaque = _MKDOCS_TAGS if dialect is Dialect.MKDOCS else None
    return Loader


#: tags that MkDocs reads, as PyYAML spells them
_MKDOCS_TAGS = re.compile(
    r"tag:yaml\.org,2002:python/(?:name|module|tuple|object(?:/(?:apply|new))?)\b.*|!ENV|!relative"
)


def is_opaque(loader: Any, node: Any) -> bool:
    """Whether the node stands for something that only its consumer loads: it is left out of what is read."""
    return loader.opaque is not None and loader.opaque.fullmatch(node.tag) is not None


def _core_bool(entry: tuple[str, re.Pattern[str]]) -> tuple[str, re.Pattern[str]]:
    if entry[0] == "tag:yaml.org,2002:bool":
        return entry[0], re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
    return entry
