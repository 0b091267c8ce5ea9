"""What a comparison of two versions of tables has found, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from dagster_playbook.approval.canonical import sha256
from dagster_playbook.services.personal import Mask

#: how a row is told from another: by columns, or by all of it
WHOLE_ROW = "whole row"
_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Grain:
    """The columns that tell a table's rows apart, and who says so: `grain`, `unique key` or `audit`."""

    columns: tuple[str, ...] = ()
    said_by: str = WHOLE_ROW


@dataclass(frozen=True, slots=True)
class Example:
    """One row that differs.

    Attributes:
        change: `added`, `removed`, `changed`, or `repeated` for a key that stands for several rows.
        key: the columns of the grain; empty where whole rows are compared.
        before, after: of a changed row the columns that changed, else all of them; empty on the side that lacks it.
    """

    change: str
    key: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)

    def masked(self, mask: Mask) -> Example:
        """The same with personal values masked; equal values stay equal."""
        key, before, after = (
            {name: _short(mask.cell(name, value)) for name, value in side.items()}
            for side in (self.key, self.before, self.after)
        )
        return Example(self.change, key, before, after)


@dataclass(frozen=True, slots=True)
class TableDiff:
    """One table in two versions.

    Attributes:
        state: `same`, `changed`, `added`, `removed`, or `not compared` with the `problem`.
        grain: what rows were told apart by; empty when whole rows were compared.
        rows_before, rows_after: of the whole table, whatever part of it was compared.
        added, removed, changed: rows; without a grain a changed row is one removed and one added.
        columns: rows in which each column changed; those that changed in none are left out.
        retyped: column to its type before and after.
        share: the part of the keys that was compared, 1.0 when all were.
        problem: why the grain was not used, or why nothing was compared.
    """

    name: str
    state: str
    grain: tuple[str, ...] = ()
    grain_said_by: str = WHOLE_ROW
    rows_before: int = 0
    rows_after: int = 0
    added: int = 0
    removed: int = 0
    changed: int = 0
    columns: Mapping[str, int] = field(default_factory=dict)
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    retyped: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    share: float = 1.0
    problem: str = ""
    examples: tuple[Example, ...] = ()

    def masked(self, mask: Mask) -> TableDiff:
        """The same with personal values masked in its examples."""
        return replace(self, examples=tuple(example.masked(mask) for example in self.examples))


@dataclass(frozen=True, slots=True)
class Diff:
    """Two versions of many tables; `before` and `after` name them, e.g. by a fingerprint or a commit."""

    before: str
    after: str
    tables: tuple[TableDiff, ...] = ()

    @property
    def differing(self) -> tuple[TableDiff, ...]:
        """The tables that are not the same."""
        return tuple(table for table in self.tables if table.state != "same")

    @property
    def is_whole(self) -> bool:
        """Whether every row of every table was looked at."""
        return all(table.share == 1.0 for table in self.tables)

    def counted(self) -> dict[str, Any]:
        """What the digest is made of: the two versions and every count; examples are only shown, and masked anew."""
        tables = [{k: v for k, v in asdict(table).items() if k != "examples"} for table in self.differing]
        return {"before": self.before, "after": self.after, "tables": tables}

    @property
    def digest(self) -> str:
        """SHA-256 of what was counted."""
        return sha256(self.counted())

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON, the values of examples as text where JSON has no form for them."""
        return {**asdict(self), "digest": self.digest}


def _short(value: Any) -> Any:
    """A value that fits on a line and into JSON."""
    if value is None or isinstance(value, bool | int):
        return value
    text = str(value)
    if isinstance(value, float):
        return value if text not in ("nan", "inf", "-inf") else text
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
