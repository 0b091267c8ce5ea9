"""SQL statements that the parser keeps as text: what stands in them, found by their own grammar.

`EXPLAIN` holds a query, `SHOW CREATE`, `SHOW STATS` and `ALTER TABLE ... EXECUTE` a table, `USE` and `SET SESSION` a
catalog. What is none of these was read by nobody.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sqlglot import exp

_PART = r'(?:"[^"]+"|[^\W\d][\w$]*)'
_NAME = rf"(?P<name>{_PART}(?:\.{_PART}){{0,2}})"
_EXPLAIN = re.compile(r"\s*EXPLAIN\s+(?:ANALYZE\s+)?(?:VERBOSE\s+)?(?:\([^()]*\)\s*)?(?=\S)", re.IGNORECASE)
_PREPARE = re.compile(r"\s*PREPARE\s+\w+\s+FROM\s+", re.IGNORECASE)
_STATS = re.compile(r"\s*SHOW\s+STATS\s+FOR\s*\(", re.IGNORECASE)

NameKind = Literal["table", "schema", "catalog", "setting", "nothing"]
#: how such a statement begins -> what the name in it is
_GRAMMAR: tuple[tuple[re.Pattern[str], NameKind], ...] = tuple(
    (re.compile(rf"\s*(?:{pattern})", re.IGNORECASE | re.DOTALL), kind)  # type: ignore[misc]
    for pattern, kind in (
        (rf"SHOW\s+CREATE\s+(?:TABLE|VIEW|MATERIALIZED\s+VIEW)\s+{_NAME}\s*\Z", "table"),
        (rf"SHOW\s+(?:COLUMNS\s+(?:FROM|IN)|STATS\s+FOR)\s+{_NAME}(?:\s+LIKE\s+'[^']*')?\s*\Z", "table"),
        (rf"ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?{_NAME}\s+EXECUTE\s+(?P<procedure>\w+)\b.*\Z", "table"),
        (rf"ALTER\s+(?:TABLE|VIEW|MATERIALIZED\s+VIEW)\s+(?:IF\s+EXISTS\s+)?{_NAME}\s+SET\s+PROPERTIES\b.*\Z", "table"),
        (rf"SHOW\s+TABLES(?:\s+(?:FROM|IN)\s+{_NAME})?(?:\s+LIKE\s+'[^']*')?\s*\Z", "schema"),
        (rf"SHOW\s+CREATE\s+SCHEMA\s+{_NAME}\s*\Z", "schema"),
        (rf"SHOW\s+SCHEMAS(?:\s+(?:FROM|IN)\s+{_NAME})?(?:\s+LIKE\s+'[^']*')?\s*\Z", "catalog"),
        (rf"(?:DROP|SHOW\s+CREATE)\s+CATALOG\s+(?:IF\s+EXISTS\s+)?{_NAME}\s*\Z", "catalog"),
        (rf"(?:SET|RESET)\s+SESSION\s+{_NAME}\b.*\Z", "setting"),
        (rf"USE\s+{_NAME}\s*\Z", "setting"),
        (rf"CALL\s+{_NAME}\s*\(.*\)\s*\Z", "setting"),
        (r"SHOW\s+(?:CATALOGS|FUNCTIONS|SESSION|ROLES|CURRENT\s+ROLES)\b[^;]*\Z", "nothing"),
        (r"(?:EXECUTE|DEALLOCATE\s+PREPARE|DESCRIBE\s+(?:INPUT|OUTPUT))\s+\w+\b.*\Z", "nothing"),
        (r"(?:LOAD|INSTALL)\s+\w+\s*\Z", "nothing"),
    )
)
#: procedures of Trino's Iceberg connector
PROCEDURES = frozenset(
    "optimize optimize_manifests expire_snapshots remove_orphan_files drop_extended_stats rollback_to_snapshot "
    "add_files add_files_from_table".split()
)
#: those that delete files which the table's own reference does not reach
DESTRUCTIVE = re.compile(r"\b(?P<name>remove_orphan_files|expire_snapshots)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Named:
    """A name in a statement that is kept as text: its kind and its offsets (0-based, half-open) in the whole text."""

    kind: NameKind
    text: str
    start: int
    end: int
    procedure: str = ""


def split(source: str, dialect: str) -> list[str]:
    """The statements of a text, each with everything before it blanked, so that lines and offsets stay.

    Raises:
        sqlglot.errors.TokenError: the text cannot be tokenised.
    """
    from sqlglot.dialects.dialect import Dialect

    quiet_parser()
    found, start = [], 0
    ends = [token for token in Dialect.get_or_raise(dialect).tokenize(source) if token.token_type.name == "SEMICOLON"]
    for end in [*(token.start for token in ends), len(source)]:
        text = source[start:end]
        if text.strip():
            found.append(_blank(source[:start]) + text)
        start = end + 1
    return found


def quiet_parser() -> None:
    """What the parser has to say to its own developers is not for people who check pages."""
    logger = logging.getLogger("sqlglot")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def inner_query(statement: str) -> str:
    """The query that the statement explains or prepares, at its own place; "" when it holds none."""
    comments = _comments(statement)
    for pattern in (_EXPLAIN, _PREPARE):
        found = pattern.match(comments)
        if found:
            return _blank(statement[: found.end()]) + statement[found.end() :]
    stats = _STATS.match(comments)
    if stats and comments.rstrip().endswith(")"):
        return _blank(statement[: stats.end()]) + statement[stats.end() : len(comments.rstrip()) - 1]
    return ""


def name_in(statement: str) -> Named | None:
    """What a statement that is kept as text names; None when nobody here knows how to read it."""
    text = _comments(statement)
    for pattern, kind in _GRAMMAR:
        found = pattern.match(text)
        if found is None:
            continue
        groups = found.groupdict()
        if not groups.get("name"):
            return Named("nothing", "", 0, 0)
        start, end = found.span("name")
        return Named(kind, groups["name"], start, end, (groups.get("procedure") or "").lower())
    return None


def table_of(named: Named, dialect: str) -> exp.Table:
    """The name as a table, whose identifiers know their places."""
    from sqlglot import exp

    table = exp.to_table(named.text, dialect=dialect)
    offset = named.start
    for identifier, written in zip(table.parts, re.findall(_PART, named.text), strict=False):
        identifier.meta.update(start=offset, end=offset + len(written) - 1)
        offset += len(written) + 1
    return table


def opening(statement: str) -> str:
    """The first words of a statement, for people."""
    return " ".join(_comments(statement).split()[:2])


def _comments(statement: str) -> str:
    """The statement with its comments blanked."""
    return re.sub(r"--[^\n]*|/\*.*?\*/", lambda m: _blank(m.group()), statement, flags=re.DOTALL)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def destructive_calls(source: str) -> Iterator[re.Match[str]]:
    """Each call of a procedure that deletes what other references still reach, comments aside."""
    text = _comments(source)
    for found in DESTRUCTIVE.finditer(text):
        before = text[: found.start()].rsplit(";", 1)[-1]
        if re.search(r"\b(?:EXECUTE|CALL)\s+(?:[\w\"]+\.)*\Z", before, re.IGNORECASE):
            yield found


def day_literals(source: str) -> Iterator[re.Match[str]]:
    """Each `DATE '...'` and `TIMESTAMP '...'`, comments aside."""
    return re.finditer(r"\b(?:DATE|TIMESTAMP)\s+'(?P<day>[^']*)'", _comments(source), re.IGNORECASE)
