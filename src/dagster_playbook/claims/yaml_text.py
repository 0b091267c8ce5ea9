"""YAML as its consumer reads it, with the place of every key and value.

Dagster loads run config with PyYAML minus the implicit timestamp, so `start: 2024-01-01` stays a string; SQLMesh
reads YAML 1.2 with ruamel, so `off` is a string there. `Dialect` names the two readings. Aliases are never
expanded: a document of nested aliases costs what its text costs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dagster_playbook.claims.yaml_loader import Dialect, is_opaque, loader_of

if TYPE_CHECKING:
    pass

#: what a template's blank is read as, so that it can be told from a value
BLANK = "__blank"
#: deeper nesting than this is told as a problem: no consumer needs it, and the parsers recurse
MAX_DEPTH = 100
#: more nodes than this, counted with repetition through aliases, is an alias bomb
MAX_NODES = 200_000


@dataclass(frozen=True, slots=True)
class YamlProblem:
    """Why the text is not the YAML that its reader thinks it is; line and column 1-based in the text."""

    message: str
    line: int
    column: int
    subject: str = ""
    is_duplicate: bool = False


@dataclass(slots=True)
class YamlNode:
    """A node with its value: a scalar's Python value, a list of nodes, or a list of (key node, value node).

    `line`, `column`, `end_line`, `end_column` are 1-based and the end is exclusive.
    """

    value: Any
    line: int
    column: int
    end_line: int
    end_column: int
    text: str = ""
    is_quoted: bool = False
    size: int = 1

    @property
    def is_map(self) -> bool:
        """Whether it is a mapping."""
        return isinstance(self.value, _Map)

    @property
    def is_list(self) -> bool:
        """Whether it is a sequence."""
        return isinstance(self.value, list)

    def items(self) -> list[tuple[YamlNode, YamlNode]]:
        """Key and value nodes of a mapping, in order; of anything else none."""
        return list(self.value.pairs) if isinstance(self.value, _Map) else []

    def elements(self) -> list[YamlNode]:
        """The nodes of a sequence; of anything else none."""
        return self.value if isinstance(self.value, list) else []

    def get(self, *path: str) -> YamlNode | None:
        """The value below the given keys, or None."""
        node: YamlNode | None = self
        for key in path:
            node = next((v for k, v in node.items() if k.value == key), None) if node else None
        return node

    def keys(self) -> list[str]:
        """The text of a mapping's keys."""
        return [str(k.value) for k, _ in self.items()]

    def plain(self) -> Any:
        """The value as plain Python data, aliases expanded; only for documents that passed `MAX_NODES`."""
        if isinstance(self.value, _Map):
            return {_hashable(k.plain()): v.plain() for k, v in self.value.pairs}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value


@dataclass(slots=True)
class _Map:
    pairs: list[tuple[YamlNode, YamlNode]] = field(default_factory=list)


def empty_map(like: YamlNode) -> YamlNode:
    """An empty mapping that stands where `like` stands: what a key without a value means to some consumers."""
    return YamlNode(_Map(), like.line, like.column, like.end_line, like.end_column)


def map_node(
    pairs: list[tuple[YamlNode, YamlNode]], line: int, column: int, end_line: int, end_column: int
) -> YamlNode:
    """A mapping that was read elsewhere than from YAML."""
    return YamlNode(_Map(pairs), line, column, end_line, end_column)


_UNFINISHED = object()


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | type(None)) else repr(value)


def read_yaml(text: str, dialect: Dialect = Dialect.DAGSTER) -> tuple[YamlNode | None, list[YamlProblem]]:
    """Read one document.

    Returns the root (None for an empty or unreadable document) and the problems: syntax errors with the parser's
    own words, tabs as indentation, duplicate keys, and documents that are too deep or explode through aliases.
    A document that only its deliberate blanks (`...`, `{{ name }}`) make unreadable is read without them.
    """
    node, problems = _read(text, dialect)
    if node is None and problems:
        filled = _filled(text)
        if filled != text:
            again, left = _read(filled, dialect)
            if again is not None and not left:
                return again, left
    return node, problems


def readable(text: str) -> str:
    """The text, or when only its deliberate blanks make it unreadable, the text with them filled in."""
    return text if _read(text, Dialect.DAGSTER)[0] is not None else _filled(text)


def _filled(text: str) -> str:
    """The text with each blank replaced by something of the same length that YAML reads."""
    text = re.sub(
        r"(?m)^(\s*)(?:- )?(?:\.\.\.|…|<[^<>\n]*>\s*$|\[[A-Za-z][^\[\]\n:]*\]\s*$)[^\n]*$",
        lambda m: m[1] + "#" * (len(m.group()) - len(m[1])),
        text,
    )
    text = re.sub(r"(?m)^(\s*)\{%.*%\}\s*$", lambda m: m[1] + "#" * (len(m.group()) - len(m[1])), text)
    text = re.sub(r"<[A-Za-z][^<>\n]*>|\*{3,}", lambda m: "_" * len(m.group()), text)
    return re.sub(r"\{\{.*?\}\}", lambda m: BLANK + "_" * (len(m.group()) - len(BLANK)), text)


