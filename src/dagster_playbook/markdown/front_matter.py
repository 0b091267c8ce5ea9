"""The front matter of a page, as MkDocs cuts it off: YAML between dashes, or `Key: value` lines at the very top."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Problem

_OPENING = re.compile(r"---[ \t]*$")
_CLOSING = re.compile(r"(?:---|\.\.\.)[ \t]*$")
_KEY = re.compile(r" {0,3}([A-Za-z0-9_-]+):\s*(.*)")
_MORE = re.compile(r"(?: {4}|\t)\s*(.*)")
_MAX_ALIASES = 100
"""More aliases than any page's metadata has: expanding them is where a small file becomes a large object."""

_Loader: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class FrontMatter:
    """What stood above the text: the values, how many lines it took, and what was wrong with it."""

    values: dict[str, object] = field(default_factory=dict)
    line_count: int = 0
    text: str = ""
    problem: Problem | None = None


def split_front_matter(lines: list[str], path: str) -> FrontMatter:
    """Read the front matter of a page's lines; `line_count` lines of it are no part of the text.

    Broken YAML is a problem at its line. MkDocs then shows the whole block as text, so no line is cut off.
    """
    if lines and _OPENING.match(lines[0]):
        for index in range(2, len(lines) - 1):
            if _CLOSING.match(lines[index]):
                return _read_yaml(lines[1:index], path)
        return FrontMatter()
    return _read_keys(lines)


def _read_yaml(lines: list[str], path: str) -> FrontMatter:
    text = "\n".join(lines) + "\n"
    try:
        _refuse_alias_bomb(text)
        values = yaml.load(text, _Loader)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 2 if mark else 1
        column = mark.column + 1 if mark else 1
        return _malformed(path, line, column, error.problem or error.context or "not YAML")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return _malformed(path, 1, 1, str(error).splitlines()[0] if str(error) else "not YAML")
    if not isinstance(values, dict):
        kind = "empty" if values is None else f"a {type(values).__name__}"
        return _malformed(path, 1, 1, f"{kind}, not a mapping of keys to values")
    return FrontMatter({str(key): value for key, value in values.items()}, len(lines) + 2, text)


def _refuse_alias_bomb(text: str) -> None:
    if text.count("*") <= _MAX_ALIASES:
        return
    aliases = sum(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=_Loader))
    if aliases > _MAX_ALIASES:
        raise ValueError(f"{aliases} aliases, more than {_MAX_ALIASES}")


def _malformed(path: str, line: int, column: int, cause: str) -> FrontMatter:
    message = f"front matter cannot be read: {cause}"
    return FrontMatter(problem=Problem("PB010", message, Location(path, line, column), "front matter"))


def _read_keys(lines: list[str]) -> FrontMatter:
    """`Key: value` lines at the top are metadata for MkDocs, up to the first blank or other line."""
    values: dict[str, object] = {}
    key = ""
    for index, line in enumerate(lines):
        if not line.strip():
            return FrontMatter(values, index + 1 if values or index == 0 else index)
        if found := _KEY.match(line):
            key = found.group(1).lower()
            value = found.group(2).strip()
            values[key] = f"{values[key]} {value}" if key in values else value
        elif key and (more := _MORE.match(line)):
            values[key] = f"{values[key]} {more.group(1).strip()}"
        else:
            return FrontMatter(values, index)
    return FrontMatter(values, len(lines))
