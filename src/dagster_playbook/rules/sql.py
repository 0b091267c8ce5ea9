"""SQ: queries parsed, and their catalogs, tables and columns resolved against the models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.facts.facts import ModelFact
from dagster_playbook.findings import Finding, Rule
from dagster_playbook.location import Location
from dagster_playbook.rules import statements
from dagster_playbook.rules.dates import BAD_DATE, date_problem
from dagster_playbook.rules.extraction import NOT_UNDERSTOOD
from dagster_playbook.rules.world import World, did_you_mean, near

if TYPE_CHECKING:
    from sqlglot import exp

KINDS = frozenset({Kind.SQL})

NOT_SQL = Rule("SQ701", "not-sql", "A SQL block that does not parse in its dialect.")
UNKNOWN_TABLE = Rule("SQ702", "unknown-table", "A query on a table that no model makes.")
UNKNOWN_COLUMN = Rule("SQ703", "unknown-column", "A query on a column that the model does not have.")
SQL_CATALOG = Rule("SQ704", "unknown-sql-catalog", "A query on a catalog that the platform does not have.")

DESTRUCTIVE = Rule(
    "SQ705",
    "destructive-procedure",
    "A procedure that deletes files which only a tag reaches, where consumers read one.",
)

RULES = (NOT_SQL, UNKNOWN_TABLE, UNKNOWN_COLUMN, SQL_CATALOG, DESTRUCTIVE)

_DIALECTS = {"duckdb": "duckdb", "bigquery": "bigquery", "trino": "trino"}


def check(claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of a SQL block."""
    language = claim.fence.language if claim.fence else "sql"
    yield from query_findings(claim.text, _DIALECTS.get(language, "trino"), claim, world)


def query_findings(text: str, dialect: str, claim: Claim, world: World) -> Iterator[Finding]:
    """Each statement of the text: syntax, then tables, then columns."""
    from sqlglot import parse_one
    from sqlglot.errors import ParseError, TokenError

    source = _without_blanks(text)
    yield from _destructive(source, claim, world)
    yield from _days(source, claim)
    try:
        texts = statements.split(source, dialect)
        parsed = [parse_one(statements.inner_query(each) or each, read=dialect) for each in texts]
    except (ParseError, TokenError, RecursionError, ValueError) as error:
        if not _is_other_language(text, source, world):
            details = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
            yield _syntax(details, str(error), claim, world)
        return
    for statement, whole in zip(parsed, texts, strict=True):
        yield from _resolve(statement, whole, dialect, claim, world)


def _without_blanks(text: str) -> str:
    """`<placeholder>`, `{{ parameter }}` and `@macro` become names of the same length, so that places hold."""
    text = re.sub(r"<[A-Za-z][\w -]*>", lambda m: "_" + "p" * (len(m.group()) - 1), text)
    text = re.sub(r"\{\{.*?\}\}", lambda m: "_" + "p" * (len(m.group()) - 1), text)
    return re.sub(r"\.\.\.|…", lambda m: "*" + " " * (len(m.group()) - 1), text)


def _is_other_language(text: str, source: str, world: World) -> bool:
    """Macros and templates are SQLMesh's to expand; in documentation of others a query may be of any dialect."""
    if re.search(r"@\w+|\{%|\{\{|^\s*(?:AUDIT|METRIC|JINJA_\w+)\b", text, re.MULTILINE):
        return True
    if world.conventions.is_strict:
        return False
    return any(_parsed(source, dialect) for dialect in _OTHER_DIALECTS)


_OTHER_DIALECTS = (None, "duckdb", "bigquery", "snowflake", "postgres", "spark", "redshift", "tsql", "clickhouse")


def _parsed(source: str, dialect: str | None) -> list[exp.Expr | None]:
    """The statements in another dialect, none when it does not parse there."""
    from sqlglot import parse
    from sqlglot.errors import SqlglotError

    try:
        return list(parse(source, read=dialect))
    except (SqlglotError, RecursionError, ValueError):
        return []


def _is_of_others(text: str, world: World) -> bool:
    """Whether a statement that is text to our engines is a whole one to another: documentation of others has many."""
    from sqlglot import exp

    if world.conventions.is_strict:
        return False
    found = [_parsed(text, dialect) for dialect in _OTHER_DIALECTS]
    return any(parsed and not any(isinstance(each, exp.Command) for each in parsed) for parsed in found)


