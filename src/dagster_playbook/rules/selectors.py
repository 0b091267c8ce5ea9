"""SM: names of models and selector entries, resolved by SQLMesh's own Selector, each entry by itself.

SQLMesh drops an entry that matches nothing in silence as long as another one matches, so a list is never asked
about as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dagster_playbook.findings import Finding, Rule, Severity
from dagster_playbook.location import Location
from dagster_playbook.rules.repairs import exact
from dagster_playbook.rules.world import World, did_you_mean, near

UNKNOWN_MODEL = Rule("SM201", "unknown-model", "A model that the SQLMesh project does not have.")
NO_MATCH = Rule("SM202", "selector-matches-nothing", "A selector that matches no model of the project.")
NO_PARSE = Rule("SM203", "selector-does-not-parse", "A selector that SQLMesh cannot parse.")
UNKNOWN_TAG = Rule("SM204", "unknown-tag", "A tag that no model carries.")
NO_SCHEMA = Rule("SM205", "model-without-schema", "A model named without its schema, which SQLMesh does not find.")

RULES = (UNKNOWN_MODEL, NO_MATCH, NO_PARSE, UNKNOWN_TAG, NO_SCHEMA)

_PLAIN = re.compile(r"\A[\w\"]+(?:\.[\w\"]+){0,2}\Z")
_TAG = re.compile(r"\A\+?tag:(?P<tag>[^*+]+)\+?\Z")
OPERATORS = re.compile(r"[*+&|^()]|\btag:|\bgit:")


def entry_findings(entry: str, location: Location, world: World) -> Iterator[Finding]:
    """Findings of one entry of a restatement or of `--select-model`."""
    if not world.facts.models:
        return
    if _PLAIN.match(entry):
        yield from _plain_name(entry, location, world)
        return
    answer = world.authority.select(entry)
    evidence = f"SQLMesh {world.facts.versions.get('sqlmesh', '')} Selector"
    if answer.error:
        message = f"SQLMesh cannot parse the selector {entry!r}: {answer.error}"
        yield NO_PARSE.finding(location, message, subject=entry, evidence=evidence, severity=world.doubtful)
    elif not answer.models:
        yield _nothing(entry, location, world, evidence)


def _plain_name(entry: str, location: Location, world: World) -> Iterator[Finding]:
    evidence = f"{len(world.facts.models)} models of the SQLMesh project"
    if world.model(entry) is not None:
        return
    with_schema = f"{world.conventions.schema}.{entry}"
    if "." not in entry and world.conventions.schema and world.model(with_schema):
        message = f"model {entry!r} is not found without its schema; write {with_schema!r}"
        homes = [model for model in world.facts.models.values() if model.name.split(".")[-1].lower() == entry.lower()]
        fix = exact(location, entry, with_schema) if len(homes) == 1 else None
        yield NO_SCHEMA.finding(location, message, subject=entry, evidence=evidence, fix=fix)
        return
    names = [model.name for model in world.facts.models.values()]
    message = f"no model is called {entry!r}{did_you_mean(entry, names)}"
    severity = Severity.ERROR if world.is_ours(entry) else world.doubtful
    yield UNKNOWN_MODEL.finding(location, message, subject=entry, evidence=evidence, severity=severity)


def _nothing(entry: str, location: Location, world: World, evidence: str) -> Finding:
    tag = _TAG.match(entry)
    if tag:
        name = tag["tag"]
        message = f"no model carries the tag {name!r}{did_you_mean(name, world.tags)}"
        severity = Severity.ERROR if near(name, world.tags) else world.doubtful
        return UNKNOWN_TAG.finding(location, message, subject=name, evidence=evidence, severity=severity)
    bare = OPERATORS.sub("", entry)
    names = [model.name for model in world.facts.models.values()]
    message = f"the selector {entry!r} matches no model{did_you_mean(bare, names)}"
    severity = Severity.ERROR if world.is_ours(bare) else world.doubtful
    return NO_MATCH.finding(location, message, subject=entry, evidence=evidence, severity=severity)
