"""PB: what could not be read or understood, links that lead nowhere, suppressions without a reason or a use."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from posixpath import dirname, join, normpath
from urllib.parse import unquote, urlsplit

from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.claims.yaml_text import YamlProblem
from dagster_playbook.findings import Finding, Rule, Severity
from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Page, Problem, Suppression
from dagster_playbook.rules.built_site import html_of, ids_of, target_of
from dagster_playbook.rules.site import (
    Shown,
    anchors_of,
    generates,
    is_sure_anchor,
    is_sure_link,
    resolve,
    site_of,
    takes_objects,
)
from dagster_playbook.rules.world import World, did_you_mean

KINDS = frozenset({Kind.LINK, Kind.UNKNOWN})

NOT_UNDERSTOOD = Rule(
    "PB001", "not-understood", "A code block that no rule understands: it is checked or exempt, never passed over."
)
UNCLOSED = Rule(
    "PB002", "unclosed-fence", "A fence that is not closed, or that the site does not show as a code block."
)
UNREADABLE = Rule("PB003", "unreadable-page", "A page that cannot be read as UTF-8 text.")
NO_INCLUDE = Rule("PB004", "missing-include", "An include of a file or section that does not exist.")
INCLUDE_CYCLE = Rule("PB005", "include-cycle", "An include that includes itself.")
UNKNOWN_NAME = Rule("PB006", "unknown-name", "Inline code that names nothing on the platform.")
NO_REASON = Rule("PB007", "suppression-without-reason", "A suppression that does not say why.")
UNUSED = Rule("PB008", "unused-suppression", "A suppression that suppresses nothing.")
DEAD_LINK = Rule("PB009", "dead-link", "A link, image or page that does not exist.")
BAD_FRONT_MATTER = Rule("PB010", "bad-front-matter", "Front matter that is no YAML mapping.")
BAD_DIRECTIVE = Rule("PB011", "malformed-directive", "A fact binding or suppression that is not written right.")
NO_ANCHOR = Rule("PB012", "dead-anchor", "A link to an anchor that the page does not have.")
NOT_YAML = Rule("PB013", "not-yaml", "A YAML block that its consumer cannot read.")
DUPLICATE_KEY = Rule("PB014", "duplicate-key", "A key that stands twice in one mapping: the last one wins in silence.")
NO_PAGE = Rule("PB015", "dead-nav-entry", "A navigation entry without a page.")
OTHER_VERDICT = Rule("PB016", "example-verdict", "An example block that does not fail or pass as it says it does.")
BROKEN_SENTENCE = Rule(
    "PB022", "broken-sentence", "A fact whose comment begins a line, where the site ends the sentence."
)

NOT_JUDGED = Rule("PB023", "not-judged", "A claim that could not be judged: the question about it failed.")
TOO_LONG = Rule("PB024", "page-takes-too-long", "A page that takes longer to check than a page may.")
SWALLOWED = Rule(
    "PB025", "swallowed-text", "A word in angle brackets that a browser takes for a tag, so that no reader sees it."
)

RULES = (
    NOT_UNDERSTOOD,
    UNCLOSED,
    UNREADABLE,
    NO_INCLUDE,
    INCLUDE_CYCLE,
    UNKNOWN_NAME,
    NO_REASON,
    UNUSED,
    DEAD_LINK,
    BAD_FRONT_MATTER,
    BAD_DIRECTIVE,
    NO_ANCHOR,
    NOT_YAML,
    DUPLICATE_KEY,
    NO_PAGE,
    OTHER_VERDICT,
    BROKEN_SENTENCE,
    SWALLOWED,
    NOT_JUDGED,
    TOO_LONG,
)
_BY_CODE = {rule.code: rule for rule in RULES}


def check(claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of a link, and of a block that nothing understands."""
    if claim.kind is Kind.UNKNOWN:
        yield NOT_UNDERSTOOD.finding(
            claim.location,
            f"no rule understands this block: {claim.why}; name its language, or exempt it with a reason",
            subject=claim.fence.language if claim.fence else "",
            severity=world.doubtful,
        )
    else:
        yield from _link(claim, world)


def problem_finding(problem: Problem, world: World) -> Finding:
    """The finding for something that the reader of pages could not read."""
    rule = _BY_CODE.get(problem.rule, UNREADABLE)
    is_sure = world.conventions.is_strict or _is_sure(problem, world)
    severity = Severity.ERROR if is_sure else Severity.WARNING
    return rule.finding(problem.location, problem.message, subject=problem.subject, severity=severity)


