"""The recorded catalogs and references held to the running Trino and Nessie."""

from __future__ import annotations

from collections.abc import Iterator

from dagster_playbook.facts.facts import Facts
from dagster_playbook.findings import Finding
from dagster_playbook.location import Location, lines_of
from dagster_playbook.rules import services
from dagster_playbook.services.live_services import LiveNessie, LiveTrino
from dagster_playbook.settings import Settings


def catalog_findings(facts: Facts, trino: LiveTrino) -> Iterator[Finding]:
    """Recorded catalogs that are not there, or are there with another connector, each on its file.

    Raises:
        PlatformError: Trino could not be asked.
    """
    there = trino.catalogs()
    for name, catalog in facts.catalogs.items():
        connector, place = catalog.properties.get("connector.name", ""), Location(catalog.path, 1, 1)
        if name not in there:
            message = f"the recorded catalog {name!r} is not there; there are {', '.join(sorted(there))}"
            yield services.UNKNOWN_CATALOG.finding(place, message, subject=name, evidence=trino.evidence)
        elif there[name] != connector:
            message = f"connector.name of {name!r} is {there[name]} there, not {connector!r}"
            yield services.OTHER_VALUE.finding(place, message, subject=name, evidence=trino.evidence)


def reference_findings(facts: Facts, nessie: LiveNessie, settings: Settings) -> Iterator[Finding]:
    """Recorded references that are not there, or are there as another kind or at another hash, each on its line.

    Raises:
        PlatformError: Nessie could not be asked.
    """
    there = nessie.references()
    for name, recorded in facts.refs.items():
        place, found = _place(name, settings), there.get(name)
        if found is None:
            message = f"the recorded reference {name!r} is not there; there are {', '.join(sorted(there))}"
            yield services.UNKNOWN_REFERENCE.finding(place, message, subject=name, evidence=nessie.evidence)
        elif found.kind != recorded.kind:
            message = f"{name!r} is a {found.kind} there, not a {recorded.kind}"
            yield services.OTHER_VALUE.finding(place, message, subject=name, evidence=nessie.evidence)
        elif recorded.hash and found.hash != recorded.hash:
            message = f"{name!r} is at {found.hash} there, not at {recorded.hash}"
            yield services.OTHER_VALUE.finding(place, message, subject=name, evidence=nessie.evidence)


def _place(name: str, settings: Settings) -> Location:
    lines = lines_of((settings.root / settings.references).read_text(encoding="utf-8"))
    number = next((n for n, line in enumerate(lines, start=1) if f'"{name}"' in line), 1)
    return Location(settings.references, number, 1)
