"""Typed values into a step: into parsed YAML, as whole arguments, as bound literals of SQL. Nothing is pasted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import yaml

from dagster_playbook.claims import placeholder
from dagster_playbook.claims.expression import ExpressionError, lookup
from dagster_playbook.claims.runbook_model import Step
from dagster_playbook.claims.step_text import STAND_IN, bound_sql, commands, split
from dagster_playbook.errors import RunbookError

_STRING_TAGS = ("tag:yaml.org,2002:timestamp",)


class _Loader(yaml.SafeLoader):
    """PyYAML without dates, as Dagster reads run config: `start: 2024-01-01` stays text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _STRING_TAGS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def yaml_of(step: Step, scope: Mapping[str, Any]) -> Any:
    """The step's YAML as plain data with its placeholders replaced by values; an empty body is an empty mapping.

    Raises:
        RunbookError: it is no YAML, a name has no value, or a placeholder stands inside a longer string.
    """
    try:
        data = yaml.load(step.fence.body, _Loader) or {}  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise _wrong(step, f"no YAML: {getattr(error, 'problem', error)}") from error
    for text in placeholder.scalars(data):
        if placeholder.names(text) and placeholder.whole(text) is None:
            raise _wrong(step, f'{text!r}: a parameter stands alone, as "{{{{ name }}}}"')
    filled = placeholder.replace_scalars(data, lambda name: _value(step, name, scope))
    return _without_nulls(filled)


def ops_of(step: Step) -> tuple[str, ...]:
    """The ops that a job step's YAML configures; no name of an op is a parameter, so no value is needed."""
    try:
        data = yaml.load(step.fence.body, _Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise _wrong(step, f"no YAML: {getattr(error, 'problem', error)}") from error
    ops = data.get("ops") if isinstance(data, dict) else None
    return tuple(map(str, ops)) if isinstance(ops, dict) else ()


def arguments_of(step: Step, scope: Mapping[str, Any]) -> list[str]:
    """The step's command as a list of arguments; a list parameter is as many arguments as it has items.

    Raises:
        RunbookError: there is not exactly one command, it needs a shell, or a value would be read as an option.
    """
    found = commands(step.fence.body)
    if len(found) != 1:
        raise _wrong(step, f"one command is wanted, not {len(found)}")
    try:
        words = split(found[0][1])
    except ValueError as error:
        raise _wrong(step, f"cannot be split into arguments: {error}") from error
    arguments: list[str] = []
    for position, word in enumerate(words):
        name = placeholder.whole(word)
        if name is None:
            if placeholder.names(word):
                raise _wrong(step, f"{word!r}: a parameter is one whole argument")
            arguments.append(word)
            continue
        if position == 0:
            raise _wrong(step, "the program to run is no parameter")
        value = _value(step, name, scope)
        arguments += [_argument(step, name, item) for item in (value if isinstance(value, list) else [value])]
    return arguments


def sql_of(step: Step, scope: Mapping[str, Any]) -> str:
    """The step's query with each placeholder as a literal of its type, written by the SQL generator.

    Raises:
        RunbookError: it cannot be parsed, is not one query, or a value has no literal.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        trees = [t for t in sqlglot.parse(bound_sql(step.fence.body), dialect=step.dialect) if t is not None]
    except SqlglotError as error:
        raise _wrong(step, f"cannot be parsed as {step.subject} SQL: {str(error).splitlines()[0]}") from error
    if len(trees) != 1 or not isinstance(trees[0], exp.Query | exp.Show | exp.Describe):
        raise _wrong(step, "one SELECT is wanted")

    def bind(node: Any) -> Any:
        if isinstance(node, exp.In):
            return _with_items(node, lambda name: _value(step, name, scope))
        name = _stand_in(node)
        if not name:
            return node
        value = _value(step, name, scope)
        if isinstance(node.parent, exp.Table):
            return _table(step, value, node.parent)
        if isinstance(value, list):
            return exp.Tuple(expressions=[exp.convert(item) for item in value])
        return exp.convert(value)

    return str(trees[0].transform(bind).sql(dialect=step.dialect))


def _stand_in(node: Any) -> str:
    """The name of the placeholder that a node of the tree stands for, or ""."""
    from sqlglot import exp

    if isinstance(node, exp.Anonymous) and str(node.this).lower() == STAND_IN and len(node.expressions) == 1:
        return str(node.expressions[0].name)
    return ""


def _with_items(node: Any, value_of: Callable[[str], Any]) -> Any:
    """`x IN ({{ list }})` with the items of the list."""
    from sqlglot import exp

    found = [*node.expressions, *([node.args["field"]] if node.args.get("field") else [])]
    names = [_stand_in(item) for item in found]
    if len(found) == 1 and names[0] and isinstance(items := value_of(names[0]), list):
        return exp.In(this=node.this, expressions=[exp.convert(item) for item in items])
    return node


def _table(step: Step, value: Any, table: Any) -> Any:
    """A dotted name in the place of a table: each part becomes an identifier of its own."""
    from sqlglot import exp

    parts = str(value).split(".")
    if len(parts) > 3 or not all(part.isidentifier() for part in parts):
        raise _wrong(step, f"{value!r} is no name of a table")
    for key, part in zip(("catalog", "db"), [None, None, *parts][-3:-1], strict=True):
        if part:
            table.set(key, exp.to_identifier(part))
    return exp.to_identifier(parts[-1])


def _value(step: Step, name: str, scope: Mapping[str, Any]) -> Any:
    try:
        return lookup(name, scope)
    except ExpressionError as error:
        raise _wrong(step, str(error)) from error


def _argument(step: Step, name: str, value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if text.startswith("-") and not isinstance(value, int | float):
        raise _wrong(step, f"{name} is {text!r}, which the program would read as an option")
    return text


def _without_nulls(data: Any) -> Any:
    """Config without the fields that an optional parameter left empty: Dagster takes no null for a plain field."""
    if isinstance(data, dict):
        return {key: _without_nulls(item) for key, item in data.items() if item is not None}
    return data


def _wrong(step: Step, message: str) -> RunbookError:
    return RunbookError(f"step {step.id!r}: {message}", path=step.location.path, line=step.location.line)
