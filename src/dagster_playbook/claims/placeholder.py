"""`{{ name }}` in a runbook's step: where a typed value goes, always as a whole and never into a longer string."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

#: a parameter, or a result of an earlier step as `steps.<id>.<field>`
NAME = r"[A-Za-z_]\w*(?:\.[A-Za-z_][\w-]*)*"
_ANY = re.compile(r"\{\{\s*(" + NAME + r")\s*\}\}")
_BRACES = re.compile(r"\{\{.*?\}\}|\{\{", re.DOTALL)


def whole(text: str) -> str | None:
    """The name when `text` is one placeholder and nothing else, otherwise None."""
    match = _ANY.fullmatch(text.strip())
    return match.group(1) if match else None


def names(text: str) -> list[str]:
    """The names of all placeholders in a text, in order."""
    return _ANY.findall(text)


def without(text: str) -> str:
    """A text with its placeholders cut out."""
    return _ANY.sub("", text)


def malformed(text: str) -> list[str]:
    """What opens like a placeholder and is none, e.g. `{{ a b }}` or `{{ x|quote }}`."""
    return [found for found in _BRACES.findall(text) if not _ANY.fullmatch(found)]


def replace_scalars(data: Any, value_of: Callable[[str], Any]) -> Any:
    """Plain data with every string that is one placeholder replaced by its typed value.

    A key is never a placeholder, and a string that holds more than the placeholder is left as it is: `scalars`
    tells of those, and the checker refuses them.
    """
    if isinstance(data, dict):
        return {key: replace_scalars(item, value_of) for key, item in data.items()}
    if isinstance(data, list):
        return [replace_scalars(item, value_of) for item in data]
    if isinstance(data, str) and (name := whole(data)) is not None:
        return value_of(name)
    return data


def scalars(data: Any) -> Iterator[str]:
    """Every string of plain data, keys included."""
    if isinstance(data, dict):
        for key, item in data.items():
            yield from scalars(key)
            yield from scalars(item)
    elif isinstance(data, list):
        for item in data:
            yield from scalars(item)
    elif isinstance(data, str):
        yield data
