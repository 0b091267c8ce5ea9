# ruff: noqa: S608 - every name in a statement is quoted
"""The SQL of a comparison, in words that DuckDB and Trino share.

Both versions are laid on one another and grouped by the key, so that a key that is NULL equals itself, and one pass
over the data counts everything. Names of columns come from the tables and are quoted; inside, columns go by number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

#: parts of the keys that have a checksum of their own
BUCKETS = 1 << 16
#: gives the expression of a stable hash of some columns, a non-negative whole number
Hash = Callable[[Sequence[str]], str]


def quoted(name: str) -> str:
    """A name as both engines take it."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Pair:
    """Two versions of one table.

    Attributes:
        before, after: what stands behind FROM.
        key: columns that tell rows apart; none to compare whole rows.
        values: the other columns that both have.
        as_text: those of them whose type changed, compared by their text.
        part: compare one key of so many, 1 for all.
        hash_of: see `Hash`; only asked when `part` is above 1, or for buckets.
        buckets: compare keys of these buckets only, of all when there are none.
    """

    before: str
    after: str
    key: tuple[str, ...]
    values: tuple[str, ...]
    as_text: frozenset[str] = frozenset()
    part: int = 1
    hash_of: Hash = lambda columns: "0"
    buckets: tuple[int, ...] = ()

    def counts(self) -> str:
        """One row: keys that are not unique, removed, added, changed, and for each value the rows where it changed."""
        changed = [f"n0 = 1 AND n1 = 1 AND b{i} IS DISTINCT FROM a{i}" for i in range(len(self.values))]
        terms = ["n0 > 1 OR n1 > 1", "n1 = 0", "n0 = 0", self._is_changed(), *changed]
        counted = ", ".join(f"count(*) FILTER (WHERE {term})" for term in terms)
        return f"{self._grouped()} SELECT {counted} FROM grouped"

    def examples(self, change: str, limit: int) -> str:
        """Rows of one kind: the key, then each value before, then each value after."""
        where = {"removed": "n1 = 0", "added": "n0 = 0", "changed": self._is_changed()}[change]
        return self._shown(where, limit)

    def repeated(self, limit: int) -> str:
        """Keys that stand for several rows."""
        return self._shown("n0 > 1 OR n1 > 1", limit)

    def bucket_checksums(self, is_after: bool, checksum_of: Hash) -> str:
        """For each bucket of keys of one version: its number, its rows and a checksum over all that is compared."""
        values = [self._value(name) for name in (*self.key, *self.values)]
        source = self.after if is_after else self.before
        return f"SELECT {self._bucket()}, count(*), {checksum_of(values)} FROM {source} GROUP BY {self._bucket()}"

    def rows_counts(self) -> str:
        """One row, of whole rows: removed, added."""
        return (
            f"{self._rows()} SELECT coalesce(sum(CASE WHEN n0 > n1 THEN n0 - n1 ELSE 0 END), 0), "
            "coalesce(sum(CASE WHEN n1 > n0 THEN n1 - n0 ELSE 0 END), 0) FROM grouped"
        )

    def rows_examples(self, change: str, limit: int) -> str:
        """Whole rows that stand more often on one side."""
        where = "n0 > n1" if change == "removed" else "n1 > n0"
        columns = ", ".join(f"v{i}" for i in range(len(self.values)))
        return f"{self._rows()} SELECT {columns} FROM grouped WHERE {where} ORDER BY {columns} LIMIT {limit}"

    def _is_changed(self) -> str:
        differs = " OR ".join(f"b{i} IS DISTINCT FROM a{i}" for i in range(len(self.values))) or "FALSE"
        return f"n0 = 1 AND n1 = 1 AND ({differs})"

    def _shown(self, where: str, limit: int) -> str:
        keys = ", ".join(f"k{i}" for i in range(len(self.key)))
        sides = "".join(f", {side}{i}" for side in "ba" for i in range(len(self.values)))
        return f"{self._grouped()} SELECT {keys}{sides} FROM grouped WHERE {where} ORDER BY {keys} LIMIT {limit}"

    def _grouped(self) -> str:
        keys = ", ".join(f"k{i}" for i in range(len(self.key)))
        sides = "".join(
            f", any_value(v{i}) FILTER (WHERE side = {number}) AS {side}{i}"
            for number, side in enumerate("ba")
            for i in range(len(self.values))
        )
        grouped = f"SELECT {keys}, {_COUNTS}{sides} FROM sides GROUP BY {keys}"
        return f"WITH sides AS ({self._sides()}), grouped AS ({grouped})"

    def _rows(self) -> str:
        columns = ", ".join(f"v{i}" for i in range(len(self.values)))
        return (
            f"WITH sides AS ({self._sides()}), grouped AS (SELECT {columns}, {_COUNTS} FROM sides GROUP BY {columns} "
            "HAVING count(*) FILTER (WHERE side = 0) <> count(*) FILTER (WHERE side = 1))"
        )

    def _sides(self) -> str:
        columns = [f"{self._value(name)} AS k{i}" for i, name in enumerate(self.key)]
        columns += [f"{self._value(name)} AS v{i}" for i, name in enumerate(self.values)]
        told = ", ".join(columns)
        wanted = [f"{self._hash()} % {self.part} = 0"] if self.part > 1 else []
        wanted += [f"{self._bucket()} IN ({', '.join(map(str, self.buckets))})"] if self.buckets else []
        where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
        return " UNION ALL ".join(
            f"SELECT {number} AS side, {told} FROM {source}{where}"
            for number, source in enumerate((self.before, self.after))
        )

    def _hash(self) -> str:
        return self.hash_of([self._value(name) for name in self.key or self.values])

    def _bucket(self) -> str:
        return f"{self._hash()} % {BUCKETS}"

    def _value(self, name: str) -> str:
        return f"CAST({quoted(name)} AS varchar)" if name in self.as_text else quoted(name)


_COUNTS = "count(*) FILTER (WHERE side = 0) AS n0, count(*) FILTER (WHERE side = 1) AS n1"


def one_row(source: str, columns: Sequence[str]) -> str:
    """Some columns of the first row that there is."""
    listed = ", ".join(map(quoted, columns))
    return f"SELECT {listed} FROM {source} ORDER BY {', '.join(str(i + 1) for i in range(len(columns)))} LIMIT 1"
