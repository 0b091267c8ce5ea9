"""DG: run config blocks against the config schema of the job or op that they are written for.

A config that Dagster's schema accepts can still restate the wrong half of a warehouse, so what the values name is
resolved too: restated models by SQLMesh's own Selector, categories by real tags, hashes by their form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from dagster_playbook import nessie_hash
from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.claims.yaml_text import YamlNode
from dagster_playbook.facts.facts import JobFact
from dagster_playbook.findings import Finding, Rule
from dagster_playbook.meaning import ReferenceMove, Restatement
from dagster_playbook.rules.config_types import ConfigError, ConfigWalk
from dagster_playbook.rules.dates import BAD_DATE, INVERTED, date_problem, window_problem
from dagster_playbook.rules.repairs import only_member
from dagster_playbook.rules.selectors import entry_findings
from dagster_playbook.rules.world import World, did_you_mean, near

KINDS = frozenset({Kind.RUN_CONFIG})

UNKNOWN_KEY = Rule("DG101", "unknown-config-key", "A run config key that the job's config schema does not have.")
MISSING_KEY = Rule("DG102", "missing-config-key", "A required run config key that is not given.")
WRONG_TYPE = Rule("DG103", "wrong-config-type", "A run config value of a type that Dagster refuses.")
UNKNOWN_JOB = Rule("DG104", "unknown-job", "A job that no code location defines.")
UNKNOWN_OP = Rule("DG105", "unknown-op", "An op that no job has.")
NO_FLAG = Rule("DG106", "categories-without-flag", "Categories are listed while the flag that makes them count is off.")
NO_LIST = Rule(
    "DG107",
    "flag-without-categories",
    "The category flag is on and no category is listed: the page does not say what is restated.",
)
UNKNOWN_CATEGORY = Rule("DG108", "unknown-category", "An entity category that no model carries as a tag.")
BAD_HASH = Rule("DG109", "malformed-hash", "A Nessie hash that is not hexadecimal text.")
WRONG_JOB = Rule("DG111", "op-of-another-job", "An op that the named job does not run.")

RULES = (
    UNKNOWN_KEY,
    MISSING_KEY,
    WRONG_TYPE,
    UNKNOWN_JOB,
    UNKNOWN_OP,
    NO_FLAG,
    NO_LIST,
    UNKNOWN_CATEGORY,
    BAD_HASH,
    WRONG_JOB,
)

_PLACEHOLDER = re.compile(r"\A(?:<[^<>]+>|\.\.\.|…|\{\{.*\}\}|\$\{?\w+\}?|__blank_*)\Z")
_DATE = re.compile(r"\A\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?\Z")
_RELATIVE_DATE = re.compile(
    r"\A(?:now|today|yesterday|tomorrow|\d+ (?:minute|hour|day|week|month|year)s? ago)\Z", re.IGNORECASE
)


def check(claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of a run config; one job has to accept the config as a whole."""
    if claim.yaml is None or claim.yaml_problems or not world.facts.jobs:
        return
    job = _job_of(claim, world)
    if job is None:
        yield _no_job(claim, world)
        return
    evidence = f"the config schema of job {job.name}, Dagster {world.facts.versions.get('dagster', '')}".rstrip()
    for error in ConfigWalk(world.facts.config_types).errors(claim.yaml, job.config_type):
        if not (error.reason == "type" and _is_placeholder(error.node)):
            yield _finding_of(error, claim, world, job, evidence)
    for op, config in _op_configs(claim.yaml):
        yield from _meaning(op, config, claim, world)


def embedded_findings(claim: Claim, world: World, *, is_partial: bool = False) -> Iterator[Finding]:
    """Findings of a run config inside another text, where it names an op of the platform.

    Args:
        is_partial: some of it is computed, so that nothing can be said to be missing.
    """
    ops = claim.yaml.get("ops") if claim.yaml is not None else None
    known = {op for job in world.facts.jobs.values() for op in job.ops}
    names = ops.keys() if ops is not None else []
    if not any(op in known or near(op, known) for op in names):
        return
    if claim.job and claim.job not in world.facts.jobs:
        claim = replace(claim, job="")
    yield from (f for f in check(claim, world) if not (is_partial and f.rule == MISSING_KEY.code))


