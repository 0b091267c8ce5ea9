"""Compare two versions of tables: by their grain where it tells rows apart, else by whole rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from dagster_playbook.diff.model import WHOLE_ROW, Diff, Example, Grain, TableDiff
from dagster_playbook.diff.statements import Pair, one_row
from dagster_playbook.errors import PlatformError
from dagster_playbook.services.personal import Mask

#: told the table that is compared next
Teller = Callable[[str], None]
#: rows of a table above which a part of its keys is compared
MAX_ROWS = 20_000_000
#: rows above which checksums of parts tell first where to look, and how many parts are worth it
_MANY_ROWS, _FEW_BUCKETS = 100_000, 4096


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one table: its columns with their types, its rows, and a checksum over all of them."""

    columns: Mapping[str, str]
    rows: int
    checksum: str


class Engine(Protocol):
    """Where both versions are; every method raises `PlatformError` when it cannot be asked."""

    def tables(self) -> tuple[Collection[str], Collection[str]]:
        """The dotted names before and after."""

    def is_same(self, name: str) -> bool:
        """Whether a table is known to be the same without reading it."""

    def versions(self, name: str) -> tuple[Version, Version]:
        """Both versions of a table that both sides have."""

    def rows(self, name: str, is_after: bool) -> int:
        """How many rows one version has."""

    def sources(self, name: str) -> tuple[str, str]:
        """What stands behind FROM for each version, in the one connection that sees both."""

    def ask(self, sql: str) -> Sequence[Sequence[Any]]:
        """The rows of a query."""

    def hash_of(self, columns: Sequence[str]) -> str:
        """The expression of a stable hash of some columns, a non-negative whole number."""

    def checksum_of(self, columns: Sequence[str]) -> str:
        """The aggregate of a checksum over rows, in which their order does not count and repeated rows do."""


@dataclass(frozen=True, slots=True)
class Options:
    """What bounds a comparison: `examples` of each kind of change, and the rows above which keys are sampled."""

    examples: int = 3
    max_rows: int = MAX_ROWS
    tables: tuple[str, ...] = ()


def compare(
    engine: Engine, names: tuple[str, str], grains: Mapping[str, Grain], options: Options, tell: Teller
) -> Diff:
    """Compare every table of two versions.

    Args:
        names: of the two versions.
        grains: by dotted name of a table; one that has none is compared by whole rows.
    """
    before, after = (set(side) for side in engine.tables())
    if options.tables:
        wanted = set(options.tables)
        if missing := sorted(wanted - before - after):
            raise PlatformError(f"neither version has a table {missing[0]}", cure="a table is named with its schema")
        before, after = before & wanted, after & wanted
    mask, found = Mask(), []
    for name in sorted(before | after):
        tell(name)
        if name not in after:
            found.append(TableDiff(name, "removed", rows_before=engine.rows(name, False)))
        elif name not in before:
            found.append(TableDiff(name, "added", rows_after=engine.rows(name, True)))
        else:
            found.append(_table(engine, name, grains.get(name, Grain()), options).masked(mask))
    return Diff(*names, tuple(found))


def _table(engine: Engine, name: str, grain: Grain, options: Options) -> TableDiff:
    if engine.is_same(name):
        return TableDiff(name, "same")
    try:
        old, new = engine.versions(name)
        start = TableDiff(name, "changed", rows_before=old.rows, rows_after=new.rows)
        if old == new:
            return replace(start, state="same")
        start = _schema(start, old, new)
        lost = _lost_column(engine, start, grain, old.columns)
        return _compared(engine, replace(start, examples=lost), (old, new), grain, options)
    except PlatformError as error:
        return TableDiff(name, "not compared", problem=error.message)


def _schema(start: TableDiff, old: Version, new: Version) -> TableDiff:
    both = [column for column in old.columns if column in new.columns]
    return replace(
        start,
        columns_added=tuple(c for c in new.columns if c not in old.columns),
        columns_removed=tuple(c for c in old.columns if c not in new.columns),
        retyped={c: (old.columns[c], new.columns[c]) for c in both if old.columns[c] != new.columns[c]},
    )


