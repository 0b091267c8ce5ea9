"""Pages held to running services: Trino analyses queries, Nessie and Trino name what they have, Dagster judges configs.

The findings are those of the rules that hold pages to the recorded facts; only the evidence is another: a service.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from dagster_playbook.check.live_queries import PageQueries, Query, place_in
from dagster_playbook.check.live_records import catalog_findings, reference_findings
from dagster_playbook.check.live_scope import DAGSTER, TRINO, needing, scope_of
from dagster_playbook.check.result import CheckResult, PageSummary
from dagster_playbook.claims.extract import claims_of
from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.claims.yaml_text import YamlNode
from dagster_playbook.facts.facts import Facts
from dagster_playbook.findings import Finding, Rule
from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Page, Suppression
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.rules import extraction, prose, run_config, sql
from dagster_playbook.services.live_services import ConfigRefusal, LiveServices, QueryRefusal
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
        unfilled: places of runbook steps whose query has no samples, so that Trino was not asked.
        authorities: the services that were asked, by version and address.
    """

    findings: list[Finding] = field(default_factory=list)
    asked: int = 0
    absent: set[str] = field(default_factory=set)
    unfilled: list[str] = field(default_factory=list)
    authorities: tuple[str, ...] = ()

    def notices(self) -> list[str]:
        """What is to be told beside the findings."""
        told = [f"{place}: the step's query was not analysed: no sample fits it" for place in self.unfilled]
        if self.absent:
            shown = ", ".join(sorted(self.absent)[:3]) + (", ..." if len(self.absent) > 3 else "")
            told.append(
                f"{len(self.absent)} tables are not materialised there, their queries were not analysed: {shown}"
            )
        return told


@dataclass
class LiveCheck:
    """Holds the recorded facts and any number of pages to the services."""

    settings: Settings
    facts: Facts
    services: LiveServices
    on_work: Callable[[str], None] = field(default=lambda work: None)
    verdict: LiveVerdict = field(default_factory=LiveVerdict)
    #: places of claims that a service was asked about and could not judge
    _unjudged: set[Location] = field(default_factory=set)

    def check(self, pages: Iterable[PageSummary]) -> LiveVerdict:
        """The verdict of the services on the facts and on these pages.

        Raises:
            PlatformError: a service could not be asked.
        """
        parts = (self.services.trino, self.services.nessie, self.services.dagster)
        self.verdict.authorities = tuple(service.evidence for service in parts if service)
        self._records()
        for summary in pages:
            self.on_work(f"asking the services about {summary.path}")
            page = read_page(self.settings.root, summary.path, include_roots=self.settings.include_roots)
            self.verdict.findings += self._page(page, summary.waiting)
        self.verdict.findings.sort(key=Finding.sort_key)
        return self.verdict

    def _records(self) -> None:
        """What the services have against the catalogs and references that are recorded."""
        if self.services.trino:
            self.verdict.asked += len(self.facts.catalogs)
            self.verdict.findings += catalog_findings(self.facts, self.services.trino)
        if self.services.nessie:
            self.verdict.asked += len(self.facts.refs)
            self.verdict.findings += reference_findings(self.facts, self.services.nessie, self.settings)

    def _page(self, page: Page, waiting: Iterable[int]) -> Iterator[Finding]:
        """What the services have against a page, and its suppressions that neither they nor the facts need."""
        claims, queries = list(claims_of(page)), PageQueries(page)
        used: set[int] = set()
        if self.services.trino:
            self.verdict.unfilled += [str(place) for place, sample in queries.samples.items() if sample is None]
        for finding in [finding for claim in claims for finding in self._claim(claim, queries)]:
            covering = [i for i, item in enumerate(page.suppressions) if extraction.covers(item, finding)]
            used.update(covering)
            if not covering:
                yield finding
        for position in waiting:
            if position not in used and self._is_judged(page.suppressions[position], claims, queries):
                yield extraction.unused_suppression(page.suppressions[position])

    def _is_judged(self, suppression: Suppression, claims: Iterable[Claim], queries: PageQueries) -> bool:
        """Whether every finding that could need a suppression would have been told by a service that was asked."""
        there = {TRINO: self.services.trino, DAGSTER: self.services.dagster}
        return all(
            there[scope.service] and claim.location not in self._unjudged
            for claim, scope in needing(suppression, claims, queries, self.facts)
        )

    def _claim(self, claim: Claim, queries: PageQueries) -> Iterator[Finding]:
        scope = scope_of(claim, queries, self.facts)
        if scope is None or not (self.services.trino if scope.service == TRINO else self.services.dagster):
            return
        if claim.kind is Kind.SQL:
            for query in queries.of(claim):
                yield from self._query(claim, query)
        elif claim.kind is Kind.RUN_CONFIG:
            yield from self._run_config(claim)
        elif claim.kind is Kind.NAME:
            yield from self._job(claim, claim.text)
        else:
            yield from self._fact(claim)

    def _query(self, claim: Claim, query: Query) -> Iterator[Finding]:
        assert self.services.trino is not None
        self.verdict.asked += 1
        refusal = self.services.trino.refusal(query.text, catalog=DEFAULT_CATALOG)
        if refusal is None:
            return
        if refusal.name in _ABSENT and self._is_absent(query):
            self._unjudged.add(claim.location)
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
        if key not in self.services.dagster.run_retries:
            self._unjudged.add(claim.location)
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
