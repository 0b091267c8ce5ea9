"""Rules of `.cursor/rules/create-seed-and-staging-models.mdc` on models: name, dialect, kind, audits, tags, columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from dagster_playbook.findings import Fix
from dagster_playbook.scaffold.lint.model_file import ModelFile, split_top_level
from dagster_playbook.scaffold.lint.project import Warehouse
from dagster_playbook.scaffold.lint.rule import SEED_RULES, Problem, Rule
from dagster_playbook.scaffold.table import BOOKKEEPING

#: kinds that a staging model may be of
KINDS = ("FULL", "VIEW", "INCREMENTAL_BY_TIME_RANGE", "INCREMENTAL_BY_UNIQUE_KEY", "INCREMENTAL_BY_PARTITION")
MAX_UNNEST = 1


def unreadable(house: Warehouse) -> Iterator[Problem]:
    """A file that cannot be read is told, never passed over."""
    for place, why in house.problems:
        yield Problem(place, why, Path(place.path).name)


def names(house: Warehouse) -> Iterator[Problem]:
    """A staging model is called `<schema>.stg_<source>__<table>`, its file likewise."""
    schema = house.layout.schema
    for model in house.staging():
        wanted = f"{schema}.{Path(model.path).stem}"
        if not re.fullmatch(rf"{re.escape(schema)}\.stg_[a-z0-9]+(_[a-z0-9]+)*__[a-z0-9]+(_[a-z0-9]+)*", model.name):
            told = f"{model.name or 'a model without a name'} is not {schema}.stg_<source>__<table>"
            yield Problem(model.at_property("name"), told, model.name)
        elif model.name != wanted:
            place = model.at_property("name")
            yield Problem(place, f"{model.name} stands in {Path(model.path).name}", model.name)


def dialect(house: Warehouse) -> Iterator[Problem]:
    """Staging models are written in Trino's dialect."""
    for model in house.staging():
        said = model.value("dialect").strip("'\"").lower() or house.default_dialect
        if said != "trino":
            place = model.at_property("dialect")
            yield Problem(place, f"{model.name} is in the dialect {said or 'of the engine'!r}, not trino", model.name)


def kinds(house: Warehouse) -> Iterator[Problem]:
    """A staging model names its kind, one that can be restated."""
    for model in house.staging():
        if model.kind not in KINDS:
            told = f"{model.name} is of kind {model.kind}" if model.kind else f"{model.name} names no kind"
            yield Problem(model.at_property("kind"), told, model.name, "one of " + ", ".join(KINDS))


def audits(house: Warehouse) -> Iterator[Problem]:
    """Every staging model has audits."""
    for model in house.staging():
        if not re.search(r"\w", model.value("audits")):
            yield Problem(model.at(), f"{model.name} has no audits", model.name)


def tags(house: Warehouse) -> Iterator[Problem]:
    """A tag with an equals sign is quoted: SQLMesh reads `tags (a=b)` as one empty tag, without a word."""
    for model in house.models:
        found = model.properties.get("tags")
        if found is None:
            continue
        body = found.text[1:-1] if found.text.startswith("(") else found.text
        for item in split_top_level(body):
            tag = item.strip()
            if "=" in tag and tag[0] not in "\"'":
                start = found.start + found.text.index(tag)
                place = model.at(start, start + len(tag))
                quoted = '"' + re.sub(r"\s*=\s*", "=", tag) + '"'
                told = f"the tag {tag} is not quoted, so SQLMesh reads it as an empty tag"
                yield Problem(place, told, tag, "SQLMesh's own loader", Fix(place, tag, quoted))


def loader_columns(house: Warehouse) -> Iterator[Problem]:
    """No staging model hands on what a loader added for itself."""
    for model in house.staging():
        for name in dict.fromkeys(_columns_read(model)):
            if BOOKKEEPING.match(name):
                yield Problem(model.at_text(name), f"{model.name} reads {name}, a loader's own column", name)


