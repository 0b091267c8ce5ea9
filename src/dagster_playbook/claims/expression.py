"""The small language of `expect=` and `unless=`: comparisons joined by `and`, read here and evaluated without `eval`.

    rows >= 1
    value == 3 and steps.head.hash != hash
    models is not empty

A term is a number, a quoted string, true, false, null or a dotted name.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?\d+(?:\.\d+)?)(?![\w.])|(?P<string>'[^']*'|\"[^\"]*\")|(?P<op>==|!=|<=|>=|<|>)"
    r"|(?P<name>[A-Za-z_][\w]*(?:\.[A-Za-z_][\w-]*)*))"
)
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CONSTANTS = {"true": True, "false": False, "null": None}
_WORDS = {"and", "is", "not", "empty"}


class ExpressionError(ValueError):
    """The text is no expression, or it cannot be evaluated with the values at hand."""


@dataclass(frozen=True, slots=True)
class Name:
    """A dotted name that is looked up when the expression is evaluated."""

    path: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left op right`; `op` is one of == != < <= > >=, or `empty` and `not empty` that have no right side."""

    left: Any
    op: str
    right: Any = None


@dataclass(frozen=True, slots=True)
class Expression:
    """Comparisons that all have to hold."""

    text: str
    comparisons: tuple[Comparison, ...]

    def names(self) -> list[str]:
        """The dotted names that it reads."""
        sides = [side for c in self.comparisons for side in (c.left, c.right)]
        return [side.path for side in sides if isinstance(side, Name)]

    def holds(self, scope: Mapping[str, Any]) -> bool:
        """Whether every comparison holds.

        Raises:
            ExpressionError: a name is unknown, or two values cannot be compared.
        """
        return all(_holds(comparison, scope) for comparison in self.comparisons)


def parse(text: str) -> Expression:
    """Read an expression.

    Raises:
        ExpressionError: with what was expected and where.
    """
    tokens = _tokens(text)
    comparisons = []
    while True:
        comparisons.append(_comparison(tokens, text))
        if not tokens:
            return Expression(text, tuple(comparisons))
        if tokens.pop(0) != ("name", "and"):
            raise ExpressionError(f"expected `and` or the end in {text!r}")


def lookup(path: str, scope: Mapping[str, Any]) -> Any:
    """The value of a dotted name: mappings are entered key by key.

    Raises:
        ExpressionError: there is no such name.
    """
    value: Any = scope
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise ExpressionError(f"no value named {path!r}")
        value = value[part]
    return value


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise ExpressionError(f"cannot read {text[at:].strip()!r} in {text!r}")
        tokens.append((match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    if not tokens:
        raise ExpressionError("an empty expression")
    return tokens


def _comparison(tokens: list[tuple[str, str]], text: str) -> Comparison:
    left = _term(tokens, text)
    if not tokens:
        raise ExpressionError(f"expected a comparison after {text!r}, e.g. `rows >= 1`")
    kind, word = tokens.pop(0)
    if (kind, word) == ("name", "is"):
        negated = bool(tokens) and tokens[0] == ("name", "not")
        if negated:
            tokens.pop(0)
        if not tokens or tokens.pop(0) != ("name", "empty"):
            raise ExpressionError(f"expected `is empty` or `is not empty` in {text!r}")
        return Comparison(left, "not empty" if negated else "empty")
    if kind != "op":
        raise ExpressionError(f"expected one of {' '.join(_COMPARE)} before {word!r} in {text!r}")
    return Comparison(left, word, _term(tokens, text))


def _term(tokens: list[tuple[str, str]], text: str) -> Any:
    if not tokens:
        raise ExpressionError(f"expected a value at the end of {text!r}")
    kind, word = tokens.pop(0)
    if kind == "number":
        return float(word) if "." in word else int(word)
    if kind == "string":
        return word[1:-1]
    if kind == "name" and word in _CONSTANTS:
        return _CONSTANTS[word]
    if kind == "name" and word not in _WORDS:
        return Name(word)
    raise ExpressionError(f"expected a value before {word!r} in {text!r}")


def _holds(comparison: Comparison, scope: Mapping[str, Any]) -> bool:
    left = _value(comparison.left, scope)
    if comparison.op in ("empty", "not empty"):
        is_empty = left is None or (isinstance(left, Sized) and len(left) == 0)
        return is_empty is (comparison.op == "empty")
    right = _value(comparison.right, scope)
    try:
        return bool(_COMPARE[comparison.op](left, right))
    except TypeError as error:
        raise ExpressionError(f"cannot compare {left!r} {comparison.op} {right!r}") from error


def _value(side: Any, scope: Mapping[str, Any]) -> Any:
    return lookup(side.path, scope) if isinstance(side, Name) else side
