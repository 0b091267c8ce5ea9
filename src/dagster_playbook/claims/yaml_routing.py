"""Which consumer a YAML document is written for, told by what stands in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from dagster_playbook.claims.model import Kind
from dagster_playbook.claims.yaml_text import YamlNode

_RUN_CONFIG_KEYS = frozenset({"ops", "resources", "execution", "loggers", "inputs"})
#: keys that no other format has
_INSTANCE_ONLY = frozenset(
    """run_retries run_queue run_coordinator run_launcher run_monitoring event_log_storage schedule_storage run_storage
    compute_logs local_artifact_storage python_logs code_servers auto_materialize nux retention""".split()
)
_SQLMESH_KEYS = frozenset(
    """gateways default_gateway model_defaults virtual_environment_mode default_connection
    default_test_connection default_scheduler snapshot_ttl environment_ttl ignore_patterns time_column_format
    physical_schema_mapping physical_schema_override environment_suffix_target gateway_managed_virtual_layer
    infer_python_dependencies environment_catalog_mapping default_target_environment log_limit cicd_bot linter
    plan migration ui before_all after_all users notification_targets project pinned_environments loader dbt
    variables physical_table_naming_convention disable_anonymized_analytics username cache_dir""".split()
)
_MKDOCS_KEYS = frozenset({"site_name", "nav", "markdown_extensions", "theme", "docs_dir", "site_url"})
_MKDOCS_TEXT = re.compile(rf"^(?:{'|'.join(sorted(_MKDOCS_KEYS))}|plugins|extra|hooks|edit_uri):", re.MULTILINE)
_RUNBOOK_KEYS = frozenset({"title", "owner", "risk", "needs", "parameters", "timeout"})


@dataclass(frozen=True, slots=True)
class _Route:
    kind: Kind
    matches: Callable[[frozenset[str], YamlNode], bool]


_ROUTES = (
    _Route(Kind.WORKFLOW, lambda keys, node: "jobs" in keys and bool(keys & {"on", "True", "name"})),
    _Route(Kind.RUNBOOK_HEAD, lambda keys, node: "parameters" in keys and keys <= _RUNBOOK_KEYS),
    _Route(Kind.PRE_COMMIT, lambda keys, node: "repos" in keys),
    _Route(Kind.COMPOSE, lambda keys, node: "services" in keys),
    _Route(Kind.MKDOCS, lambda keys, node: bool(keys & _MKDOCS_KEYS)),
    _Route(Kind.RUN_CONFIG, lambda keys, node: bool(keys & {"ops"}) or keys <= _RUN_CONFIG_KEYS),
    _Route(Kind.SQLMESH_CONFIG, lambda keys, node: bool(keys & {"gateways", "model_defaults", "default_gateway"})),
    _Route(Kind.DAGSTER_INSTANCE, lambda keys, node: bool(keys & _INSTANCE_ONLY)),
    _Route(Kind.SQLMESH_CONFIG, lambda keys, node: keys <= _SQLMESH_KEYS),
)

_TITLES = {
    "dagster.yaml": Kind.DAGSTER_INSTANCE,
    "mkdocs.yml": Kind.MKDOCS,
    ".pre-commit-config.yaml": Kind.PRE_COMMIT,
    "compose.yaml": Kind.COMPOSE,
    "docker-compose.yml": Kind.COMPOSE,
}


def is_mkdocs_text(text: str, title: str) -> bool:
    """Whether a text that could not be read yet is one for MkDocs, which has tags of its own."""
    return title.rsplit("/", 1)[-1] in ("mkdocs.yml", "mkdocs.yaml") or _MKDOCS_TEXT.search(text) is not None


def title_in(text: str) -> str:
    """The file that a block's first line names as its home, as in `# dagster.yaml`; "" when it names none."""
    match = re.match(r"\s*#\s*(?P<path>[\w./$~-]*\.ya?ml)\s*(?:\n|\Z)", text)
    return match["path"] if match else ""


def route_yaml(node: YamlNode | None, title: str) -> Kind:
    """The consumer of a document, by the file that it is said to be or else by its own keys; UNKNOWN if none fits."""
    name = title.rsplit("/", 1)[-1]
    if name in _TITLES:
        return _TITLES[name]
    if ".github/workflows/" in title:
        return Kind.WORKFLOW
    if node is None or not node.is_map:
        items = node.elements() if node else []
        is_hooks = bool(items) and all(item.get("id") and item.get("entry") for item in items)
        return Kind.PRE_COMMIT if is_hooks else Kind.UNKNOWN
    keys = frozenset(node.keys())
    return next((route.kind for route in _ROUTES if keys and route.matches(keys, node)), Kind.UNKNOWN)