def _columns_read(model: ModelFile) -> Iterator[str]:
    from sqlglot import exp

    for column in model.query.find_all(exp.Column) if model.query else ():
        yield column.name


def source_columns(house: Warehouse) -> Iterator[Problem]:
    """A query over one raw table reads columns that this table has."""
    from sqlglot import exp

    for model in house.staging():
        for select in model.query.find_all(exp.Select) if model.query else ():
            raw = _only_table(select)
            declared = house.declared.get(raw, {})
            for name in dict.fromkeys(_own_columns(select)) if declared else ():
                if name.lower() not in declared and not name.startswith(("start_", "end_", "execution_")):
                    told = f"{model.name} reads {name}, which {raw} does not have"
                    yield Problem(model.at_text(name), told, name, "external_models.yaml")


def _only_table(select: object) -> str:
    from sqlglot import exp

    assert isinstance(select, exp.Select)
    start = select.args.get("from_") or select.args.get("from")
    if (
        start is None
        or select.args.get("joins")
        or select.args.get("laterals")
        or not isinstance(start.this, exp.Table)
    ):
        return ""
    return f"{start.this.db}.{start.this.name}"


def _own_columns(select: object) -> Iterator[str]:
    """The columns of the select itself: not those of its subqueries, nor its own output names."""
    from sqlglot import exp

    assert isinstance(select, exp.Select)
    outputs = {item.alias for item in select.expressions if item.alias}
    for part in ("expressions", "where", "group", "having", "qualify", "order"):
        value = select.args.get(part)
        for root in value if isinstance(value, list) else [value]:
            for column in root.find_all(exp.Column) if isinstance(root, exp.Expression) else ():
                inner = column.find_ancestor(exp.Select, exp.Lambda)
                if inner is select and not (part in ("order", "qualify", "having", "group") and column.name in outputs):
                    yield column.name


def unnesting(house: Warehouse) -> Iterator[Problem]:
    """Staging unnests one level at most."""
    from sqlglot import exp

    for model in house.staging():
        found = list(model.query.find_all(exp.Unnest)) if model.query else []
        if len(found) > MAX_UNNEST:
            yield Problem(model.at_text("UNNEST"), f"{model.name} unnests {len(found)} times", model.name)


def stars(house: Warehouse) -> Iterator[Problem]:
    """Columns are listed, so that their order and types are the model's own."""
    from sqlglot import exp

    for model in house.staging():
        if isinstance(model.query, exp.Select) and any(item.is_star for item in model.query.expressions):
            yield Problem(
                model.at_text("SELECT"), f"{model.name} selects a star where columns have to be listed", model.name
            )


def tests(house: Warehouse) -> Iterator[Problem]:
    """Every staging model has a SQLMesh unit test."""
    for model in house.staging():
        if model.name not in house.tested_models:
            yield Problem(model.at(), f"no unit test names {model.name}", model.name)


RULES = (
    Rule("WH301", "staging-name", "oso.stg_<source>__<table>, the file likewise", SEED_RULES, names),
    Rule("WH302", "staging-dialect", "the dialect is trino", SEED_RULES, dialect),
    Rule("WH303", "staging-kind", "the kind is named and can be restated", SEED_RULES, kinds),
    Rule("WH304", "staging-without-audits", "every staging model has audits", SEED_RULES, audits),
    Rule("WH305", "unquoted-tag", 'tags are quoted: tags ("a=b")', SEED_RULES, tags, is_fixable=True),
    Rule("WH306", "loader-column-in-staging", "no loader's own columns", SEED_RULES, loader_columns),
    Rule("WH307", "unknown-source-column", "only columns that the source has", SEED_RULES, source_columns),
    Rule("WH308", "deep-unnesting-in-staging", "one UNNEST at most", SEED_RULES, unnesting),
    Rule("WH309", "star-in-staging", "columns are listed", SEED_RULES, stars),
    Rule("WH310", "staging-without-test", "every staging model has a unit test", SEED_RULES, tests),
    Rule("WH311", "unreadable-file", "every file of the warehouse can be read", SEED_RULES, unreadable),
)
