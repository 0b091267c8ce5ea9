"""Rules of `.cursor/rules/create-seed-and-staging-models.mdc` on seeds: rows, columns, types, dates."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from dagster_playbook.findings import Fix, Severity
from dagster_playbook.scaffold.breadth import widest_first
from dagster_playbook.scaffold.cases import value_cases
from dagster_playbook.scaffold.cells import naive_utc
from dagster_playbook.scaffold.lint.project import SeedFile, Warehouse
from dagster_playbook.scaffold.lint.rule import SEED_RULES, Problem, Rule
from dagster_playbook.scaffold.row_choice import MAX_ROWS, MIN_ROWS
from dagster_playbook.scaffold.seed import refreshed
from dagster_playbook.scaffold.table import BOOKKEEPING, is_date_text, is_timestamp_text
from dagster_playbook.services.personal import personal_values

#: a seed whose newest date is older than this no longer reaches the windows that incremental models read
MAX_AGE = timedelta(days=366)


def row_count(house: Warehouse) -> Iterator[Problem]:
    """A source's seed has 5 to 10 rows; a smaller source may have fewer, all of them."""
    for seed in _of_sources(house):
        whole = house.samples.get(".".join(seed.table), {}).get("records", ())
        if len(seed.rows) > MAX_ROWS or (len(seed.rows) < MIN_ROWS and not 0 < len(whole) == len(seed.rows)):
            yield Problem(
                seed.at(), f"{len(seed.rows)} rows where {MIN_ROWS} to {MAX_ROWS} are wanted", Path(seed.path).name
            )


def _of_sources(house: Warehouse) -> Iterator[SeedFile]:
    """Seeds that stand in for a raw table; lookup lists of the project's own are no samples."""
    return (seed for seed in house.seeds if seed.table[0])


def coverage(house: Warehouse) -> Iterator[Problem]:
    """No row is there three times, and no case of the recorded sample is lost."""
    for seed in _of_sources(house):
        seen: Counter[tuple[str, ...]] = Counter()
        for i, row in enumerate(seed.rows):
            seen[row] += 1
            if seen[row] == 3:
                yield Problem(seed.at(i), "the same row for the third time shows nothing new", Path(seed.path).name)
        yield from _lost_cases(house, seed)


def _lost_cases(house: Warehouse, seed: SeedFile) -> Iterator[Problem]:
    sample = house.samples.get(".".join(seed.table))
    if sample is None:
        return
    model = house.seed_model(seed)
    null = r"\N" if model and r"\N" in model.value("kind") else ""
    header = [name.lower() for name in seed.header]
    for column in sample["columns"]:
        name = str(column["name"])
        if name.lower() not in header:
            continue
        place = header.index(name.lower())
        wanted = {kind for record in sample["records"] for kind in _kinds(record.get(name))}
        shown = {kind for row in seed.rows for kind in _cell_kinds(row[place], null)}
        for kind in sorted(wanted - shown):
            evidence = f"the sample recorded for {'.'.join(seed.table)}"
            yield Problem(seed.at(), f"no row shows {name} as {kind!r}, which the source has", name, evidence)


#: cases that a CSV cell shows as well as the value itself
_TEXTUAL = frozenset({"null", "empty", "negative", "zero", "unicode", "beyond the basic plane", "line break"})


def _kinds(value: Any) -> set[str]:
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    return {kind for kind, _ in value_cases(value)} & _TEXTUAL


def _cell_kinds(cell: str, null: str) -> set[str]:
    if cell == null:
        return {"null"}
    kinds = _kinds(cell)
    number = _number(cell)
    return kinds | (_kinds(number) if number is not None else set())


def _number(cell: str) -> Decimal | None:
    try:
        return Decimal(cell)
    except InvalidOperation:
        return None


def dates(house: Warehouse) -> Iterator[Problem]:
    """The newest date of a seed is of the last year, and none but a far sentinel lies ahead."""
    evidence = "dates are judged against now; --refresh-dates moves them"
    for seed, told, row in _misdated(house):
        yield Problem(seed.at(row), told, Path(seed.path).name, evidence)


def moved_dates(house: Warehouse) -> Iterator[Fix]:
    """Each seed that `dates` has something against, with all of its dates moved; only ever written when asked for."""
    for seed, _, _ in _misdated(house):
        yield Fix(seed.whole(), seed.text, refreshed(seed.header, seed.rows, house.now))


def _misdated(house: Warehouse) -> Iterator[tuple[SeedFile, str, int]]:
    """Seeds whose newest date is too old or too far ahead: what is told, and the row (0-based) that has it."""
    now = house.now.replace(tzinfo=None)
    for seed in _of_sources(house):
        found = [(moment, i) for i, row in enumerate(seed.rows) for cell in row if (moment := _moment(cell))]
        past = [(moment, i) for moment, i in found if moment <= now + MAX_AGE]
        if not past:
            continue
        newest, i = max(past)
        if newest < now - MAX_AGE:
            yield seed, f"the newest date is {newest:%Y-%m-%d}, {(now - newest).days} days ago", i
        elif newest > now + timedelta(days=1):
            yield seed, f"the date {newest:%Y-%m-%d} lies ahead", i


def _moment(cell: str) -> datetime | None:
    if not (is_date_text(cell) or is_timestamp_text(cell)):
        return None
    try:
        return naive_utc(cell)
    except ValueError:
        return None


