"""How much of a table 5 to 10 chosen rows show, beside as many random rows and the first rows.

Run: `python benchmarks/row_choice.py [TABLES] [SEED]`. 200 tables are generated, each like a source: a key, sparse and
enumerated columns, texts with rare forms, numbers with rare extremes, dates, lists and records.
"""

from __future__ import annotations

import random
import statistics
import string
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from dagster_playbook.scaffold.cases import cases_of
from dagster_playbook.scaffold.cover import coverage_of
from dagster_playbook.scaffold.row_choice import choose_rows
from dagster_playbook.scaffold.table import SourceTable, table_of_records

NOW = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Shares:
    """Covered cases of all cases, 0 to 1, on one table."""

    chosen: float
    random: float
    first: float
    is_optimal: bool
    seconds: float


def generate(rng: random.Random) -> SourceTable:
    """One source-like table: 20 to 400 rows, 4 to 16 columns."""
    makers = [rng.choice((_text, _number, _enumeration, _moment, _list, _record)) for _ in range(rng.randint(3, 15))]
    nulls = [rng.choice((0, 0, 0.01, 0.1, 0.7)) for _ in makers]
    options = [[_word(rng) for _ in range(rng.randint(2, 7))] for _ in makers]
    records: list[dict[str, Any]] = []
    for n in range(rng.randint(20, 400)):
        record: dict[str, Any] = {"id": n if rng.random() > 0.01 else 0}
        for i, make in enumerate(makers):
            record[f"c{i}"] = None if rng.random() < nulls[i] else make(rng, options[i])
        records.append(record)
    return table_of_records(records)


def _word(rng: random.Random) -> str:
    return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(1, 12)))


def _text(rng: random.Random, _: list[str]) -> Any:
    rare = ["", " outer ", "a,b", 'say "so"', "two\nlines", "naïve", "🚀 launch"]
    return rng.choice(rare) if rng.random() < 0.03 else " ".join(_word(rng) for _ in range(rng.randint(1, 6)))


def _number(rng: random.Random, _: list[str]) -> Any:
    if rng.random() < 0.02:
        return rng.choice([0, -1, 2**40, Decimal("1e28"), 0.5])
    return rng.randint(1, 10_000)


def _enumeration(rng: random.Random, options: list[str]) -> Any:
    return options[min(int(rng.expovariate(1.2)), len(options) - 1)]


def _moment(rng: random.Random, _: list[str]) -> Any:
    return NOW - timedelta(seconds=rng.randint(0, 10**8), microseconds=rng.choice((0, 0, 0, 5)))


def _list(rng: random.Random, options: list[str]) -> Any:
    return rng.choices(options, k=rng.choice((0, 1, 2, 2, 5)))


def _record(rng: random.Random, options: list[str]) -> Any:
    return {key: rng.choice((1, "a", None)) for key in options[: rng.randint(1, 2)]}


def measure(table: SourceTable, rng: random.Random) -> Shares:
    """Coverage of the chosen rows, and of as many random (mean of 20 draws) and first rows."""
    started = time.perf_counter()
    choice = choose_rows(table)
    seconds = time.perf_counter() - started
    coverage = cases_of(table)
    count = len(choice.rows)

    def share(rows: tuple[int, ...]) -> float:
        shown = coverage_of(rows, coverage.masks, coverage.doubles)
        return sum(mask.bit_count() for mask in shown) / len(coverage.cases)

    draws = [share(tuple(rng.sample(range(len(table.rows)), count))) for _ in range(20)]
    return Shares(choice.share, statistics.mean(draws), share(tuple(range(count))), choice.is_optimal, seconds)


def run(tables: int = 200, seed: int = 1) -> list[Shares]:
    """Measure `tables` generated tables; the same seed gives the same tables."""
    rng = random.Random(seed)
    return [measure(generate(rng), rng) for _ in range(tables)]


def main(argv: list[str]) -> None:
    """Print the shares."""
    tables, seed = (int(argv[0]) if argv else 200), (int(argv[1]) if len(argv) > 1 else 1)
    shares = run(tables, seed)
    print(f"case coverage on {tables} generated tables (seed {seed}), as many rows each")
    print(f"{'':<8} {'mean':>7} {'lowest':>7} {'highest':>7}")
    for name in ("chosen", "random", "first"):
        values = [getattr(share, name) for share in shares]
        print(f"{name:<8} {statistics.mean(values):>7.1%} {min(values):>7.1%} {max(values):>7.1%}")
    print(f"proven optimal: {sum(s.is_optimal for s in shares)} of {tables}")
    print(f"never below random or first rows: {all(s.chosen >= max(s.random, s.first) for s in shares)}")
    print(f"seconds a table: {statistics.mean(s.seconds for s in shares):.3f}")


if __name__ == "__main__":
    main(sys.argv[1:])
