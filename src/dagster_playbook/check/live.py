"""Pages held to running services: Trino analyses queries, Nessie and Trino name what they have, Dagster judges configs.

The findings are those of the rules that hold pages to the recorded facts; only the evidence is another: a service.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from dagster_playbook.check import CheckResult
from dagster_playbook.check.live_queries import Query, place_in, queries_of
from dagster_playbook.claims.extract import claims_of
from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.claims.yaml_text import YamlNode
from dagster_playbook.findings import Finding, Rule
from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Page
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.platform.facts import Facts
from dagster_playbook.platform.live_services import ConfigRefusal, LiveServices, QueryRefusal
from dagster_playbook.rules import extraction, prose, run_config, services, sql
from dagster_playbook.settings import Settings

#: the catalog of names that say none: SQLMesh's default catalog on the platform
DEFAULT_CATALOG = "iceberg"
#: a value that stands for another
_BLANK = re.compile(r"\A(?:<[^<>]+>|\.\.\.|…|\{\{.*\}\}|\$\{?\w+\}?|__blank_*)\Z")
_ABSENT = frozenset({"TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND"})
_QUERY_RULES: dict[str, Rule] = {
    "TABLE_NOT_FOUND": sql.UNKNOWN_TABLE,
    "SCHEMA_NOT_FOUND": sql.UNKNOWN_TABLE,
    "COLUMN_NOT_FOUND": sql.UNKNOWN_COLUMN,
    "CATALOG_NOT_FOUND": sql.SQL_CATALOG,
}
_CONFIG_RULES: dict[str, Rule] = {
    "FIELD_NOT_DEFINED": run_config.UNKNOWN_KEY,
    "FIELDS_NOT_DEFINED": run_config.UNKNOWN_KEY,
    "MISSING_REQUIRED_FIELD": run_config.MISSING_KEY,
    "MISSING_REQUIRED_FIELDS": run_config.MISSING_KEY,
}


@dataclass(slots=True)
class LiveVerdict:
    """What the services say.

    Attributes:
        findings: as of any check, each with the service as its evidence.
        asked: how many catalogs, references, queries, run configs, jobs and facts were put to a service.
        absent: names of tables that models make and that Trino does not have yet.
        authorities: the services that were asked, by version and address.
    """

    findings: list[Finding] = field(default_factory=list)
    asked: int = 0
    absent: set[str] = field(default_factory=set)
    authorities: tuple[str, ...] = ()

    def notices(self) -> list[str]:
        """What is to be told beside the findings."""
        if not self.absent:
            return []
        shown = ", ".join(sorted(self.absent)[:3]) + (", ..." if len(self.absent) > 3 else "")
        return [f"{len(self.absent)} tables are not materialised there, their queries were not analysed: {shown}"]


@dataclass
class LiveCheck:
    """Holds the recorded facts and any number of pages to the services."""

    settings: Settings
    facts: Facts
    services: LiveServices
    on_work: Callable[[str], None] = field(default=lambda work: None)
    verdict: LiveVerdict = field(default_factory=LiveVerdict)

    def check(self, paths: Iterable[str]) -> LiveVerdict:
        """The verdict of the services on the facts and on the pages at these paths.

        Raises:
            PlatformError: a service could not be asked.
        """
        parts = (self.services.trino, self.services.nessie, self.services.dagster)
        self.verdict.authorities = tuple(service.evidence for service in parts if service)
        self.verdict.findings += [*self._catalogs(), *self._references()]
        for path in paths:
            self.on_work(f"asking the services about {path}")
            page = read_page(self.settings.root, path, include_roots=self.settings.include_roots)
            self.verdict.findings += self._page(page)
        self.verdict.findings.sort(key=Finding.sort_key)
        return self.verdict

    def _page(self, page: Page) -> list[Finding]:
        found = [finding for claim in claims_of(page) for finding in self._claim(claim)]
        return [f for f in found if not any(extraction.covers(item, f) for item in page.suppressions)]

    def _claim(self, claim: Claim) -> Iterator[Finding]:
        if claim.kind is Kind.SQL and self.services.trino:
            for query in queries_of(claim):
                yield from self._query(claim, query)
        elif claim.kind is Kind.RUN_CONFIG and self.services.dagster:
            yield from self._run_config(claim)
        elif claim.kind is Kind.NAME and self.services.dagster and claim.text in self.facts.jobs:
            yield from self._job(claim, claim.text)
        elif claim.kind is Kind.FACT and self.services.dagster:
            yield from self._fact(claim)

    def _catalogs(self) -> Iterator[Finding]:
        trino = self.services.trino
        if trino is None:
            return
        there = trino.catalogs()
        for name, catalog in self.facts.catalogs.items():
            self.verdict.asked += 1
            connector, place = catalog.properties.get("connector.name", ""), Location(catalog.path, 1, 1)
            if name not in there:
                message = f"the recorded catalog {name!r} is not there; there are {', '.join(sorted(there))}"
                yield services.UNKNOWN_CATALOG.finding(place, message, subject=name, evidence=trino.evidence)
            elif there[name] != connector:
                message = f"connector.name of {name!r} is {there[name]} there, not {connector!r}"
                yield services.OTHER_VALUE.finding(place, message, subject=name, evidence=trino.evidence)

    def _references(self) -> Iterator[Finding]:
        nessie = self.services.nessie
        if nessie is None:
            return
        there = nessie.references()
        for name, recorded in self.facts.refs.items():
            self.verdict.asked += 1
            place, found = self._reference_place(name), there.get(name)
            if found is None:
                message = f"the recorded reference {name!r} is not there; there are {', '.join(sorted(there))}"
                yield services.UNKNOWN_REFERENCE.finding(place, message, subject=name, evidence=nessie.evidence)
            elif found.kind != recorded.kind:
                message = f"{name!r} is a {found.kind} there, not a {recorded.kind}"
                yield services.OTHER_VALUE.finding(place, message, subject=name, evidence=nessie.evidence)
            elif recorded.hash and found.hash != recorded.hash:
                message = f"{name!r} is at {found.hash} there, not at {recorded.hash}"
                yield services.OTHER_VALUE.finding(place, message, subject=name, evidence=nessie.evidence)

    def _reference_place(self, name: str) -> Location:
        lines = (self.settings.root / self.settings.references).read_text(encoding="utf-8").splitlines()
        number = next((n for n, line in enumerate(lines, start=1) if f'"{name}"' in line), 1)
        return Location(self.settings.references, number, 1)

    def _query(self, claim: Claim, query: Query) -> Iterator[Finding]:
        assert self.services.trino is not None
        self.verdict.asked += 1
        refusal = self.services.trino.refusal(query.text, catalog=DEFAULT_CATALOG)
        if refusal is None or (refusal.name in _ABSENT and self._is_absent(query)):
            return
        rule = _QUERY_RULES.get(refusal.name, sql.NOT_SQL)
        place = place_in(claim, query, refusal.line, refusal.column)
        yield rule.finding(place, _told(refusal), subject=refusal.name, evidence=self.services.trino.evidence)

    def _is_absent(self, query: Query) -> bool:
        """Whether every table of the query is one that the platform makes, so that it only has to be materialised."""
        made = {model.fqn.replace('"', "").lower() for model in self.facts.models.values()}
        read = {name.replace('"', "").lower() for model in self.facts.models.values() for name in model.depends_on}
        known = {".".join(name.split(".")[-2:]) for name in made | read}
        names = {".".join(table.lower().split(".")[-2:]) for table in query.tables}
        if not names or names - known:
            return False
        self.verdict.absent |= names
        return True

    def _run_config(self, claim: Claim) -> Iterator[Finding]:
        assert self.services.dagster is not None
        if claim.yaml is None or claim.yaml_problems or not claim.yaml.is_map:
            return
        dagster = self.services.dagster
        named = claim.fence.attributes.get("job", "") if claim.fence else ""
        if named and named not in dagster.jobs:
            yield from self._job(claim, named)
            return
        self.verdict.asked += 1
        config = claim.yaml.plain()
        verdicts = {job: dagster.config_refusals(job, config) for job in ([named] if named else sorted(dagster.jobs))}
        job = min(verdicts, key=lambda name: len(verdicts[name]))
        for refusal in verdicts[job]:
            node = _node_at(claim.yaml, refusal)
            if not (isinstance(node.value, str) and _BLANK.match(node.value.strip())):
                rule = _CONFIG_RULES.get(refusal.reason, run_config.WRONG_TYPE)
                message = f"job {job} refuses the run config: {refusal.message}"
                yield rule.finding(claim.node_at(node), message, subject=job, evidence=dagster.evidence)

    def _job(self, claim: Claim, name: str) -> Iterator[Finding]:
        assert self.services.dagster is not None
        self.verdict.asked += 1
        if name not in self.services.dagster.jobs:
            message = f"no code location there has a job {name!r}"
            yield run_config.UNKNOWN_JOB.finding(
                claim.location, message, subject=name, evidence=self.services.dagster.evidence
            )

    def _fact(self, claim: Claim) -> Iterator[Finding]:
        assert claim.binding is not None
        assert self.services.dagster is not None
        key = claim.binding.key
        if not key.startswith("dagster.run_retries.") or key not in self.services.dagster.run_retries:
            return
        self.verdict.asked += 1
        value = self.services.dagster.run_retries[key]
        if not prose.says(claim.text, value):
            message = f"the page says {claim.text!r}, but {key} is {value!r} there"
            yield prose.DRIFTED.finding(claim.location, message, subject=key, evidence=self.services.dagster.evidence)


def with_live(result: CheckResult, live: Iterable[Finding]) -> CheckResult:
    """The result with the services' findings, less those that it has told already: the same rule on the same line."""
    told = {(f.location.path, f.location.line, f.rule) for f in result.findings}
    fresh = tuple(f for f in live if (f.location.path, f.location.line, f.rule) not in told)
    return replace(result, live=fresh)


def _told(refusal: QueryRefusal) -> str:
    return f"Trino refuses the query: {refusal.message}"


def _node_at(root: YamlNode, refusal: ConfigRefusal) -> YamlNode:
    """The node that Dagster speaks of, or the nearest above it that stands in the text."""
    node = root
    for step in refusal.path:
        if isinstance(step, int):
            below = node.elements()[step] if step < len(node.elements()) else None
        else:
            below = node.get(step)
        if below is None:
            return node
        node = below
    return node
