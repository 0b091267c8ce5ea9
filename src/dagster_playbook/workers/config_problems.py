"""Dagster's config errors as problems with a place in the YAML text that they speak of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from dagster_playbook.facts.authority import TextProblem
from dagster_playbook.workers.dagster_releases import (
    EvaluationError,
    EvaluationStackListItemEntry,
    EvaluationStackMapKeyEntry,
    EvaluationStackMapValueEntry,
    EvaluationStackPathEntry,
    FieldNotDefinedErrorData,
    FieldsNotDefinedErrorData,
)


def yaml_document(text: str, loader: type[yaml.SafeLoader]) -> tuple[Any, list[TextProblem]]:
    """The document as that loader reads it, or the reason why it cannot; lines and columns are 1-based."""
    try:
        return yaml.load(text, Loader=loader), []  # noqa: S506 - the loaders that come here are safe ones
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        return None, [TextProblem(error.problem or str(error.context), line, column)]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return None, [TextProblem(f"is no YAML: {str(error) or type(error).__name__}", 1, 1)]


def problems_of(errors: Sequence[EvaluationError] | None, text: str) -> Iterator[TextProblem]:
    """One problem for each error, at the key or value that it is about."""
    if not errors:
        return
    try:
        document = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        document = None
    for error in errors:
        yield from _problems(error, document)


def _problems(error: EvaluationError, document: yaml.Node | None) -> Iterator[TextProblem]:
    node, key = _follow(error, document)
    data = error.error_data
    if isinstance(data, FieldNotDefinedErrorData):
        names = [data.field_name]
    elif isinstance(data, FieldsNotDefinedErrorData):
        names = list(data.field_names)
    else:
        place = key or node
        yield _problem(error.message, place, key.value if isinstance(key, yaml.ScalarNode) else "")
        return
    for name in sorted(names):
        yield _problem(error.message, _key_node(node, name) or key or node, name)


def _problem(message: str, place: yaml.Node | None, subject: str) -> TextProblem:
    told = " ".join(message.split())
    if place is None:
        return TextProblem(told, subject=subject)
    return TextProblem(told, place.start_mark.line + 1, place.start_mark.column + 1, subject)


def _follow(error: EvaluationError, document: yaml.Node | None) -> tuple[yaml.Node | None, yaml.Node | None]:
    """The node that the error's stack leads to, and the key in front of it."""
    node, key = document, None
    for entry in error.stack.entries:
        if isinstance(entry, EvaluationStackPathEntry):
            name: object = entry.field_name
        elif isinstance(entry, EvaluationStackMapKeyEntry | EvaluationStackMapValueEntry):
            name = entry.map_key
        elif isinstance(entry, EvaluationStackListItemEntry):
            items = node.value if isinstance(node, yaml.SequenceNode) else []
            node, key = (items[entry.list_index], None) if entry.list_index < len(items) else (None, None)
            continue
        else:
            continue
        key = _key_node(node, str(name))
        if key is None or not isinstance(node, yaml.MappingNode):
            return node, key
        node = next(value for candidate, value in node.value if candidate is key)
    return node, key


def _key_node(node: yaml.Node | None, name: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((key for key, _ in node.value if getattr(key, "value", None) == name), None)
