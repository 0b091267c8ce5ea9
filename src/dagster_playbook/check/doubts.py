"""Doubts that nobody wants to read one by one: told as one line with a number, by their causes.

A doubt is a warning of a check that is not strict. It is told by itself where it speaks of what looks like this
platform's; what only says that something is not known here belongs to a cause, and one setting settles the cause.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from dagster_playbook.findings import Finding, Severity

if TYPE_CHECKING:
    from dagster_playbook.rules.world import World


@dataclass(frozen=True, slots=True)
class Cause:
    """Why things are doubted: in the words of a count, and the one setting that settles all of them."""

    name: str
    told: str
    cure: str


CAUSES = {
    cause.name: cause
    for cause in (
        Cause(
            "names", "names that are none of this platform's", "`strict = true` tells each; `words` exempts those meant"
        ),
        Cause("options", "options of programs that are held to nothing", "name the programs in `commands`"),
        Cause(
            "blocks", "blocks that no rule understands", "name their language, or set `strict = true` to be told each"
        ),
        Cause("excerpts", "excerpts that do not stand by themselves", "`strict = true` tells each"),
        Cause("packages", "imports of packages that are not installed here", "install them where the check runs"),
        Cause("dialects", "statements of another SQL dialect", "`strict = true` tells each"),
        Cause("site", "links, anchors, includes and fences that the site's own plugins may make", 'set `site = "DIR"`'),
        Cause("history", "names and blocks of pages that tell of other versions", "`exclude` pages that are history"),
        Cause(
            "elsewhere", "files, modules and versions of another project", "check where they are, or `strict = true`"
        ),
    )
}

#: code -> the cause of its doubts; a rule that is not here is told by itself
_BY_RULE = {
    **dict.fromkeys(("PB006", "DG101", "DG104", "DG105", "DG108", "SM201", "SM202", "SQ703", "SV301"), "names"),
    **dict.fromkeys(("SV302", "SV304", "SV305", "SH607", "SM204", "SH602", "SM208"), "names"),
    "SH604": "options",
    "PB001": "blocks",
    **dict.fromkeys(("PY501", "PY502", "SH601", "PB013", "PB014", "PB017", "SM206"), "excerpts"),
    "PY503": "packages",
    "SQ701": "dialects",
    **dict.fromkeys(("PB002", "PB004", "PB009", "PB012", "PB025", "PB010", "PB022"), "site"),
    **dict.fromkeys(("SH608", "SH610", "SH615", "PB018"), "elsewhere"),
}
#: kinds of names that are the platform's own, and no words of programs and files
_OWN_KINDS = ("job", "op", "config key", "model", "tag", "asset", "property", "category")
_PARTS = re.compile(r"[_./=:-]")


def cause_of(finding: Finding, world: World) -> str:
    """The cause that a finding belongs to, "" when it is told by itself."""
    if finding.severity is Severity.ERROR:
        return ""
    cause = _BY_RULE.get(finding.rule, "")
    if finding.rule == "SH615" and "offers no extra" in finding.message:
        return ""
    if cause == "names" and looks_like_ours(finding.subject, world):
        return ""
    return cause


#: pages that tell what was, in the words of many projects
_HISTORY = re.compile(
    r"(?:^|[/_-])(?:change-?logs?|changes|release-?notes?|releases?|history|news|what-?s-?new|blog|posts?)(?:[/_.-]|\Z)",
    re.IGNORECASE,
)
#: families of rules that hold a page to the platform as it is, and not to itself
_OF_TODAY = ("DG", "SM", "SV", "SQ", "SH", "PY", "PB017", "PB018", "PB019", "PB006")


def of_history(finding: Finding) -> Finding:
    """A finding of a page that tells of other versions: what is no more was right once, so it is a doubt."""
    if not _HISTORY.search(finding.location.path) or not finding.rule.startswith(_OF_TODAY):
        return finding
    return replace(finding, severity=Severity.WARNING, fix=None, cause="history")


def looks_like_ours(name: str, world: World) -> bool:
    """Whether a name lies in a schema of this platform's, or is one of its names but for a letter or two."""
    from dagster_playbook.rules.vocabulary import vocabulary_of
    from dagster_playbook.rules.world import near

    if world.is_ours(name):
        return True
    if len(name) < 6 or not _PARTS.search(name):
        return False
    vocabulary = vocabulary_of(world).by_kind
    for kind in _OWN_KINDS:
        found = near(name, vocabulary.get(kind, frozenset()))
        if found and _PARTS.search(found) and SequenceMatcher(None, name.lower(), found.lower()).ratio() >= 0.88:
            return True
    return False


def grouped(findings: Iterable[Finding]) -> list[tuple[Cause, int]]:
    """The causes of quiet doubts with their counts, the largest first."""
    counts = Counter(finding.cause for finding in findings if finding.cause)
    return [(CAUSES[name], count) for name, count in counts.most_common()]
