"""A Dagster instance's dagster.yaml: judged by Dagster's own instance schema, and told as plain values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dagster import Field, Shape

from dagster_playbook.errors import PlatformError
from dagster_playbook.facts.authority import TextProblem
from dagster_playbook.location import lines_of
from dagster_playbook.workers.config_problems import problems_of, yaml_document
from dagster_playbook.workers.dagster_releases import (
    DagsterYamlLoader,
    dagster_instance_config_schema,
    process_config,
    validate_config,
)

#: the sections whose values prose may state; storage and the like can hold secrets
TOLD_SECTIONS = (
    "run_retries", "run_queue", "concurrency", "run_monitoring", "retention", "telemetry", "auto_materialize",
    "schedules", "sensors", "backfills", "code_servers", "freshness",
)  # fmt: skip
_SECRET = re.compile(r"(?i)secret|password|token|credential")
_EXCLUDING = (
    ("run_queue", ("run_coordinator",)),
    ("storage", ("run_storage", "event_log_storage", "schedule_storage")),
)


def instance_problems(text: str) -> list[TextProblem]:
    """What Dagster has against a dagster.yaml, whole or in part; a section that is not there is not missed."""
    document, problems = yaml_document(text, DagsterYamlLoader)
    if problems or document is None:
        return problems
    if not isinstance(document, dict):
        return [TextProblem("a dagster.yaml is a mapping of sections", 1, 1)]
    sections = {str(key): value for key, value in document.items()}
    schema = _schema()
    found = list(problems_of(validate_config(_partial(schema), sections).errors, text))
    for section, others in _EXCLUDING:
        clashing = [other for other in others if section in sections and other in sections]
        found.extend(_clash(section, other, text) for other in clashing)
    return found


def _clash(section: str, other: str, text: str) -> TextProblem:
    line = next((n for n, row in enumerate(lines_of(text), start=1) if row.startswith(other)), 0)
    return TextProblem(f"{section!r} cannot stand beside {other!r}", line, 1 if line else 0, other)


def instance_values(root: Path, path: str) -> dict[str, Any]:
    """The told sections as dotted keys under `dagster.`, with Dagster's own defaults for what the file leaves out.

    Raises:
        PlatformError: the file is missing, no YAML, or not what Dagster takes.
    """
    cure = "see https://docs.dagster.io/deployment/oss/dagster-yaml for what a dagster.yaml may hold"
    try:
        text = (root / path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise PlatformError(f"the instance's settings cannot be read: {reason}", cure=cure, path=path) from error
    if problems := instance_problems(text):
        raise PlatformError(f"Dagster refuses it: {problems[0].message}", cure=cure, path=path, line=problems[0].line)
    document = yaml_document(text, DagsterYamlLoader)[0] or {}
    told = {name: document[name] for name in TOLD_SECTIONS if name in document}
    schema = {name: field for name, field in _schema().items() if name in TOLD_SECTIONS}
    resolved = process_config(Shape(schema), told)  # type: ignore[no-untyped-call]
    sections = resolved.value if resolved.success and resolved.value else told
    return dict(_flat("dagster", sections))


def _schema() -> Mapping[str, Field]:
    return dagster_instance_config_schema()


def _partial(schema: Mapping[str, Field]) -> Shape:
    """The whole schema, with none of the sections required."""
    fields = {name: Field(field.config_type, is_required=False) for name, field in schema.items()}
    return Shape(fields)  # type: ignore[no-untyped-call]


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not _SECRET.search(str(key)):
                yield from _flat(f"{prefix}.{key}", item)
    elif isinstance(value, list):
        yield f"{prefix}.count", len(value)
        for item in value:
            if isinstance(item, Mapping) and isinstance(item.get("key"), str):
                yield from _flat(f"{prefix}.{item['key']}", {k: v for k, v in item.items() if k != "key"})
        if all(isinstance(item, str | int | float | bool) for item in value):
            yield prefix, value
    elif value is not None:
        yield prefix, value