def widest_row(house: Warehouse) -> Iterator[Problem]:
    """Engines that infer types look at the first row, so it has to be the widest."""
    for seed in _of_sources(house):
        if not seed.rows:
            continue
        first = widest_first([[None if cell == r"\N" else cell for cell in row] for row in seed.rows])[0]
        if first != 0:
            told = f"row {first + 1} holds wider values than the first row; put it first"
            yield Problem(seed.at(first), told, Path(seed.path).name, fix=seed.with_first(first))


def loader_columns(house: Warehouse) -> Iterator[Problem]:
    """No column that a loader added for itself is in a seed."""
    for seed in house.seeds:
        for name in seed.header:
            if BOOKKEEPING.match(name):
                yield Problem(seed.at(), f"{name!r} is a loader's own column", name)


def source_columns(house: Warehouse) -> Iterator[Problem]:
    """A seed's columns are the source's, each once."""
    for seed in _of_sources(house):
        raw = ".".join(seed.table)
        declared = house.declared.get(raw)
        lowered = [name.lower() for name in seed.header]
        for name, count in Counter(lowered).items():
            if count > 1:
                yield Problem(seed.at(), f"the column {name!r} stands {count} times, letter case aside", name)
        if declared is None:
            yield Problem(seed.at(), f"external_models.yaml does not declare {raw}", raw)
            continue
        for name in seed.header:
            if name.lower() not in declared:
                yield Problem(seed.at(), f"{raw} has no column {name!r}", name, "external_models.yaml")
        for name in declared:
            if name not in lowered:
                yield Problem(seed.at(), f"the column {name!r} of {raw} is missing", name, "external_models.yaml")


def types(house: Warehouse) -> Iterator[Problem]:
    """The SEED model types every column, in the file's order, and each cell fits its type."""
    for seed in house.seeds:
        model = house.seed_model(seed)
        if model is None:
            continue
        columns, header = model.columns(), [name.lower() for name in seed.header]
        untyped = [name for name in header if name not in columns]
        if untyped:
            yield Problem(model.at_property("columns"), f"the column {untyped[0]!r} has no type", untyped[0], seed.path)
        elif list(columns) != header:
            yield Problem(
                model.at_property("columns"), "the columns are not in the order of the file", model.name, seed.path
            )
        yield from _misfits(seed, columns)


def _misfits(seed: SeedFile, columns: dict[str, str]) -> Iterator[Problem]:
    for i, row in enumerate(seed.rows):
        for name, cell in zip(seed.header, row, strict=True):
            type_ = columns.get(name.lower(), "VARCHAR").upper()
            if cell not in ("", r"\N") and not fits(cell, type_):
                yield Problem(seed.at(i), f"{cell!r} is no {type_} ({name})", name)


def fits(cell: str, type_: str) -> bool:
    """Whether a cell can be read as a value of this Trino type; types without a rule take anything."""
    if type_.startswith(("BIGINT", "INTEGER", "SMALLINT", "TINYINT")):
        return re.fullmatch(r"[+-]?\d+", cell) is not None
    if type_.startswith(("DECIMAL", "DOUBLE", "REAL")):
        return _number(cell) is not None
    if type_.startswith("BOOLEAN"):
        return cell.lower() in ("true", "false")
    try:
        if type_.startswith("TIMESTAMP"):
            naive_utc(cell)
        elif type_ == "DATE":
            date.fromisoformat(cell)
    except ValueError:
        return False
    return True


def models(house: Warehouse) -> Iterator[Problem]:
    """Each seed file has a SEED model, and each SEED model its file."""
    names = {Path(seed.path).name for seed in house.seeds}
    for seed in house.seeds:
        if house.seed_model(seed) is None:
            yield Problem(seed.at(), "no SEED model reads this file", Path(seed.path).name)
    for model in house.models:
        match = re.search(r"path\s+'([^']+)'", model.value("kind")) if model.kind == "SEED" else None
        if match and Path(match[1]).name not in names:
            yield Problem(model.at_property("kind"), f"there is no seed file {match[1]}", model.name)


def personal(house: Warehouse) -> Iterator[Problem]:
    """No mail or network address of anybody is committed."""
    for seed in house.seeds:
        for i, row in enumerate(seed.rows):
            for name, cell in zip(seed.header, row, strict=True):
                if personal_values(cell):
                    yield Problem(seed.at(i), f"the column {name!r} holds an address of somebody; mask it", name)


RULES = (
    Rule("WH201", "seed-row-count", "a seed has 5 to 10 rows", SEED_RULES, row_count),
    Rule("WH202", "seed-coverage", "the rows show the cases of the source", SEED_RULES, coverage),
    Rule("WH203", "stale-seed-dates", "dates are relative to now", SEED_RULES, dates, Severity.WARNING),
    Rule("WH204", "widest-row-not-first", "the largest values stand first", SEED_RULES, widest_row, is_fixable=True),
    Rule("WH205", "loader-column-in-seed", "no loader's own columns", SEED_RULES, loader_columns),
    Rule("WH206", "seed-columns-differ", "a seed's columns are the source's", SEED_RULES, source_columns),
    Rule("WH207", "untyped-seed-column", "every column is typed, in order, and its cells fit", SEED_RULES, types),
    Rule("WH208", "seed-without-model", "file and SEED model belong together", SEED_RULES, models),
    Rule("WH209", "personal-data-in-seed", "no address of anybody is committed", SEED_RULES, personal),
)
