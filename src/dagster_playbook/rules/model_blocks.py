"""SM: MODEL blocks loaded by SQLMesh itself; their tags, audits and queries held to the project's names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.facts.authority import ModelAnswer, TextProblem
from dagster_playbook.findings import Finding, Rule, Severity
from dagster_playbook.rules.repairs import exact
from dagster_playbook.rules.selectors import UNKNOWN_TAG
from dagster_playbook.rules.sql import UNKNOWN_COLUMN, UNKNOWN_TABLE, offset_place, query_findings
from dagster_playbook.rules.world import World, did_you_mean, near

KINDS = frozenset({Kind.MODEL})

BAD_MODEL = Rule("SM206", "model-does-not-load", "A MODEL block that SQLMesh refuses.")
EMPTY_TAG = Rule(
    "SM207", "tag-silently-empty", "A tag in a MODEL block without quotes becomes an empty tag in silence."
)

RULES = (BAD_MODEL, EMPTY_TAG)

_STRINGS = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_UNQUOTED_TAG = re.compile(r"\btags\s*(?:\(|\[)?\s*(?P<tag>\w+\s*=\s*\w+)")
_AUDITED = re.compile(r"\b(?:columns|column)\s*:=\s*(?P<columns>\([^()]*\)|\w+)")
_MACROS = re.compile(r"@\w|\{\{|\{%")


def check(claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of a MODEL block."""
    yield from model_findings(claim.text, claim, world)


def model_findings(text: str, claim: Claim, world: World) -> Iterator[Finding]:
    """Tags that would be lost in silence, what SQLMesh has against the block, then names that the project lacks.

    `text` is the claim's own, or the claim's own with something before it on one line.
    """
    lost = set()
    for match in _UNQUOTED_TAG.finditer(_STRINGS.sub(lambda m: " " * len(m.group()), claim.text)):
        where = offset_place(claim, match.start("tag"), match.end("tag"))
        message = f"the tag {match['tag']} has no quotes and becomes an empty tag in silence"
        bare = re.sub(r"\s", "", match["tag"])
        fix = exact(where, match["tag"], f'"{bare}"')
        lost.add(bare)
        yield EMPTY_TAG.finding(where, message, subject=match["tag"], evidence="SQLMesh's MODEL parser", fix=fix)
    answer = world.authority.load_model(text)
    evidence = f"SQLMesh {world.facts.versions.get('sqlmesh', '')}"
    for problem in answer.problems:
        if problem.subject not in lost:
            where = claim.at(problem.line or 1, problem.column or 1)
            message = f"SQLMesh refuses the block: {problem.message}"
            severity = Severity.ERROR if _is_of_the_block(problem, text, world) else world.doubtful
            yield BAD_MODEL.finding(where, message, subject=problem.subject, evidence=evidence, severity=severity)
    if not answer.problems and text == claim.text:
        yield from _names(answer, claim, world)


_HEADS = re.compile(r"^\s*MODEL\s*\(", re.MULTILINE | re.IGNORECASE)
#: notation for what a reader is to put in, or what an excerpt leaves out
_ELIDED = re.compile(r"\.\.\.|\u2026|<\w|\{\{|\{%|\[\w+\]|@\w|^\s*-- *\.", re.MULTILINE)


def _is_of_the_block(problem: TextProblem, text: str, world: World) -> bool:
    """Whether SQLMesh's objection is to what the block says, not to what an excerpt leaves out or another page has."""
    message = problem.message
    if _ELIDED.search(text) or len(_HEADS.findall(text)) > 1:
        return False
    if re.search(r"tokeni[sz]|does not parse", message):
        # a query may be of a dialect that stands nowhere here; the head is SQLMesh's own
        query = _query_of(text)
        head = len(query.split("\n")) - len(query.lstrip().split("\n")) + 1
        knows_dialect = bool(world.facts.models) or re.search(r"\bdialect\b", text)
        return not query.strip() or problem.line < head or bool(knows_dialect)
    if "Input should be" in message:
        return True
    return not re.search(
        r"required 'name'|is undefined|no MODEL block|has no gateway|Required keyword"
        r"|not found|placeholder|does not exist",
        message,
    )


def _names(answer: ModelAnswer, claim: Claim, world: World) -> Iterator[Finding]:
    yield from _tags(answer, claim, world)
    query = _query_of(claim.text)
    if _MACROS.search(query):
        yield from _reads(answer.depends_on, claim, world)
    elif query.strip():
        yield from query_findings(query, "trino", claim, world)
    yield from _audited_columns(answer, claim)


def _query_of(text: str) -> str:
    """The text with the MODEL head blanked out, so that places in the query stay what they are."""
    depth = 0
    for position, char in enumerate(_STRINGS.sub(lambda m: "_" * len(m.group()), text)):
        depth += (char == "(") - (char == ")")
        if char == ";" and depth == 0:
            return re.sub(r"[^\n]", " ", text[: position + 1]) + text[position + 1 :]
    return ""


def _tags(answer: ModelAnswer, claim: Claim, world: World) -> Iterator[Finding]:
    """A new tag is a model's own business; one that is nearly an existing tag was meant as that one."""
    for tag in answer.tags:
        meant = near(tag, world.tags)
        at = claim.text.find(tag)
        if tag and tag not in world.tags and meant and at >= 0:
            where = offset_place(claim, at, at + len(tag))
            message = f"no model carries the tag {tag!r}; did you mean {meant!r}?"
            evidence = "tags of the SQLMesh models"
            yield UNKNOWN_TAG.finding(where, message, subject=tag, evidence=evidence, severity=world.doubtful)


def _audited_columns(answer: ModelAnswer, claim: Claim) -> Iterator[Finding]:
    """Columns that an audit of the block names have to be columns of its query."""
    made = {column.lower() for column in answer.columns}
    for match in _AUDITED.finditer(claim.text) if made else ():
        for word in re.finditer(r"\w+", match["columns"]):
            if word.group().lower() not in made:
                start = match.start("columns") + word.start()
                where = offset_place(claim, start, start + len(word.group()))
                message = f"the query makes no column {word.group()!r}{did_you_mean(word.group(), answer.columns)}"
                yield UNKNOWN_COLUMN.finding(where, message, subject=word.group(), evidence="the block's own query")


def _reads(depends_on: tuple[str, ...], claim: Claim, world: World) -> Iterator[Finding]:
    """Tables that a query with macros reads, as SQLMesh tells them."""
    raw = {dep.replace('"', "").lower() for m in world.facts.models.values() for dep in m.depends_on}
    names = [model.name for model in world.facts.models.values()]
    for fqn in depends_on:
        name = fqn.replace('"', "")
        short = ".".join(name.split(".")[-2:])
        if world.model(name) is None and name.lower() not in raw and world.is_ours(short):
            at = claim.text.find(short)
            where = offset_place(claim, at, at + len(short)) if at >= 0 else claim.location
            message = f"the model reads {short!r}, which no model makes{did_you_mean(short, names)}"
            yield UNKNOWN_TABLE.finding(where, message, subject=short, evidence="models")
