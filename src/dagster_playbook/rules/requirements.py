"""SH: packages that an install command names, against the versions and extras of what is installed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dagster_playbook.claims.model import Claim
from dagster_playbook.claims.shell import Word
from dagster_playbook.findings import Finding, Rule
from dagster_playbook.rules.world import World, did_you_mean

OTHER_REQUIREMENT = Rule(
    "SH615", "other-requirement", "A version that the platform does not have, or an extra that nothing offers."
)

RULES = (OTHER_REQUIREMENT,)

#: program -> the word behind which packages are named
_INSTALLERS = {"pip": "install", "pip3": "install", "uv": "add", "poetry": "add", "pdm": "add", "pipx": "install"}
_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z][\w.-]*)(?:\[(?P<extras>[\w., -]*)\])?"
    r"(?P<versions>(?:===?|[<>~!]=?)[^;\s]+)?"
)


def requirement_findings(program: str, words: Sequence[Word], claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of the packages of one install command; `words` begin with the program."""
    verb = _INSTALLERS.get(program)
    texts = [word.text for word in words]
    if verb is None or verb not in texts:
        return
    for word in words[texts.index(verb) + 1 :]:
        match = _REQUIREMENT.fullmatch(word.text)
        if word.is_known and match:
            yield from _requirement(match, word, claim, world)


def _requirement(match: re.Match[str], word: Word, claim: Claim, world: World) -> Iterator[Finding]:
    name = re.sub(r"[-_.]+", "-", match["name"]).lower()
    version = world.facts.versions.get(name)
    if version is None:
        return
    where = claim.at(word.line, word.column, word.line, word.end_column)
    offered = {re.sub(r"[-_.]+", "-", extra).lower() for extra in world.facts.extras.get(name, ())}
    for extra in re.split(r"\s*,\s*", (match["extras"] or "").strip()):
        if extra and offered and re.sub(r"[-_.]+", "-", extra).lower() not in offered:
            message = f"{name} {version} offers no extra {extra!r}{did_you_mean(extra, offered)}"
            yield OTHER_REQUIREMENT.finding(
                where, message, subject=extra, evidence=f"{name} {version}", severity=world.doubtful
            )
    if match["versions"] and not _fits(match["versions"], version):
        message = f"the platform has {name} {version}, which is not {match['versions']}"
        # a page of others may well speak of another day
        yield OTHER_REQUIREMENT.finding(
            where, message, subject=match["versions"], evidence="the installed distributions", severity=world.doubtful
        )


def _fits(specifiers: str, version: str) -> bool:
    """Whether the version is among those; what is no specifier says nothing."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(specifiers).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True
