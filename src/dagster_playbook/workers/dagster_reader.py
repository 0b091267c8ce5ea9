"""A Dagster code location as plain facts: loaded by Dagster's own loader, described by its own config snapshots."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagster import JobDefinition, RepositoryDefinition

from dagster_playbook.errors import PlatformError
from dagster_playbook.facts.facts import AssetFact, ConfigFieldFact, ConfigTypeFact, JobFact
from dagster_playbook.failure import platform_error
from dagster_playbook.settings import CodeLocation
from dagster_playbook.workers.dagster_releases import (
    ConfigTypeSnap,
    is_secret,
    loadable_targets_from_python_module,
    repository_def_from_target_def,
    tags,
)


@dataclass
class LocationFacts:
    """What one code location adds to the facts; see `Facts` for each field."""

    jobs: dict[str, JobFact] = field(default_factory=dict)
    ops: dict[str, str] = field(default_factory=dict)
    config_types: dict[str, ConfigTypeFact] = field(default_factory=dict)
    assets: dict[str, AssetFact] = field(default_factory=dict)
    resources: tuple[str, ...] = ()
    sensors: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    system_tags: tuple[str, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)


def open_location(root: Path, location: CodeLocation) -> RepositoryDefinition:
    """Import the code location as `dagster dev -m` would, and return its definitions.

    Raises:
        PlatformError: the module is missing, does not import, or defines nothing that can be launched.
    """
    folder = root / location.working_directory
    source = location.module.replace(".", "/")
    within = next((p for p in (f"{source}.py", f"{source}/__init__.py") if (folder / p).is_file()), "")
    within = (Path(location.working_directory) / within).as_posix() if within else location.working_directory
    cure = f"make `dagster definitions validate -m {location.module} -d {location.working_directory}` succeed"
    try:
        target = _target(location, str(folder))
        repository = repository_def_from_target_def(target)
        if repository is None:
            raise PlatformError(f"{location.module} has no Dagster definitions", cure=cure, path=within)
        jobs = repository.get_all_jobs()
    except PlatformError:
        raise
    except Exception as error:
        raise platform_error(error, "Dagster cannot load the code location", cure, root, within=within) from error
    if not jobs:
        cure = "give its Definitions a job or an asset, or name another module in [[tool.playbook.dagster]]"
        raise PlatformError(f"the code location {location.module} has no job", cure=cure, path=within)
    return repository


def _target(location: CodeLocation, folder: str) -> object:
    targets = loadable_targets_from_python_module(location.module, folder)
    if not location.attribute:
        return targets[0].target_definition
    for target in targets:
        if target.attribute == location.attribute:
            return target.target_definition
    import sys

    return getattr(sys.modules[location.module], location.attribute)


def read_location(repository: RepositoryDefinition, location: CodeLocation) -> LocationFacts:
    """Jobs (the implicit asset job too), ops, config types, assets, resources, sensors and schedules."""
    facts = LocationFacts()
    for job in sorted(repository.get_all_jobs(), key=lambda item: item.name):
        _add_job(facts, job, location)
    _add_assets(facts, repository, location)
    facts.resources = tuple(sorted(repository.get_top_level_resources()))
    facts.sensors = tuple(sorted(sensor.name for sensor in repository.sensor_defs))
    facts.schedules = tuple(sorted(schedule.name for schedule in repository.schedule_defs))
    facts.system_tags = read_system_tags()
    facts.values = _values(facts, repository)
    return facts


def read_system_tags() -> tuple[str, ...]:
    """The tags that the installed Dagster gives a meaning of its own, as its own constants name them.

    One that ends in a slash begins a family: `dagster/kind/` stands for every kind.
    """
    prefixes = (tags.SYSTEM_TAG_PREFIX, tags.HIDDEN_TAG_PREFIX)
    known = {value for value in vars(tags).values() if isinstance(value, str) and value.startswith(prefixes)}
    return tuple(sorted(known - set(prefixes)))


def _add_job(facts: LocationFacts, job: JobDefinition, location: CodeLocation) -> None:
    # a job's preset config becomes defaults of its schema, which only the job's own snapshot has
    whole = job.get_job_snapshot()
    snapshot = whole.config_schema_snapshot.all_config_snaps_by_key
    root_key = str(whole.mode_def_snaps[0].root_config_key)
    for key in _reachable(root_key, snapshot):
        facts.config_types.setdefault(key, _config_type(snapshot[key]))
    names = tuple(sorted(job.graph.node_dict))
    facts.jobs[job.name] = JobFact(
        name=job.name,
        ops=names,
        config_type=root_key,
        tags={str(key): str(value) for key, value in job.tags.items()},
        description=job.description or "",
        location=location.module,
    )
    for name, key in _op_configs(facts.config_types, root_key):
        facts.ops[name] = facts.ops.get(name) or key
    for name in names:
        facts.ops.setdefault(name, "")


def _reachable(root_key: str, snapshot: Any) -> Iterator[str]:
    """The keys of the types that a run config of this root can hold, the root first."""
    seen, waiting = {root_key}, [root_key]
    while waiting:
        key = waiting.pop()
        yield key
        for child in snapshot[key].get_child_type_keys() if key in snapshot else ():
            if child not in seen:
                seen.add(child)
                waiting.append(child)
        if snapshot[key].kind.name == "SCALAR_UNION":
            for child in snapshot[key].type_param_keys:
                if child not in seen:
                    seen.add(child)
                    waiting.append(child)


def _config_type(snap: ConfigTypeSnap) -> ConfigTypeFact:
    return ConfigTypeFact(
        key=snap.key,
        kind=snap.kind.name,
        given_name=snap.given_name or "",
        fields=tuple(
            ConfigFieldFact(
                name=item.name or "",
                type_key=item.type_key,
                is_required=item.is_required,
                default="" if is_secret(item) else item.default_value_as_json_str or "",
                description=item.description or "",
            )
            for item in snap.fields or ()
        ),
        inner=tuple(snap.type_param_keys or ()),
        enum=tuple(value.value for value in snap.enum_values or ()),
        scalar=snap.scalar_kind.name if snap.scalar_kind else "",
        aliases=dict(getattr(snap, "field_aliases", None) or {}),
    )


def _op_configs(types: dict[str, ConfigTypeFact], root_key: str) -> Iterator[tuple[str, str]]:
    """Each op under `ops` of a run config with the key of its `config` type; ops in graphs are nested `ops`."""
    for holder in types[root_key].fields:
        if holder.name != "ops":
            continue
        for node in types[holder.type_key].fields:
            for part in types[node.type_key].fields:
                if part.name == "config":
                    yield node.name, part.type_key
            yield from _op_configs(types, node.type_key)


def _add_assets(facts: LocationFacts, repository: RepositoryDefinition, location: CodeLocation) -> None:
    for definition in repository.assets_defs_by_key.values():
        op = definition.node_def.name if definition.is_executable else ""
        for spec in definition.specs:
            key = spec.key.to_user_string()
            facts.assets[key] = AssetFact(
                key=key,
                op=op,
                group=spec.group_name or "default",
                kinds=tuple(sorted(spec.kinds)),
                tags={str(name): str(value) for name, value in spec.tags.items() if "/kind/" not in str(name)},
                location=location.module,
            )
    facts.assets = dict(sorted(facts.assets.items()))


def _values(facts: LocationFacts, repository: RepositoryDefinition) -> dict[str, Any]:
    """What prose may state about the code location, under `dagster.`; job counts leave the implicit asset job out."""
    named = [name for name in facts.jobs if not name.startswith("__")]
    values: dict[str, Any] = {
        "dagster.jobs": named,
        "dagster.jobs.count": len(named),
        "dagster.assets.count": len(facts.assets),
        "dagster.ops.count": len(facts.ops),
        "dagster.resources": list(facts.resources),
        "dagster.resources.count": len(facts.resources),
        "dagster.sensors": list(facts.sensors),
        "dagster.sensors.count": len(facts.sensors),
        "dagster.schedules": list(facts.schedules),
        "dagster.schedules.count": len(facts.schedules),
    }
    groups = sorted({asset.group for asset in facts.assets.values()})
    for group in groups:
        values[f"dagster.groups.{group}.count"] = sum(asset.group == group for asset in facts.assets.values())
    for job in named:
        values[f"dagster.jobs.{job}.ops.count"] = len(facts.jobs[job].ops)
        for tag, value in facts.jobs[job].tags.items():
            values[f"dagster.jobs.{job}.tags.{tag}"] = value
    for schedule in repository.schedule_defs:
        values[f"dagster.schedules.{schedule.name}.cron"] = str(schedule.cron_schedule)
    for op, key in facts.ops.items():
        values |= _config_values(facts.config_types, f"dagster.ops.{op}.config", key)
    return values


def _config_values(types: dict[str, ConfigTypeFact], prefix: str, key: str) -> dict[str, Any]:
    fields: Iterable[ConfigFieldFact] = types[key].fields if key in types else ()
    values: dict[str, Any] = {f"{prefix}.fields": [item.name for item in fields]} if fields else {}
    if fields:
        values[f"{prefix}.fields.count"] = len(values[f"{prefix}.fields"])
    for item in fields:
        values[f"{prefix}.{item.name}.required"] = item.is_required
        if item.default:
            values[f"{prefix}.{item.name}.default"] = json.loads(item.default)
    return values
