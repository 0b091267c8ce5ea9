"""PB: what a fence says of itself: options that this tool or the site knows, and an end where it was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dagster_playbook.claims.model import Claim
from dagster_playbook.findings import Finding, Rule
from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Fence
from dagster_playbook.rules.extraction import UNCLOSED
from dagster_playbook.rules.repairs import only_member
from dagster_playbook.rules.vocabulary import FENCE_OPTIONS
from dagster_playbook.rules.world import World, did_you_mean, near

UNKNOWN_OPTION = Rule(
    "PB021", "unknown-fence-option", "An option of a fence that nothing reads, so that it says nothing."
)

RULES = (UNKNOWN_OPTION,)

#: options of the site's own highlighter, and of HTML
_OF_THE_SITE = frozenset(
    "class id style title_mode indented linenostart linenospecial linenostep anchor_linenums".split()
)
_OPENING = re.compile(r"(?P<marks>`{3,}|~{3,})[ \t]*(?:\{[^}]*\}|[A-Za-z][\w.+#-]*)(?:[ \t].*)?")


def check_fence(claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of a fence whatever stands in it."""
    assert claim.fence is not None
    yield from _options(claim, claim.fence, world)
    if world.conventions.is_strict:
        yield from _swallowed(claim, claim.fence)


def _options(claim: Claim, fence: Fence, world: World) -> Iterator[Finding]:
    known = FENCE_OPTIONS | _OF_THE_SITE
    for option in fence.attributes:
        meant = near(option, FENCE_OPTIONS)
        if option in known or option.startswith(("data-", "aria-")) or not (meant or world.conventions.is_strict):
            continue
        where = _place(option, fence, world)
        # in documentation of others the option may be read by whoever shows it
        fix = only_member(where, option, FENCE_OPTIONS) if world.conventions.is_strict else None
        message = f"nothing reads the option {option!r} of this fence{did_you_mean(option, FENCE_OPTIONS)}"
        severity = world.doubtful
        yield UNKNOWN_OPTION.finding(
            where, message, subject=option, evidence="fence options", fix=fix, severity=severity
        )


def _place(option: str, fence: Fence, world: World) -> Location:
    place = fence.location
    lines = (world.files.text(place.path) or "").split("\n")
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    found = re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", line[place.column - 1 :])
    if not found:
        return Location(place.path, place.line, place.column)
    start = place.column + found.start()
    return Location(place.path, place.line, start, place.line, start + len(option))


def _swallowed(claim: Claim, fence: Fence) -> Iterator[Finding]:
    """A line that would open a fence inside a block of as few marks: the one before it was never closed."""
    if fence.language in ("md", "markdown") or "indented" in fence.attributes:
        return
    for number, line in enumerate(fence.body.split("\n"), 1):
        if _OPENING.fullmatch(line.strip()):
            where = claim.at(number, len(line) - len(line.lstrip()) + 1)
            message = f"a fence opens inside the block of line {fence.location.line}: is that one closed?"
            yield UNCLOSED.finding(where, message, subject=line.strip(), evidence="pymdownx.superfences")
            return