def _is_sure(problem: Problem, world: World) -> bool:
    """Whether the problem is one whoever shows the page; how MkDocs reads it says nothing of other sites."""
    page = problem.location.path
    site = site_of(page, world)
    if problem.rule in (NO_INCLUDE.code, UNCLOSED.code, SWALLOWED.code) and generates(site, world):
        # what a hook or a plugin makes of the text before the renderer sees it is not known here
        return False
    if problem.rule == NO_INCLUDE.code:
        # the paths of includes start where the site's configuration stands
        return site.shown is Shown.MKDOCS and not world.files.exists(join(site.folder, problem.subject))
    if problem.rule in (BAD_FRONT_MATTER.code, BROKEN_SENTENCE.code, SWALLOWED.code):
        return site.shown is Shown.MKDOCS
    if problem.rule != UNCLOSED.code or site.shown is Shown.MKDOCS:
        return True
    lines = (world.files.text(page) or "").split("\n")[problem.location.line :]
    marks = problem.subject[:3]
    return problem.message.endswith("never closed") and not any(
        line.strip(" >\t").startswith(marks) and not line.strip(" >\t").strip(marks[:1]) for line in lines
    )


def yaml_findings(claim: Claim, world: World) -> Iterator[Finding]:
    """Syntax errors and duplicate keys of a YAML block, and tabs that the site shows as spaces."""
    yield from _tabs(claim, world)
    for problem in claim.yaml_problems:
        rule = DUPLICATE_KEY if problem.is_duplicate else NOT_YAML
        where = claim.at(problem.line, problem.column, problem.line, problem.column + max(len(problem.subject), 1))
        message = problem.message if problem.is_duplicate else f"the block {problem.message}"
        if problem.message.startswith(("a tab", "aliases")):
            message = problem.message
        evidence = "YAML as its consumer loads it"
        severity = world.doubtful if _is_deliberate(problem, claim) else Severity.ERROR
        yield rule.finding(where, message, subject=problem.subject, evidence=evidence, severity=severity)


def _is_deliberate(problem: YamlProblem, claim: Claim) -> bool:
    """Whether what no single document may hold is a choice that people make: several documents, or alternatives.

    The same key again, under a comment of its own or behind an empty line, shows ways to write it.
    """
    if "single document" in problem.message or re.search(r"(?:the tag |for the tag ')!(?!!)", problem.message):
        # a tag of the consumer's own, such as !Ref or !secret, says nothing of the platform
        return True
    lines = claim.text.split("\n")
    above = [lines[item.line - 2].strip() for item in claim.yaml_problems if item.is_duplicate and item.line > 1]
    return problem.is_duplicate and any(not line or line.startswith("#") for line in above)


def _tabs(claim: Claim, world: World) -> Iterator[Finding]:
    """The renderer turns tabs into spaces: who copies from the site gets other text than who copies from the file."""
    if claim.fence is None:
        return
    lines = {origin.path: (world.files.text(origin.path) or "").split("\n") for origin in claim.fence.lines}
    for origin in claim.fence.lines:
        source = lines[origin.path][origin.line - 1] if origin.line <= len(lines[origin.path]) else ""
        own = source[origin.column - 1 :]
        indent = own[: len(own) - len(own.lstrip())]
        if "\t" in indent and own.strip():
            at = origin.column + indent.index("\t")
            where = Location(origin.path, origin.line, at, origin.line, at + 1)
            yield NOT_YAML.finding(where, "a tab stands where YAML wants spaces", subject="\\t", evidence="the file")


def suppression_findings(page: Page, used: Collection[int]) -> Iterator[Finding]:
    """Suppressions without a reason, and those (by position in the page) that nothing used."""
    for position, suppression in enumerate(page.suppressions):
        if not suppression.reason.strip():
            codes = ", ".join(suppression.codes)
            message = f'the suppression of {codes} gives no reason; write reason="..."'
            yield NO_REASON.finding(suppression.location, message, subject=codes)
        elif position not in used:
            yield unused_suppression(suppression)


def unused_suppression(suppression: Suppression) -> Finding:
    """That a suppression takes no finding away; its words are a person's, and a mistyped code looks the same."""
    codes, place = ", ".join(suppression.codes), suppression.location
    message = f"the suppression of {codes} suppresses nothing; remove it"
    return UNUSED.finding(place, message, subject=codes)


