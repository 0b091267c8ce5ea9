"""The rules, one file a family: pure functions from a claim and the facts to findings.

`RULES` is the table of every rule by code; `check_claim` asks the families that a claim is the business of.
"""

from __future__ import annotations

from collections.abc import Iterator

from dagster_playbook.claims.model import Claim
from dagster_playbook.findings import Finding, Rule, by_code
from dagster_playbook.markdown.model import Page
from dagster_playbook.rules import (
    command_pages,
    command_values,
    commands,
    dates,
    diagrams,
    documents,
    extraction,
    fences,
    help_output,
    model_blocks,
    names,
    option_types,
    proofs,
    prose,
    python,
    requirements,
    run_config,
    runbook_calls,
    runbooks,
    selectors,
    services,
    signs,
    sql,
)
from dagster_playbook.rules.world import World

FAMILIES = (
    *(commands, diagrams, documents, extraction, help_output, model_blocks, names, prose, python, run_config, services),
    sql,
)

#: code -> rule, in the order of the codes
RULES: dict[str, Rule] = by_code(
    *(
        rule
        for family in (
            *FAMILIES,
            command_values,
            dates,
            fences,
            option_types,
            proofs,
            requirements,
            runbook_calls,
            selectors,
            signs,
        )
        for rule in family.RULES
    ),
    *(Rule(code, name, summary) for code, (name, summary) in runbooks.RULES.items()),
)


def check_whole(page: Page, world: World) -> Iterator[Finding]:
    """Findings of what a page says as a whole: as a runbook, as the documentation of a command, as proven."""
    yield from _check_runbook(page, world)
    yield from command_pages.page_findings(page, world)
    yield from proofs.proof_findings(page, world)


def _check_runbook(page: Page, world: World) -> Iterator[Finding]:
    """Findings of a page that is a runbook, none of any other page."""
    for code, _, message, location, subject in runbooks.problems(page, world.facts, world.conventions.meanings):
        yield RULES[code].finding(location, message, subject=subject, evidence="the runbook format")


def check_claim(claim: Claim, world: World) -> Iterator[Finding]:
    """Every finding of one claim."""
    if claim.yaml is not None or claim.yaml_problems:
        yield from extraction.yaml_findings(claim, world)
    for family in FAMILIES:
        if claim.kind in family.KINDS:
            yield from family.check(claim, world)
    if claim.fence is not None:
        yield from fences.check_fence(claim, world)
    if claim.fence is not None and "title" in claim.fence.attributes:
        yield from documents.excerpt_findings(claim, world)