def _job_of(claim: Claim, world: World) -> JobFact | None:
    """The job named by `job=`, else the job whose schema knows most of the config's ops and keys."""
    named = _named_job(claim)
    if named:
        return world.facts.jobs.get(named)
    assert claim.yaml is not None
    ops_node = claim.yaml.get("ops")
    wanted = set(ops_node.keys()) if ops_node else set()
    jobs = sorted(
        world.facts.jobs.values(), key=lambda job: (-len(wanted & set(job.ops)), job.name.startswith("__"), job.name)
    )
    return jobs[0] if jobs else None


def _named_job(claim: Claim) -> str:
    return claim.job or (claim.fence.attributes.get("job", "") if claim.fence else "")


def _no_job(claim: Claim, world: World) -> Finding:
    name = _named_job(claim)
    return UNKNOWN_JOB.finding(
        claim.location,
        f"no job is called {name!r}{did_you_mean(name, world.facts.jobs)}",
        subject=name,
        evidence=f"{len(world.facts.jobs)} jobs of the code location",
    )


def _finding_of(error: ConfigError, claim: Claim, world: World, job: JobFact, evidence: str) -> Finding:
    where = claim.node_at(error.node)
    subject = error.path[-1] if error.path else "run config"
    parent = ".".join(error.path[:-1]) or "the run config"
    if error.reason == "unknown":
        return _unknown(error, claim, world, job, evidence)
    if error.reason == "missing":
        return MISSING_KEY.finding(
            where, f"{parent} lacks the required key {subject!r}", subject=subject, evidence=evidence
        )
    if error.reason == "selector":
        message = f"{'.'.join(error.path)} takes exactly one of {', '.join(error.expected)}"
        return WRONG_TYPE.finding(where, message, subject=subject, evidence=evidence)
    shown = error.node.text or ("a mapping" if error.node.is_map else "nothing")
    if error.node.is_list:
        shown = "a list"
    expected = ", ".join(error.expected)
    kind = "one of " if error.reason == "choice" else ""
    hint = did_you_mean(shown, error.expected) if error.reason == "choice" else ""
    message = f"{'.'.join(error.path) or 'the run config'} has to be {kind}{expected}, not {shown!r}{hint}"
    return WRONG_TYPE.finding(where, message, subject=subject, evidence=evidence)


def _unknown(error: ConfigError, claim: Claim, world: World, job: JobFact, evidence: str) -> Finding:
    where = claim.node_at(error.node)
    name = error.path[-1]
    if error.path[:-1] == ("ops",):
        homes = sorted(other.name for other in world.facts.jobs.values() if name in other.ops)
        home = next((other for other in homes if not other.startswith("__")), "")
        if home:
            message = f"job {job.name} does not run op {name!r}; job {home} does"
            return WRONG_JOB.finding(where, message, subject=name, evidence=evidence)
        every = {op for other in world.facts.jobs.values() for op in other.ops}
        message = f"no op is called {name!r}{did_you_mean(name, every)}"
        return UNKNOWN_OP.finding(where, message, subject=name, evidence=evidence)
    parent = ".".join(error.path[:-1]) or "the run config"
    message = f"{parent} has no key {name!r}{did_you_mean(name, error.expected)}"
    fix = only_member(where, name, error.expected)
    return UNKNOWN_KEY.finding(where, message, subject=name, evidence=evidence, fix=fix)


def _op_configs(root: YamlNode) -> Iterator[tuple[str, YamlNode]]:
    ops = root.get("ops")
    for op, body in ops.items() if ops else []:
        config = body.get("config")
        if config is not None and config.is_map:
            yield str(op.value), config