def _syntax(error: dict[str, Any], told: str, claim: Claim, world: World) -> Finding:
    line, column = int(error.get("line") or 1), int(error.get("col") or 1)
    words = str(error.get("description") or told.split("\n", maxsplit=1)[0])
    highlight = str(error.get("highlight") or "")
    start = max(column - len(highlight) + 1, 1)
    where = claim.at(line, start, line, start + len(highlight))
    message = f"the query does not parse: {words}"
    return NOT_SQL.finding(where, message, subject=highlight, evidence="sqlglot", severity=world.doubtful)


def _resolve(statement: exp.Expr, text: str, dialect: str, claim: Claim, world: World) -> Iterator[Finding]:
    from sqlglot import exp

    if isinstance(statement, exp.Command | exp.Show | exp.Set | exp.Use):
        yield from _opaque(text, dialect, claim, world)
        return
    if not world.facts.models:
        return
    if isinstance(statement, exp.Create):
        # what is created is new; what it is made from is not
        query = statement.expression
        if isinstance(query, exp.Query):
            yield from _query(query, claim, world)
        return
    yield from _query(statement, claim, world)


def _query(statement: exp.Expr, claim: Claim, world: World) -> Iterator[Finding]:
    from sqlglot import exp

    ctes = {cte.alias_or_name.lower() for cte in statement.find_all(exp.CTE)}
    known: dict[str, ModelFact] = {}
    for table in statement.find_all(exp.Table):
        if table.name.lower() in ctes and not table.db:
            continue
        yield from _table(table, claim, world, known)
    if known and len(known) == len({t.alias_or_name for t in statement.find_all(exp.Table)}):
        yield from _columns(statement, known, ctes, claim)


def _opaque(text: str, dialect: str, claim: Claim, world: World) -> Iterator[Finding]:
    """A statement that the parser keeps as text: the name in it, or that nobody has read it."""
    named = statements.name_in(text)
    if named is None or (named.procedure and named.procedure not in statements.PROCEDURES):
        if claim.fence is not None and not _is_of_others(text, world):
            words = statements.opening(text)
            hint = did_you_mean(named.procedure, statements.PROCEDURES) if named else ""
            message = (
                f"nothing here can read the statement {words!r}, so it is not checked; exempt it with a reason{hint}"
            )
            where = offset_place(claim, len(text) - len(text.lstrip()), len(text.rstrip()))
            yield NOT_UNDERSTOOD.finding(where, message, subject=words, severity=world.doubtful)
    elif named.kind == "table" and world.facts.models:
        yield from _table(statements.table_of(named, dialect), claim, world, {})
    elif named.kind in ("schema", "catalog", "setting"):
        yield from _catalog(named, claim, world)


def _catalog(named: statements.Named, claim: Claim, world: World) -> Iterator[Finding]:
    """`SHOW SCHEMAS FROM x` names a catalog alone; elsewhere it is the first of several parts."""
    name, _, rest = named.text.partition(".")
    name = name.strip('"')
    if (not rest and named.kind != "catalog") or not world.facts.catalogs or _is_blank(name) or name == "system":
        return
    if name not in world.facts.catalogs:
        where = offset_place(claim, named.start, named.start + len(name))
        message = f"no catalog is called {name!r}{did_you_mean(name, world.facts.catalogs)}"
        yield SQL_CATALOG.finding(where, message, subject=name, evidence="Trino catalogs")


def _days(source: str, claim: Claim) -> Iterator[Finding]:
    """Dates that are written as such and that no calendar has."""
    for found in statements.day_literals(source):
        problem = date_problem(found["day"])
        if problem:
            where = offset_place(claim, found.start("day"), found.end("day"))
            message = f"{found['day']!r} is no day: {problem}"
            yield BAD_DATE.finding(where, message, subject=found["day"], evidence="the calendar")


def _destructive(source: str, claim: Claim, world: World) -> Iterator[Finding]:
    """Procedures that delete files which their own reference does not reach, while consumers read a tag."""
    tags = sorted(ref.name for ref in world.facts.refs.values() if ref.kind == "TAG")
    if not tags:
        return
    for found in statements.destructive_calls(source):
        message = f"{found['name']} deletes what only the tag {tags[0]!r} still reaches, and consumers read that tag"
        where = offset_place(claim, found.start("name"), found.end("name"))
        yield DESTRUCTIVE.finding(where, message, subject=found["name"], evidence="Nessie references")


