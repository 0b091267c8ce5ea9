"""The statements of a SQL block that Trino can be asked about, each with its place in the block."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from dagster_playbook.claims import placeholder
from dagster_playbook.claims.model import Claim
from dagster_playbook.claims.runbook import is_runbook, parse
from dagster_playbook.claims.runbook_queries import FilledQuery, sample_query
from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Page

_TRINO = frozenset({"", "sql", "trino"})
#: where the models are in Trino, it is the warehouse
_ENGINES = frozenset({"trino", "warehouse"})
#: blanks to fill in, macros and templates: what Trino would refuse for what it is not
_NO_QUERY = re.compile(r"<[A-Za-z][\w -]*>|\{\{|\{%|…|\.\.\.|@\w+|^\s*(?:AUDIT|METRIC|JINJA_\w+)\b", re.MULTILINE)
#: a statement that says EXPLAIN itself; EXPLAIN ANALYZE would run
_OWN_EXPLAIN = re.compile(r"(?:EXPLAIN|USE)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Query:
    """One statement.

    Attributes:
        start: 0-based offset in `block`.
        tables: the dotted names that it reads.
        block: the whole block; of a runbook's step, with samples for its parameters.
    """

    text: str
    start: int
    tables: frozenset[str]
    block: FilledQuery


@dataclass
class PageQueries:
    """The statements of a page's blocks; those of a runbook's steps with samples for their parameters."""

    page: Page

    @cached_property
    def samples(self) -> dict[Location, FilledQuery | None]:
        """Each step on Trino by its place; None for one of which a table is not known before the run."""
        runbook = parse(self.page) if is_runbook(self.page) else None
        steps = [step for step in (runbook.steps if runbook else ()) if step.fence.attributes.get("query") in _ENGINES]
        return {step.location: sample_query(runbook, step) for step in steps if runbook}

    def of(self, claim: Claim) -> Iterator[Query]:
        """The statements of a claim that Trino can be asked about."""
        return queries_of(claim, self.samples.get(claim.location))


def queries_of(claim: Claim, filled: FilledQuery | None = None) -> Iterator[Query]:
    """The statements of a block in Trino's dialect; none of a block that has blanks or does not tokenise."""
    attributes, language = (claim.fence.attributes, claim.fence.language) if claim.fence else ({}, "")
    # a runbook's step names its engine, whatever its language says
    written = placeholder.without(claim.text) if filled else claim.text
    if language not in _TRINO or attributes.get("query", "trino") not in _ENGINES or _NO_QUERY.search(written):
        return
    block = filled or FilledQuery(claim.text)
    for start, stop in _bounds(block.text):
        text = block.text[start:stop]
        if not _OWN_EXPLAIN.match(text):
            yield Query(text, start, _tables(text), block)


def _bounds(text: str) -> list[tuple[int, int]]:
    """First word's start and last word's end of each statement; semicolons in texts and comments part none."""
    from sqlglot import tokenize
    from sqlglot.errors import TokenError

    try:
        tokens = tokenize(text, read="trino")
    except TokenError:
        return []
    bounds: list[tuple[int, int]] = []
    begins = True
    for token in tokens:
        if token.token_type.name == "SEMICOLON":
            begins = True
        elif begins:
            bounds.append((token.start, token.end + 1))
            begins = False
        else:
            bounds[-1] = (bounds[-1][0], token.end + 1)
    return bounds


def _tables(text: str) -> frozenset[str]:
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError

    try:
        tree = parse_one(text, read="trino")
    except SqlglotError:
        return frozenset()
    common = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    tables = (t for t in tree.find_all(exp.Table) if t.db or t.name.lower() not in common)
    return frozenset(".".join(part for part in (t.catalog, t.db, t.name) if part) for t in tables)


def place_in(claim: Claim, query: Query, line: int, column: int) -> Location:
    """The place in the file of a place (1-based) in the statement; line 0 is the statement's first word."""
    above = query.block.text[: query.start]
    first_column = query.start - (above.rfind("\n") + 1) if line <= 1 else 0
    return claim.at(*query.block.place(above.count("\n") + max(line, 1), first_column + max(column, 1)))
