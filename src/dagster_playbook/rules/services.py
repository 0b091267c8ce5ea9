"""SV: Trino property blocks against the committed catalogs; catalogs and references wherever they are named."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.findings import Finding, Rule, Severity
from dagster_playbook.rules.world import World, did_you_mean

KINDS = frozenset({Kind.PROPERTIES})

UNKNOWN_CATALOG = Rule("SV301", "unknown-catalog", "A Trino catalog that the platform does not have.")
UNKNOWN_REFERENCE = Rule("SV302", "unknown-reference", "A Nessie branch or tag that the platform does not have.")
BAD_PROPERTY = Rule("SV303", "malformed-property", "A line of a property file that is no `key=value`.")
UNKNOWN_PROPERTY = Rule("SV304", "unknown-property", "A property that the catalog's file does not set.")
OTHER_VALUE = Rule("SV305", "property-differs", "A property whose value is not the one that the platform runs with.")

RULES = (UNKNOWN_CATALOG, UNKNOWN_REFERENCE, BAD_PROPERTY, UNKNOWN_PROPERTY, OTHER_VALUE)


def check(claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of a property block; `title="iceberg.properties"` says which catalog it is, else any may have it."""
    title = claim.fence.attributes.get("title", "") if claim.fence else ""
    name = title.rsplit("/", 1)[-1].removesuffix(".properties")
    if name and title.endswith(".properties") and "catalog" in title and name not in world.facts.catalogs:
        known = world.facts.catalogs
        yield UNKNOWN_CATALOG.finding(
            claim.location,
            f"no catalog is called {name!r}{did_you_mean(name, known)}",
            subject=name,
            evidence="catalogs",
        )
        return
    seen: dict[str, int] = {}
    for number, line in enumerate(claim.text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith(("#", "!")) or line.strip() in ("...", "…"):
            continue
        yield from _line(line, number, name, claim, world, seen)


def _line(line: str, number: int, name: str, claim: Claim, world: World, seen: dict[str, int]) -> Iterator[Finding]:
    match = re.match(r"\s*(?P<key>[^\s=:]+)\s*[=:]\s*(?P<value>.*?)\s*\Z", line)
    if not match:
        yield BAD_PROPERTY.finding(claim.at(number, 1), "a property is written key=value", subject=line.strip())
        return
    key, value = match["key"], match["value"]
    where = claim.at(number, match.start("key") + 1, number, match.end("key") + 1)
    if key in seen:
        yield BAD_PROPERTY.finding(
            where, f"{key!r} stands twice, first on line {claim.at(seen[key], 1).line}", subject=key
        )
    seen.setdefault(key, number)
    catalogs = [world.facts.catalogs[name]] if name in world.facts.catalogs else list(world.facts.catalogs.values())
    known = {k for catalog in catalogs for k in catalog.properties}
    evidence = ", ".join(catalog.path for catalog in catalogs)
    if not catalogs:
        return
    # under a title of the platform's own it is that file, else it may be one of another platform
    severity = Severity.ERROR if name in world.facts.catalogs else world.doubtful
    if key not in known:
        message = f"no catalog of the platform sets {key!r}{did_you_mean(key, known)}"
        yield UNKNOWN_PROPERTY.finding(where, message, subject=key, evidence=evidence, severity=severity)
        return
    values = {catalog.properties[key] for catalog in catalogs if key in catalog.properties}
    if value not in values:
        place = claim.at(number, match.start("value") + 1, number, match.end("value") + 1)
        message = f"{key} is {' or '.join(sorted(values))} on the platform, not {value!r}"
        yield OTHER_VALUE.finding(place, message, subject=key, evidence=evidence, severity=severity)