def covers(suppression: Suppression, finding: Finding) -> bool:
    """Whether a suppression takes a finding away."""
    place = finding.location
    return (
        place.path == suppression.location.path
        and suppression.first_line <= place.line <= suppression.last_line
        and (finding.rule in suppression.codes or finding.name in suppression.codes)
        and bool(suppression.reason.strip())
    )


def _site_page(path: str, page: str, world: World) -> bool:
    """Whether a path without suffix is right on the built site, where each page is a folder of its own."""
    if "." in path.rsplit("/", 1)[-1]:
        return False
    folder = page.removesuffix(".md").removesuffix("/index")
    target = normpath(join(folder, path))
    return world.files.exists(f"{target}.md") or world.files.exists(f"{target}/index.md")


def _link(claim: Claim, world: World) -> Iterator[Finding]:
    target = claim.text.strip()
    parts = urlsplit(target) if "://" in target or target.startswith(("mailto:", "//", "data:")) else None
    if parts is not None or not target or re.match(r"[a-z][a-z0-9+.-]*:", target):
        return
    path, _, anchor = target.partition("#")
    path = unquote(path.partition("?")[0])
    page = claim.location.path
    html = html_of(page, world)
    if path:
        wanted = _wanted(path, page, world)
        found = wanted if world.files.exists(wanted) else _elsewhere(path, page, world)
        built = target_of(path, page, html, world) if html and not found else ""
        if html and not found and not built:
            message = f"{path!r} leads nowhere on the built site, from {html}"
            yield DEAD_LINK.finding(claim.location, message, subject=path, evidence="the built site")
            return
        html = built or html_of(found or "", world)
        if built or (not found and _site_page(path, page, world)):
            yield from _built_anchor(unquote(anchor), html, claim, world)
            return
        if not found:
            yield DEAD_LINK.finding(
                claim.location,
                f"{path!r} does not exist: looked for {wanted}",
                subject=path,
                evidence="the project's files",
                severity=Severity.ERROR if _is_dead(path, wanted, page, world) else Severity.WARNING,
            )
            return
        page = found
    if html:
        yield from _built_anchor(unquote(anchor), html, claim, world)
    elif anchor and page.endswith((".md", ".mdx")):
        yield from _anchor(unquote(anchor), page, claim, world)


def _built_anchor(anchor: str, html: str, claim: Claim, world: World) -> Iterator[Finding]:
    """An anchor is one that the generator has made; who knows nothing of the file says nothing."""
    anchor = anchor.partition(":~:")[0]
    if anchor.lower() in ("", "top") or not html.endswith(".html"):
        return
    known = ids_of(html, world)
    if anchor not in known:
        message = f"{html} has no anchor #{anchor}{did_you_mean(anchor, known)}"
        yield NO_ANCHOR.finding(claim.location, message, subject=anchor, evidence="the built site")


def _wanted(path: str, page: str, world: World) -> str:
    base = world.conventions.docs_dir if path.startswith("/") else dirname(page)
    if path.startswith("/") and not world.conventions.is_strict:
        site = site_of(page, world)
        base = join(site.folder, site.docs_dir) if site.shown is Shown.MKDOCS else base
    return normpath(join(base, path.lstrip("/")))


def _elsewhere(path: str, page: str, world: World) -> str | None:
    """Documentation of others is shown by whoever shows it: the file that the path leads to there."""
    if world.conventions.is_strict:
        return None
    return resolve(path, page, site_of(page, world), world)


def _is_dead(path: str, wanted: str, page: str, world: World) -> bool:
    if generates(site_of(page, world), world):
        return False
    return world.conventions.is_strict or is_sure_link(path, wanted, site_of(page, world))


def _anchor(anchor: str, page: str, claim: Claim, world: World) -> Iterator[Finding]:
    # browsers go to the top and to quoted text without the page's help
    anchor = anchor.partition(":~:")[0]
    anchors = world.files.anchors(page)
    if anchors is None or anchor in anchors or anchor.lower() in ("", "top"):
        return
    severity = Severity.ERROR
    if generates(site_of(page, world), world) or takes_objects(page, world):
        severity = Severity.WARNING
    elif not world.conventions.is_strict:
        site = site_of(page, world)
        anchors = anchors_of(page, anchors, site, world)
        if anchor in anchors:
            return
        severity = Severity.ERROR if is_sure_anchor(anchor, anchors, page, site, world) else Severity.WARNING
    message = f"{page} has no anchor #{anchor}{did_you_mean(anchor, anchors)}"
    yield NO_ANCHOR.finding(claim.location, message, subject=anchor, evidence=page, severity=severity)