def _lost_column(engine: Engine, start: TableDiff, grain: Grain, columns: Mapping[str, str]) -> tuple[Example, ...]:
    """What one row had in the columns that are gone."""
    if not start.columns_removed:
        return ()
    key = [column for column in grain.columns if column in columns and column not in start.columns_removed]
    row = next(iter(engine.ask(one_row(engine.sources(start.name)[0], [*key, *start.columns_removed]))), None)
    if row is None:
        return ()
    lost = dict(zip(start.columns_removed, row[len(key) :], strict=True))
    return (Example("changed", dict(zip(key, row, strict=False)), lost),)


def _compared(
    engine: Engine, start: TableDiff, versions: tuple[Version, Version], grain: Grain, options: Options
) -> TableDiff:
    columns = tuple(column for column in versions[0].columns if column in versions[1].columns)
    if not columns:
        return replace(start, problem="the two versions have no column in common")
    part = max(1, -(-max(start.rows_before, start.rows_after) // options.max_rows))
    start = replace(start, share=1 / part)
    as_text = frozenset(start.retyped)
    before, after = engine.sources(start.name)

    def pair(key: tuple[str, ...]) -> Pair:
        values = tuple(column for column in columns if column not in key)
        return Pair(before, after, key, values, as_text, part, engine.hash_of)

    if not grain.columns:
        return _by_rows(engine, replace(start, problem="the model says no grain"), pair(()), options)
    if lacking := [column for column in grain.columns if column not in columns]:
        told = f"the grain's column {lacking[0]} is not in both versions"
        return _by_rows(engine, replace(start, problem=told), pair(()), options)
    keyed = _where_it_differs(engine, pair(grain.columns), start)
    (repeated, removed, added, changed, *by_column), *_ = engine.ask(keyed.counts())
    if repeated:
        several = "key stands" if repeated == 1 else "keys stand"
        told = f"the grain ({', '.join(keyed.key)}) is not unique: {repeated} {several} for several rows"
        keys = [_example("repeated", keyed, row) for row in engine.ask(keyed.repeated(1))]
        return _by_rows(engine, replace(start, problem=told, examples=tuple(keys)), pair(()), options)
    found = replace(
        start,
        grain=grain.columns,
        grain_said_by=grain.said_by,
        removed=removed,
        added=added,
        changed=changed,
        columns={name: count for name, count in zip(keyed.values, by_column, strict=True) if count},
    )
    kinds = [kind for kind, count in (("removed", removed), ("added", added), ("changed", changed)) if count]
    examples = [
        _example(kind, keyed, row) for kind in kinds for row in engine.ask(keyed.examples(kind, options.examples))
    ]
    return replace(found, examples=(*start.examples, *examples))


def _where_it_differs(engine: Engine, pair: Pair, start: TableDiff) -> Pair:
    """The same comparison of those buckets of keys alone whose checksums differ, where few of many rows changed."""
    if max(start.rows_before, start.rows_after) < _MANY_ROWS:
        return pair
    before, after = (
        {tuple(row) for row in engine.ask(pair.bucket_checksums(is_after, engine.checksum_of))}
        for is_after in (False, True)
    )
    differing = tuple(sorted({int(bucket) for bucket, _, _ in before ^ after}))
    return replace(pair, buckets=differing) if len(differing) <= _FEW_BUCKETS else pair


def _example(change: str, pair: Pair, row: Sequence[Any]) -> Example:
    width = len(pair.values)
    key = dict(zip(pair.key, row, strict=False))
    before, after = (dict(zip(pair.values, row[len(pair.key) + side * width :], strict=False)) for side in range(2))
    if change == "changed":
        differing = [name for name in pair.values if before[name] != after[name]]
        return Example(change, key, {n: before[n] for n in differing}, {n: after[n] for n in differing})
    return Example(change, key, before if change == "removed" else {}, after if change == "added" else {})


def _by_rows(engine: Engine, start: TableDiff, pair: Pair, options: Options) -> TableDiff:
    (removed, added), *_ = engine.ask(pair.rows_counts())
    examples = list(start.examples)
    for kind, count in (("removed", removed), ("added", added)):
        for row in engine.ask(pair.rows_examples(kind, options.examples)) if count else ():
            whole = dict(zip(pair.values, row, strict=True))
            examples.append(Example(kind, {}, whole if kind == "removed" else {}, whole if kind == "added" else {}))
    return replace(start, grain_said_by=WHOLE_ROW, removed=int(removed), added=int(added), examples=tuple(examples))