def _read(text: str, dialect: Dialect) -> tuple[YamlNode | None, list[YamlProblem]]:
    deep = _too_deep(text)
    if deep:
        return None, [deep]
    import yaml

    loader = loader_of(dialect)(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None, []
        problems: list[YamlProblem] = []
        node = _convert(loader, root, {}, problems)
    except yaml.MarkedYAMLError as error:
        return None, [_syntax_problem(error, text, loader)]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return None, [YamlProblem(f"is not YAML: {_first_line(error)}", 1, 1)]
    finally:
        loader.dispose()
    if node.size > MAX_NODES:
        return None, [YamlProblem("aliases expand to more than 200,000 nodes", 1, 1)]
    return node, problems


def _too_deep(text: str) -> YamlProblem | None:
    """Depth by brackets and by indentation, so that no recursive parser meets a bottomless document."""
    depth = 0
    indents: list[int] = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.lstrip(" ")
        if not stripped or stripped.startswith("#"):
            continue
        indent = len(line) - len(stripped) + 2 * _leading_dashes(stripped)
        while indents and indents[-1] >= indent:
            indents.pop()
        indents.append(indent)
        depth += sum(stripped.count(c) for c in "[{") - sum(stripped.count(c) for c in "]}")
        peak = max(depth, len(indents), sum(stripped.count(c) for c in "[{"))
        if peak > MAX_DEPTH:
            return YamlProblem(f"is nested deeper than {MAX_DEPTH} levels", number, 1)
    return None


def _leading_dashes(stripped: str) -> int:
    match = re.match(r"(?:- )*", stripped)
    return match.end() // 2 if match else 0


def _convert(loader: Any, node: Any, done: dict[int, YamlNode], problems: list[YamlProblem]) -> YamlNode:
    known = done.get(id(node))
    if known is not None:
        if known.value is _UNFINISHED:
            raise ValueError("an alias refers to a node that contains it")
        return known
    import yaml

    made = YamlNode(_UNFINISHED, *loader.place(node.start_mark), *loader.place(node.end_mark))
    done[id(node)] = made
    if not isinstance(node, yaml.ScalarNode) and node.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
        raise yaml.constructor.ConstructorError(None, None, f"the tag {node.tag} is not allowed", node.start_mark)
    if isinstance(node, yaml.MappingNode):
        made.value = _Map(list(_pairs(loader, node, done, problems)))
        made.size += sum(k.size + v.size for k, v in made.value.pairs)
    elif isinstance(node, yaml.SequenceNode):
        made.value = [_convert(loader, item, done, problems) for item in node.value if not is_opaque(loader, item)]
        made.size += sum(item.size for item in made.value)
    else:
        made.text, made.is_quoted = node.value, node.style in ("'", '"')
        made.value = loader.construct_object(node)
    return made


def _pairs(
    loader: Any, node: Any, done: dict[int, YamlNode], problems: list[YamlProblem]
) -> Iterator[tuple[YamlNode, YamlNode]]:
    seen: dict[Any, int] = {}
    for key_node, value_node in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            yield from _merged(_convert(loader, value_node, done, problems), node)
            continue
        key = _convert(loader, key_node, done, problems)
        identity = _hashable(key.value)
        if identity in seen:
            first = _above(key.line - seen[identity])
            message = f"key {key.text!r} stands twice, first {first}; the last one wins in silence"
            problems.append(YamlProblem(message, key.line, key.column, key.text, is_duplicate=True))
        seen.setdefault(identity, key.line)
        if not is_opaque(loader, value_node):
            yield key, _convert(loader, value_node, done, problems)


def _above(lines: int) -> str:
    """Where a line is as seen from a later one of the same block, whose place on the page is not known here."""
    return "on the same line" if not lines else f"{lines} line{'s' if lines > 1 else ''} above"


def _merged(value: YamlNode, node: Any) -> Iterator[tuple[YamlNode, YamlNode]]:
    """The pairs that `<<` brings in, less the keys that the mapping has itself."""
    own = {key_node.value for key_node, _ in node.value if isinstance(key_node.value, str)}
    for source in value.elements() or [value]:
        yield from ((k, v) for k, v in source.items() if k.value not in own)


def _syntax_problem(error: Any, text: str, loader: Any) -> YamlProblem:
    mark = error.problem_mark or error.context_mark
    line, column = loader.place(mark) if mark else (1, 1)
    lines = text.split("\n")
    here = lines[line - 1] if line <= len(lines) else ""
    if "\t" in here[: max(column, 1)] or here.lstrip(" ").startswith("\t"):
        return YamlProblem("a tab stands where YAML wants spaces", line, here.find("\t") + 1, "\\t")
    words = " ".join(part for part in (error.context, error.problem) if part)
    return YamlProblem(f"is not YAML: {words}", line, column)


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).split("\n")[0]