def _meaning(op: str, config: YamlNode, claim: Claim, world: World) -> Iterator[Finding]:
    """What the values of an op's config name has to exist; which fields carry a meaning, the project declares."""
    meanings = world.conventions.meanings
    if restatement := meanings.restatement(op):
        yield from _restated(restatement, config, claim, world)
    if move := meanings.reference_move(op):
        yield from _hash(move, config, claim)


def _restated(restatement: Restatement, config: YamlNode, claim: Claim, world: World) -> Iterator[Finding]:
    yield from _categories(restatement, config, claim, world)
    models = config.get(restatement.models)
    for entry in models.elements() if models else []:
        if isinstance(entry.value, str) and not _is_placeholder(entry):
            yield from entry_findings(entry.value, claim.node_at(entry), world)
    yield from _window(restatement, config, claim)


def _window(restatement: Restatement, config: YamlNode, claim: Claim) -> Iterator[Finding]:
    """Start and end are dates, of days that exist, in that order."""
    names = [name for name in (restatement.start, restatement.end) if name]
    dates = {name: node for name in names if (node := config.get(name)) is not None and _is_text(node)}
    for name, date in dates.items():
        problem = date_problem(date.value)
        evidence = "the calendar" if problem else f"op {restatement.op}, {name}"
        if problem:
            message = f"{name} is {date.value!r}, but {problem}"
            yield BAD_DATE.finding(claim.node_at(date), message, subject=date.value, evidence=evidence)
        elif not (_DATE.match(date.value) or _RELATIVE_DATE.match(date.value)):
            message = f"{name} is {date.value!r}, which is no date; write 2024-01-31 or '2 days ago'"
            yield BAD_DATE.finding(claim.node_at(date), message, subject=date.value, evidence=evidence)
    if len(dates) == 2:
        start, end = dates.values()
        if problem := window_problem(start.value, end.value):
            evidence = f"op {restatement.op}, {' and '.join(dates)}"
            yield INVERTED.finding(claim.node_at(end), problem, subject=restatement.end, evidence=evidence)


def _hash(move: ReferenceMove, config: YamlNode, claim: Claim) -> Iterator[Finding]:
    target = config.get(move.hash)
    if target is not None and _is_text(target) and not nessie_hash.is_hash(target.value):
        message = f"{target.value!r} is not a Nessie hash: {nessie_hash.FORM}, or empty for the head of main"
        yield BAD_HASH.finding(
            claim.node_at(target), message, subject=target.value, evidence=f"op {move.op}, {move.hash}"
        )


def _categories(restatement: Restatement, config: YamlNode, claim: Claim, world: World) -> Iterator[Finding]:
    flag, listed = config.get(restatement.by_category), config.get(restatement.categories)
    entries = listed.elements() if listed else []
    known = restatement.categories_in(world.tags)
    is_on = flag is not None and flag.value is True
    if listed is not None and _is_placeholder(listed):
        return
    if entries and not is_on and listed is not None:
        off = f"{restatement.by_category} is not true"
        message = f"categories are listed but {off}: nothing would be restated by them"
        where = claim.node_at(flag) if flag else claim.node_at(entries[0])
        yield NO_FLAG.finding(where, message, subject=restatement.categories, evidence="op config")
    if is_on and not entries and flag is not None:
        restated = restatement.default_categories or sorted(known)
        message = f"no category is listed, so the op restates {', '.join(restated)}"
        yield NO_LIST.finding(claim.node_at(flag), message, subject=restatement.by_category, evidence="op config")
    for entry in entries:
        name = str(entry.value)
        if name not in known and not _is_placeholder(entry):
            message = f"no model carries the tag {restatement.tag_of(name)}{did_you_mean(name, known)}"
            evidence = "tags of the SQLMesh models"
            yield UNKNOWN_CATEGORY.finding(claim.node_at(entry), message, subject=name, evidence=evidence)


def _is_text(node: YamlNode) -> bool:
    """A text that says something: not empty, and no blank to fill in."""
    return isinstance(node.value, str) and bool(node.value) and not _is_placeholder(node)


def _is_placeholder(node: YamlNode) -> bool:
    return isinstance(node.value, str) and bool(_PLACEHOLDER.match(node.value.strip()))
