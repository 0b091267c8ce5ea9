"""Judge what would be promoted against what consumers read now: pure, on measurements that somebody else took."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class ColumnMeasure:
    """One column of one version of a table.

    Attributes:
        type: as Trino writes it, e.g. `timestamp(6)`.
        non_null: rows that have a value.
        distinct: values that differ, approximately.
        low, high: as text, None where the type has no order or there is no value.
        mean: of numbers, else None.
    """

    type: str
    non_null: int
    distinct: int
    low: str | None = None
    high: str | None = None
    mean: float | None = None


@dataclass(frozen=True, slots=True)
class TableMeasure:
    """One version of a table: its Iceberg snapshot, its rows and its columns in order."""

    name: str
    snapshot_id: int
    rows: int
    columns: Mapping[str, ColumnMeasure]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How much may change before a promotion is refused; shares are of 1.

    Attributes:
        rows_lost, rows_gained: of the rows that consumers have now.
        nulls: how much the share of nulls in a column may grow.
        distinct_lost: of a column's distinct values.
        mean: how far a column's mean may move, as a share of the old one.
    """

    rows_lost: float = 0.1
    rows_gained: float = 1.0
    nulls: float = 0.05
    distinct_lost: float = 0.25
    mean: float = 0.5


@dataclass(frozen=True, slots=True)
class Crossing:
    """A threshold that is crossed; `key` is the name by which it is accepted, e.g. `oso.projects_v1:rows`."""

    table: str
    check: str
    before: str
    after: str
    message: str
    accepted: bool = False

    @property
    def key(self) -> str:
        """Table and check."""
        return f"{self.table}:{self.check}"


@dataclass(frozen=True, slots=True)
class AuditResult:
    """One audit of a public table at the target.

    Attributes:
        is_blocking: whether SQLMesh itself would stop a plan for it.
        found: rows that break the audit, None when it was not run.
        problem: why it was not run, else "".
    """

    table: str
    name: str
    is_blocking: bool
    found: int | None
    problem: str = ""

    @property
    def state(self) -> str:
        """`passed`, `failed` or `not run`."""
        return "not run" if self.found is None else "failed" if self.found else "passed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was compared and audited, and what was found.

    Attributes:
        unreadable: a table to why it could not be read at the target.
        audits: every audit of the public models, whatever came of it.
        without_model: public tables of which no SQLMesh project has a model, so that nothing audits them.
    """

    tag: str
    tag_hash: str
    target_hash: str
    unchanged: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)
    audits: tuple[AuditResult, ...] = ()
    without_model: tuple[str, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether the tag must not move there."""
        return bool(self.unreadable) or any(not crossing.accepted for crossing in self.crossings)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        crossings = [asdict(c) | {"key": c.key} for c in self.crossings]
        audits = [asdict(audit) | {"state": audit.state} for audit in self.audits]
        return asdict(self) | {"refused": self.is_refused, "crossings": crossings, "audits": audits}


def judge(
    before: Mapping[str, TableMeasure], after: Mapping[str, TableMeasure], allowed: Thresholds, accept: Collection[str]
) -> list[Crossing]:
    """Every threshold that is crossed between two sets of tables; those that `accept` names are marked so.

    A table that `before` lacks is new and is only asked to have rows.
    """
    found: list[Crossing] = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if new is None:
            found.append(Crossing(name, "missing", "there", "gone", "the table is gone"))
            continue
        if old is None:
            found.extend(_empty(new))
            continue
        found.extend((*_rows(old, new, allowed), *_schema(old, new), *_columns(old, new, allowed)))
    return [replace(crossing, accepted=crossing.key in accept) for crossing in found]


def audit_crossings(audits: Iterable[AuditResult], accept: Collection[str]) -> list[Crossing]:
    """A crossing for each audit that failed or was not run, e.g. `oso.projects_v1:audit.not_null`.

    One that SQLMesh itself does not stop for is left to the report, failed or not.
    """
    crossings = [
        Crossing(audit.table, f"audit.{audit.name}", "", "" if audit.found is None else str(audit.found), _said(audit))
        for audit in audits
        if audit.is_blocking and audit.found != 0
    ]
    return [replace(crossing, accepted=crossing.key in accept) for crossing in crossings]


def _said(audit: AuditResult) -> str:
    if audit.found is None:
        return f"the audit was not run: {audit.problem}"
    return f"{audit.found} row{'s break' if audit.found > 1 else ' breaks'} the audit {audit.name}"


def _empty(new: TableMeasure) -> Iterable[Crossing]:
    if new.rows == 0:
        yield Crossing(new.name, "rows", "", "0", "the table has no rows")


def _rows(old: TableMeasure, new: TableMeasure, allowed: Thresholds) -> Iterable[Crossing]:
    """An empty table is said as such, whatever the threshold, unless it was empty before."""
    if old.rows == new.rows:
        return
    if new.rows == 0:
        yield from _empty(new)
        return
    change = (new.rows - old.rows) / old.rows if old.rows else 0.0
    if change < -allowed.rows_lost or change > allowed.rows_gained:
        what = f"{abs(change):.1%} {'fewer' if change < 0 else 'more'} rows"
        yield Crossing(new.name, "rows", str(old.rows), str(new.rows), what)


def _schema(old: TableMeasure, new: TableMeasure) -> Iterable[Crossing]:
    """A column that consumers read may be neither gone nor of another type; a new one harms nobody."""
    for column, measure in old.columns.items():
        now = new.columns.get(column)
        if now is None:
            yield Crossing(new.name, f"{column}.missing", measure.type, "gone", f"the column {column} is gone")
        elif now.type != measure.type:
            message = f"{column} was {measure.type} and is {now.type}"
            yield Crossing(new.name, f"{column}.type", measure.type, now.type, message)


def _columns(old: TableMeasure, new: TableMeasure, allowed: Thresholds) -> Iterable[Crossing]:
    if not old.rows or not new.rows:
        return
    for column in old.columns.keys() & new.columns.keys():
        was, now = old.columns[column], new.columns[column]
        nulls = ((old.rows - was.non_null) / old.rows, (new.rows - now.non_null) / new.rows)
        if nulls[1] - nulls[0] > allowed.nulls:
            message = f"{column} has {nulls[1]:.1%} nulls, and had {nulls[0]:.1%}"
            yield Crossing(new.name, f"{column}.nulls", f"{nulls[0]:.3f}", f"{nulls[1]:.3f}", message)
        if was.distinct and (was.distinct - now.distinct) / was.distinct > allowed.distinct_lost:
            message = f"{column} has {now.distinct} distinct values, and had {was.distinct}"
            yield Crossing(new.name, f"{column}.distinct", str(was.distinct), str(now.distinct), message)
        if was.mean and now.mean is not None and abs(now.mean - was.mean) / abs(was.mean) > allowed.mean:
            message = f"the mean of {column} is {now.mean:g}, and was {was.mean:g}"
            yield Crossing(new.name, f"{column}.mean", f"{was.mean:g}", f"{now.mean:g}", message)
