"""What a running service may have against a claim, so that a suppression for it is not called unused without asking."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from dagster_playbook.check.live_queries import PageQueries
from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.facts.facts import Facts
from dagster_playbook.findings import Rule
from dagster_playbook.markdown.model import Page, Suppression
from dagster_playbook.rules import prose, run_config, sql

TRINO, DAGSTER = "trino", "dagster"
_RUN_RETRIES = "dagster.run_retries."


@dataclass(frozen=True, slots=True)
class Scope:
    """The service that a claim is put to, and the rules that it may find broken."""

    service: str
    rules: tuple[Rule, ...]


def scope_of(claim: Claim, queries: PageQueries, facts: Facts) -> Scope | None:
    """Which service a claim is put to, None when it is the business of none."""
    if claim.kind is Kind.SQL and any(queries.of(claim)):
        return Scope(TRINO, sql.RULES)
    if claim.kind is Kind.RUN_CONFIG:
        rules = (run_config.UNKNOWN_KEY, run_config.MISSING_KEY, run_config.WRONG_TYPE, run_config.UNKNOWN_JOB)
        return Scope(DAGSTER, rules)
    if claim.kind is Kind.NAME and claim.text in facts.jobs:
        return Scope(DAGSTER, (run_config.UNKNOWN_JOB,))
    if claim.kind is Kind.FACT and claim.binding and claim.binding.key.startswith(_RUN_RETRIES):
        return Scope(DAGSTER, (prose.DRIFTED,))
    return None


def waiting(page: Page, claims: Iterable[Claim], used: Collection[int], facts: Facts) -> tuple[int, ...]:
    """Positions of the page's suppressions that nothing used and that a finding of a service may need."""
    asked, queries = list(claims), PageQueries(page)
    return tuple(
        position
        for position, suppression in enumerate(page.suppressions)
        if position not in used and any(needing(suppression, asked, queries, facts))
    )


def needing(
    suppression: Suppression, claims: Iterable[Claim], queries: PageQueries, facts: Facts
) -> Iterator[tuple[Claim, Scope]]:
    """The claims that a suppression covers, of which a service may have a finding that it takes away."""
    for claim in claims:
        scope = scope_of(claim, queries, facts) if _is_under(suppression, claim) else None
        if scope and any({rule.code, rule.name} & {*suppression.codes} for rule in scope.rules):
            yield claim, scope


def covering(page: Page, claim: Claim) -> Iterator[int]:
    """Positions of the page's suppressions that cover a claim."""
    return (position for position, item in enumerate(page.suppressions) if _is_under(item, claim))


def _is_under(suppression: Suppression, claim: Claim) -> bool:
    return any(
        path == suppression.location.path and suppression.first_line <= line <= suppression.last_line
        for path, line in _lines(claim)
    )


def _lines(claim: Claim) -> Iterator[tuple[str, int]]:
    yield claim.location.path, claim.location.line
    if claim.fence:
        yield from ((origin.path, origin.line) for origin in claim.fence.lines)
