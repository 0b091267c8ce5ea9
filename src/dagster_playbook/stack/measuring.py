"""Measure tables at a commit: through Trino where a catalog shows that very version, else from the table's files."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Collection
from typing import Any

from dagster_playbook.errors import StackError
from dagster_playbook.platform.iceberg_files import FilesGoneError, Lake, open_table
from dagster_playbook.platform.nessie import Content, NessieClient, Reference
from dagster_playbook.platform.trino_query import TrinoError, TrinoQuery
from dagster_playbook.stack.verification import ColumnMeasure, TableMeasure, Thresholds, Verdict, judge

#: told the table that is measured next
Teller = Callable[[str], None]
_NUMBERS = ("tinyint", "smallint", "integer", "bigint", "real", "double", "decimal")
_ORDERED = (*_NUMBERS, "varchar", "char", "date", "time", "boolean", "uuid")


class Verifier:
    """Compares the public tables at a commit of a branch with those that a tag shows.

    Args:
        catalogs: Trino's catalog on the branch and its catalog on the tag.
        lake: gives the lake's address, asked only when a version has to be read that no catalog shows.
    """

    def __init__(
        self,
        nessie: NessieClient,
        trino: TrinoQuery,
        catalogs: tuple[str, str],
        lake: Callable[[], Lake],
        tell: Teller,
    ) -> None:
        self._nessie = nessie
        self._trino = trino
        self._catalogs = catalogs
        self._lake = lake
        self._tell = tell

    def verify(
        self,
        tables: Collection[str],
        refs: tuple[str, str],
        to_hash: str,
        allowed: Thresholds,
        accept: Collection[str],
    ) -> Verdict:
        """Compare the tables at `to_hash` (the head of the branch when "") with what the tag shows now.

        Args:
            tables: glob patterns of dotted names.
            refs: the branch and the tag.
            accept: keys of crossings that somebody has looked at, e.g. `oso.projects_v1:rows`.

        Raises:
            StackError: the hash is not on the branch, no table matches, `accept` names what was not crossed, or
                a reference moved meanwhile.
            PlatformError: Nessie or Trino cannot be asked.
        """
        head, present = (self._nessie.get_reference(name) for name in refs)
        target = self._target(head, to_hash)
        now, then = self._contents(present, tables), self._contents(target, tables)
        if not now and not then:
            raise StackError(f"no table matches {', '.join(tables)}", cure="name the public tables with --tables")
        same = {n for n in now.keys() & then.keys() if now[n].snapshot_id == then[n].snapshot_id}
        before = {n: self._through_trino(self._catalogs[1], c) for n, c in sorted(now.items()) if n not in same}
        changed = {n: c for n, c in sorted(then.items()) if n not in same}
        after, unreadable = self._at_target(target, changed, self._contents(head, tables))
        self._refuse_if_moved(head, present, tables)
        crossings = judge({n: m for n, m in before.items() if n not in unreadable}, after, allowed, accept)
        needless = sorted(set(accept) - {c.key for c in crossings})
        if needless:
            raise StackError(f"--accept {needless[0]}: nothing of that name was crossed")
        return Verdict(
            tag=present.name,
            tag_hash=present.hash,
            target_hash=target.hash,
            unchanged=tuple(sorted(same)),
            compared=tuple(sorted(before.keys() & after.keys())),
            added=tuple(sorted(after.keys() - now.keys())),
            crossings=tuple(crossings),
            unreadable=unreadable,
        )

    def _target(self, head: Reference, to_hash: str) -> Reference:
        if not to_hash:
            return head
        if not self._nessie.is_on(head.name, to_hash):
            raise StackError(
                f"{to_hash} is not on the history of {head.name}", cure=f"take a hash from the history of {head.name}"
            )
        return Reference(head.name, head.kind, to_hash)

    def _contents(self, at: Reference, tables: Collection[str]) -> dict[str, Content]:
        return {
            content.name: content
            for content in self._nessie.contents(at.name, hash=at.hash)
            if content.kind == "ICEBERG_TABLE" and any(fnmatch.fnmatchcase(content.name, p) for p in tables)
        }

    def _at_target(
        self, target: Reference, changed: dict[str, Content], at_head: dict[str, Content]
    ) -> tuple[dict[str, TableMeasure], dict[str, str]]:
        """The tables at the target, and why those could not be read that could not."""
        measured: dict[str, TableMeasure] = {}
        unreadable: dict[str, str] = {}
        for name, content in changed.items():
            try:
                if name in at_head and at_head[name].snapshot_id == content.snapshot_id:
                    measured[name] = self._through_trino(self._catalogs[0], content)
                else:
                    self._tell(f"{name} at {target.hash[:12]}, from its files")
                    measured[name] = measure_files(self._lake(), target, content)
            except (TrinoError, FilesGoneError) as error:
                if isinstance(error, TrinoError) and not error.name:
                    # Trino itself is not there, which says nothing of the files.
                    raise
                unreadable[name] = error.message
        return measured, unreadable

    def _through_trino(self, catalog: str, content: Content) -> TableMeasure:
        self._tell(f"{catalog}.{content.name}")
        return measure(self._trino, catalog, content)

    def _refuse_if_moved(self, head: Reference, present: Reference, tables: Collection[str]) -> None:
        """What was measured through a catalog is what the catalog showed then."""
        if self._nessie.get_reference(present.name) != present:
            raise StackError(f"{present.name} was moved while it was measured", cure="run it again")
        moved = self._nessie.get_reference(head.name)
        if moved != head and self._contents(moved, tables) != self._contents(head, tables):
            raise StackError(
                f"{head.name} was written to while it was measured",
                cure="run it again when no run is in flight, or name the commit with --to-hash",
            )


def measure(trino: TrinoQuery, catalog: str, content: Content) -> TableMeasure:
    """Rows, schema and aggregates of a table as a catalog shows it; every column of every file is read.

    Raises:
        TrinoError: a file cannot be read any more, or Trino cannot be reached.
    """
    source = ".".join(_quoted(part) for part in (catalog, *content.key))
    head = trino.query(f"SELECT * FROM {source} LIMIT 0")  # noqa: S608 - names are quoted
    types = dict(zip(head.columns, head.types, strict=True))
    terms = [term for name, type_ in types.items() for term in _terms(_quoted(name), type_)]
    (row,) = trino.query(f"SELECT count(*), {', '.join(terms)} FROM {source}").rows  # noqa: S608 - names are quoted
    return _table(content, types, row)


def measure_files(lake: Lake, at: Reference, content: Content) -> TableMeasure:
    """The same of a table at any commit, read from its files through DuckDB.

    Raises:
        FilesGoneError: the table or one of its files cannot be read there.
    """
    import duckdb

    files = open_table(lake, at.name, at.hash, content.key)
    terms = [
        term.replace("approx_distinct", "approx_count_distinct")
        for name, type_ in files.columns.items()
        for term in _terms(_quoted(name), type_)
    ]
    try:
        with duckdb.connect() as connection:
            connection.register("files", files.batches)
            row = connection.execute(f"SELECT count(*), {', '.join(terms)} FROM files").fetchone()  # noqa: S608
    except Exception as error:
        raise FilesGoneError(f"{content.name} cannot be read at {at.hash[:12]}: {error}") from error
    return _table(content, files.columns, row or (0,))


def _table(content: Content, types: dict[str, str], row: tuple[Any, ...]) -> TableMeasure:
    """A measurement from a row of count and five aggregates for each column."""
    rows, *values = row
    fives = [values[i : i + 5] for i in range(0, len(values), 5)]
    columns = {name: _column(type_, five) for (name, type_), five in zip(types.items(), fives, strict=True)}
    return TableMeasure(content.name, content.snapshot_id or -1, int(rows), columns)


def _terms(name: str, type_: str) -> list[str]:
    """Five aggregates of a column; NULL where its type has none."""
    base = type_.partition("(")[0]
    ordered = base in _ORDERED or base.startswith("timestamp")
    distinct = f"approx_distinct({name})" if ordered else "0"
    low, high = (f"CAST({f}({name}) AS varchar)" if ordered else "NULL" for f in ("min", "max"))
    mean = f"avg(CAST({name} AS double))" if base in _NUMBERS else "NULL"
    return [f"count({name})", distinct, low, high, mean]


def _column(type_: str, values: list[Any]) -> ColumnMeasure:
    non_null, distinct, low, high, mean = values
    outside = type_.partition("(")[0]
    if outside in ("array", "map", "row"):
        type_ = outside
    return ColumnMeasure(type_, int(non_null), int(distinct), low, high, None if mean is None else float(mean))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
