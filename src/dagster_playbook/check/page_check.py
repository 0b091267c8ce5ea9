"""One page: its claims against the world, less what is suppressed with a reason."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from dagster_playbook.check.doubts import cause_of, of_history
from dagster_playbook.check.judging import as_far_as_judged, left_alone
from dagster_playbook.check.live_scope import covering, waiting
from dagster_playbook.check.suppressed import suppressing
from dagster_playbook.claims.extract import claims_of
from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.findings import Finding
from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Page
from dagster_playbook.markdown.reader import NOWHERE, read_page
from dagster_playbook.rules import check_claim, check_whole, extraction, names
from dagster_playbook.rules.command_rules import UNKNOWN_OPTION
from dagster_playbook.rules.world import World


@dataclass(slots=True)
class PageVerdict:
    """What a check found on one page.

    `claims` counts all that the page asserts, bound sentences too.
    `checked` and `exempt` count fences and code spans; what is neither has a finding that says it is not understood.
    `waiting` are the positions of suppressions that only a running service can tell to be of use. `unjudged` counts the
    claims that only the platform itself could judge, where it was not to be asked, by what they are. `anchors` are the
    page's own, None where it could not be read.
    """

    path: str
    files: tuple[str, ...] = ()
    fences: int = 0
    spans: int = 0
    checked: int = 0
    exempt: int = 0
    findings: list[Finding] = field(default_factory=list)
    waiting: tuple[int, ...] = ()
    unjudged: Counter[str] = field(default_factory=Counter)
    claims: int = 0
    anchors: frozenset[str] | None = None


def check_page(page: Page, world: World, *, seconds: float = math.inf) -> PageVerdict:
    """Check every claim of a page; fixes are as the rules propose them, `trial.tried` says which may be offered.

    The claims that fail may take so many seconds together before the rest is left alone.
    """
    verdict = PageVerdict(page.path, page.files, len(page.fences), len(page.spans), anchors=page.all_anchors)
    used: set[int] = set()
    claims = list(claims_of(page))
    verdict.claims = len(claims)
    lost = 0.0
    for position, claim in enumerate(claims):
        if lost >= seconds:
            verdict.findings.append(left_alone(claim, len(claims) - position, seconds))
            break
        begun, before = time.monotonic(), len(verdict.findings)
        _judge(claim, page, world, verdict, used)
        if any(finding.rule == extraction.NOT_JUDGED.code for finding in verdict.findings[before:]):
            lost += time.monotonic() - begun
    verdict.findings += [extraction.problem_finding(problem, world) for problem in page.problems]
    whole = _kept(list(check_whole(page, world)), page, used)
    verdict.findings = [*_not_told_again(verdict.findings, whole), *whole]
    verdict.waiting = waiting(page, claims, used, world.facts)
    verdict.findings += extraction.suppression_findings(page, {*used, *verdict.waiting})
    verdict.findings = [replace(found, cause=cause_of(found, world)) for found in verdict.findings]
    if not world.conventions.is_strict:
        verdict.findings = [of_history(found) for found in verdict.findings]
    verdict.findings.sort(key=Finding.sort_key)
    return verdict


def _not_told_again(findings: list[Finding], whole: list[Finding]) -> list[Finding]:
    """The findings without those on a name of which the page as a whole says more."""
    told = {(finding.location, finding.subject) for finding in whole}
    return [f for f in findings if (f.location, f.subject) not in told or f.rule != UNKNOWN_OPTION.code]


def _judge(claim: Claim, page: Page, world: World, verdict: PageVerdict, used: set[int]) -> None:
    asked = _example_findings(claim, world) if claim.kind is Kind.MARKDOWN else check_claim(claim, world)
    raised = list(as_far_as_judged(asked, claim, world))
    kept = _kept(raised, page, used)
    verdict.findings += kept
    if kinds := world.unjudged.take():
        verdict.unjudged[kinds[0]] += 1
        used.update(covering(page, claim))
        return
    if claim.fence is None and claim.span is None:
        return
    if len(kept) < len(raised) or (claim.span is not None and names.is_exempt(claim, world)):
        verdict.exempt += 1
    elif not any(finding.rule in ("PB001", "PB006", "PB023") for finding in kept):
        verdict.checked += 1


def _kept(findings: list[Finding], page: Page, used: set[int]) -> list[Finding]:
    kept: list[Finding] = []
    for finding in findings:
        taken_away_by = suppressing(page, finding)
        used.update(taken_away_by)
        if not taken_away_by:
            kept.append(finding)
    return kept


def _example_findings(claim: Claim, world: World) -> Iterator[Finding]:
    """A Markdown block is a page in a page; `fails="CODE"` or `passes="CODE"` say what its own check has to give."""
    assert claim.fence is not None
    name = "example.md"
    verdict = check_page(read_page(NOWHERE, name, text=claim.text, included={name: claim.text}), world)
    wanted = claim.fence.attributes.get("fails", "")
    silent = claim.fence.attributes.get("passes", "")
    codes = {finding.rule for finding in verdict.findings}
    if wanted:
        told = ", ".join(sorted(codes)) or "nothing"
        message = f"the example should fail with {wanted} alone, but gives {told}"
        if codes != {wanted}:
            yield extraction.OTHER_VERDICT.finding(claim.location, message, subject=wanted)
    elif silent:
        told = "; ".join(f"{f.rule} {f.message}" for f in verdict.findings)
        message = f"the example should pass, but gives {told}"
        if codes:
            yield extraction.OTHER_VERDICT.finding(claim.location, message, subject=silent)
    else:
        yield from (_moved(finding, claim) for finding in verdict.findings)


def _moved(finding: Finding, claim: Claim) -> Finding:
    place = finding.location
    where: Location = claim.at(place.line, place.column, place.end_line, place.end_column)
    return Finding(
        where, finding.rule, finding.name, finding.message, finding.subject, finding.severity, finding.evidence
    )
