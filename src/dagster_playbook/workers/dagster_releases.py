"""What is read of Dagster beside its public interface, under one name each, whatever the release calls it.

Dagster promises nothing for these. Each is tried where the supported releases have it (1.9 to 1.13); what a release
lacks is an ImportError, which a worker tells with the release's number.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dagster._check import CheckError
from dagster._config import ConfigTypeSnap, process_config, validate_config
from dagster._config.errors import EvaluationError, FieldNotDefinedErrorData, FieldsNotDefinedErrorData
from dagster._config.stack import (
    EvaluationStackListItemEntry,
    EvaluationStackMapKeyEntry,
    EvaluationStackMapValueEntry,
    EvaluationStackPathEntry,
)
from dagster._core.definitions.reconstruct import repository_def_from_target_def
from dagster._core.instance.config import dagster_instance_config_schema
from dagster._core.storage import tags
from dagster._core.workspace.autodiscovery import loadable_targets_from_python_module

if TYPE_CHECKING:
    import yaml

__all__ = [
    "CheckError",
    "ConfigTypeSnap",
    "DagsterYamlLoader",
    "EvaluationError",
    "EvaluationStackListItemEntry",
    "EvaluationStackMapKeyEntry",
    "EvaluationStackMapValueEntry",
    "EvaluationStackPathEntry",
    "FieldNotDefinedErrorData",
    "FieldsNotDefinedErrorData",
    "dagster_instance_config_schema",
    "is_secret",
    "loadable_targets_from_python_module",
    "process_config",
    "repository_def_from_target_def",
    "tags",
    "validate_config",
]

_SECRET = re.compile(r"(?i)secret|password|token|credential")
#: where releases have their YAML loader, the newest first: 1.13, 1.10 to 1.12, 1.9
_YAML_LOADERS = (
    ("dagster_shared.yaml_utils", "DagsterYamlLoader"),
    ("dagster_shared.yaml_utils", "DagsterRunConfigYamlLoader"),
    ("dagster._utils.yaml_utils", "DagsterRunConfigYamlLoader"),
)


def is_secret(field: Any) -> bool:
    """Whether a field's default is not to be shown; releases before 1.12 do not say, so its name tells."""
    told = getattr(field, "is_secret", None)
    return bool(_SECRET.search(field.name or "")) if told is None else bool(told)


def first_of(places: tuple[tuple[str, str], ...]) -> Any:
    """The first of several names that this release has.

    Args:
        places: module and name.

    Raises:
        ImportError: it has none of them.
    """
    for module, name in places:
        try:
            return getattr(import_module(module), name)
        except (ImportError, AttributeError):
            continue
    raise ImportError(f"no {' or '.join(sorted({name for _, name in places}))} in this release of Dagster")


DagsterYamlLoader: type[yaml.SafeLoader] = first_of(_YAML_LOADERS)
