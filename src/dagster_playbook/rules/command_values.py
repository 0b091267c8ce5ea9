"""SH: what the options and arguments of a command name: paths of the project, jobs, modules of code locations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dagster_playbook.claims.model import Claim
from dagster_playbook.claims.shell import Word
from dagster_playbook.findings import Finding, Rule, Severity
from dagster_playbook.rules.run_config import UNKNOWN_JOB
from dagster_playbook.rules.world import World, did_you_mean, near

UNKNOWN_PATH = Rule("SH608", "unknown-path", "A path of the project that does not exist.")
UNKNOWN_MODULE = Rule("SH610", "unknown-module", "A module that is no code location of the project.")

RULES = (UNKNOWN_PATH, UNKNOWN_MODULE)

_PATH = re.compile(r"(?:\./)?[\w.-]+(?:/[\w.-]+)*/?")
#: options whose value is written by the command, not read
_WRITTEN = frozenset({"-o", "--output", "--record", "--site-dir", "--dest", "--out"})
_JOB_OPTIONS = frozenset({"-j", "--job"})
_MODULE_OPTIONS = frozenset({"-m", "--module-name"})
_PATH_OPTIONS = frozenset({"-p", "--paths", "-d", "--working-directory", "-f", "--python-file", "-w", "--workspace"})


def option_findings(
    program: str, spellings: tuple[str, ...], given: Word, claim: Claim, world: World
) -> Iterator[Finding]:
    """Findings of the value of an option with these spellings; `program` is the first word of the command."""
    option = frozenset(spellings)
    where = claim.at(given.line, given.column, given.line, given.end_column)
    if program == "dagster" and option & _JOB_OPTIONS and world.facts.jobs and given.text not in world.facts.jobs:
        message = f"no job is called {given.text!r}{did_you_mean(given.text, world.facts.jobs)}"
        meant = near(given.text, world.facts.jobs)
        severity = Severity.ERROR if meant else world.doubtful
        yield UNKNOWN_JOB.finding(where, message, subject=given.text, evidence="jobs", severity=severity)
    elif program == "dagster" and option & _MODULE_OPTIONS:
        modules = {job.location for job in world.facts.jobs.values() if job.location}
        if modules and given.text not in modules:
            message = f"no code location is the module {given.text!r}{did_you_mean(given.text, modules)}"
            yield UNKNOWN_MODULE.finding(
                where, message, subject=given.text, evidence="code locations", severity=world.doubtful
            )
    elif program in ("sqlmesh", "dagster") and option & _PATH_OPTIONS:
        yield from path_findings(given, claim, world, is_path=True)
    elif not option & _WRITTEN:
        yield from path_findings(given, claim, world)


def path_findings(word: Word, claim: Claim, world: World, *, is_path: bool = False) -> Iterator[Finding]:
    """A word that is a path of the project has to exist; `is_path` when the command takes nothing else there."""
    if not word.is_known or not _PATH.fullmatch(word.text) or not ("/" in word.text or is_path):
        return
    path = word.text.removeprefix("./").rstrip("/")
    if world.files.exists(path) or path in (".", ".."):
        return
    first = path.split("/", maxsplit=1)[0]
    ignored = (world.files.text(".gitignore") or "").replace("/", "").split("\n")
    places = {*world.facts.sources.values(), *(model.path for model in world.facts.models.values())}
    meant = near(path, {place for place in places if "/" in place})
    if first in ignored or not (is_path or meant or world.conventions.is_strict or world.files.exists(first)):
        return
    where = claim.at(word.line, word.column, word.line, word.end_column)
    message = f"{word.text!r} does not exist in the project{f'; did you mean {meant!r}?' if meant else ''}"
    yield UNKNOWN_PATH.finding(
        where, message, subject=word.text, evidence="the project's files", severity=world.doubtful
    )