def _table(table: exp.Table, claim: Claim, world: World, known: dict[str, ModelFact]) -> Iterator[Finding]:
    from sqlglot import exp

    if not isinstance(table.this, exp.Identifier) or _is_blank(table.name):
        return
    if not table.db:
        yield from _without_schema(table, claim, world)
        return
    catalog, schema, name = table.catalog, table.db, table.name
    is_certain = world.conventions.is_strict or world.is_ours(f"{schema}.{name}")
    if not is_certain:
        return
    if schema in ("information_schema", "system", "runtime", "metadata") or catalog == "system" or "$" in name:
        return
    if catalog and world.facts.catalogs and catalog not in world.facts.catalogs:
        place = _identifier_place(table.args["catalog"], claim)
        message = f"no catalog is called {catalog!r}{did_you_mean(catalog, world.facts.catalogs)}"
        yield SQL_CATALOG.finding(place, message, subject=catalog, evidence="Trino catalogs")
        return
    model = world.model(f"{schema}.{name}")
    if model is not None:
        known[table.alias_or_name] = model
        return
    schemas = {m.name.split(".")[0] for m in world.facts.models.values()}
    raw = {dep.replace('"', "").lower() for m in world.facts.models.values() for dep in m.depends_on}
    if any(dep.endswith(f"{schema}.{name}".lower()) for dep in raw):
        return
    names = [m.name for m in world.facts.models.values()]
    wanted = f"{schema}.{name}"
    place = _identifier_place(table.this, claim)
    if schema not in schemas and near(schema, schemas):
        place = _identifier_place(table.args["db"], claim)
    message = f"no model is called {wanted!r}{did_you_mean(wanted, names)}"
    yield UNKNOWN_TABLE.finding(place, message, subject=wanted, evidence=f"{len(names)} SQLMesh models")


def _without_schema(table: exp.Table, claim: Claim, world: World) -> Iterator[Finding]:
    """A bare table name that is a model's last part: no engine finds it without the schema."""
    whole = f"{world.conventions.schema}.{table.name}"
    if world.conventions.schema and world.model(whole) is not None:
        place = _identifier_place(table.this, claim)
        message = f"the table {table.name!r} is not found without its schema; write {whole!r}"
        yield UNKNOWN_TABLE.finding(place, message, subject=table.name, evidence="SQLMesh models")


def _columns(statement: exp.Expr, known: dict[str, ModelFact], ctes: set[str], claim: Claim) -> Iterator[Finding]:
    """Columns whose table is certain: qualified ones, and bare ones when every table of the query is a model."""
    from sqlglot import exp

    made = {alias.alias.lower() for alias in statement.find_all(exp.Alias)}
    everything = {column.lower() for model in known.values() for column in model.columns}
    # one look for the whole statement: one for each column takes the square of its length
    is_simple = not ctes and statement.find(exp.Subquery, exp.Lateral, exp.Unnest, exp.Lambda) is None
    bare = {name: name for name in everything | made} if is_simple else {}
    owner = ", ".join(sorted({model.name for model in known.values()}))
    qualified = {alias: {name.lower(): name for name in model.columns} for alias, model in known.items()}
    for column in statement.find_all(exp.Column):
        if isinstance(column.this, exp.Star) or _is_blank(column.name) or not column.this.args:
            continue
        names = qualified.get(column.table, {}) if column.table else bare
        if names and column.name.lower() not in names:
            place = _identifier_place(column.this, claim)
            message = f"{owner} has no column {column.name!r}{did_you_mean(column.name, names.values())}"
            yield UNKNOWN_COLUMN.finding(place, message, subject=column.name, evidence="columns of the models")


def _is_blank(name: str) -> bool:
    return bool(re.fullmatch(r"_p+", name)) or name in ("*", "")


def _identifier_place(identifier: Any, claim: Claim) -> Location:
    meta = identifier.meta
    if "start" in meta and "end" in meta:
        return offset_place(claim, int(meta["start"]), int(meta["end"]) + 1)
    return claim.location


def offset_place(claim: Claim, start: int, end: int) -> Location:
    """Offsets are 0-based half-open in the claim's text."""
    before = claim.text[:start]
    line = before.count("\n") + 1
    column = start - (before.rfind("\n") + 1) + 1
    return claim.at(line, column, line, column + end - start)
