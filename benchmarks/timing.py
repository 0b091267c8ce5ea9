"""Wall time, processor time and peak memory of child processes, taken in turns so that all meet the same machine."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_QUIET = {
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
    "PYTHONWARNINGS": "ignore",
    "NO_COLOR": "1",
}


@dataclass(frozen=True)
class Case:
    """A command to time; `prepare` runs before each time and is not counted; `allowed` are its good exit codes."""

    name: str
    command: Sequence[str]
    folder: Path
    prepare: Callable[[], None] = field(default=lambda: None)
    allowed: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Sample:
    """One run: seconds on the wall, seconds of processors (children that it waited for included), peak bytes."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


@dataclass
class Timing:
    """All samples of one case."""

    name: str
    samples: list[Sample] = field(default_factory=list)

    @property
    def wall_s(self) -> float:
        """The median."""
        return statistics.median(sample.wall_s for sample in self.samples)

    @property
    def cpu_s(self) -> float:
        """The median; what a loaded machine disturbs least."""
        return statistics.median(sample.cpu_s for sample in self.samples)

    @property
    def spread(self) -> float:
        """(slowest - fastest) / median of the wall times: how noisy the machine was."""
        walls = [sample.wall_s for sample in self.samples]
        return (max(walls) - min(walls)) / self.wall_s

    @property
    def peak_bytes(self) -> int:
        """The highest; of the largest single process in the tree, as the system counts it."""
        return max(sample.peak_bytes for sample in self.samples)

    def as_dict(self) -> dict[str, float | int | str]:
        """Plain data for JSON."""
        return {
            "name": self.name,
            "runs": len(self.samples),
            "wall_s": round(self.wall_s, 4),
            "cpu_s": round(self.cpu_s, 4),
            "fastest_s": round(min(sample.wall_s for sample in self.samples), 4),
            "spread": round(self.spread, 3),
            "peak_mb": round(self.peak_bytes / 1e6, 1),
        }


def in_turns(cases: Sequence[Case], rounds: int, say: Callable[[str], None] = lambda _: None) -> dict[str, Timing]:
    """Run every case once a round, `rounds` times; the order turns with each round, so that none always comes first."""
    timings = {case.name: Timing(case.name) for case in cases}
    for number in range(rounds):
        shift = number % len(cases)
        for case in (*cases[shift:], *cases[:shift]):
            say(f"round {number + 1} of {rounds}: {case.name}")
            case.prepare()
            timings[case.name].samples.append(run(case))
    return timings


def run(case: Case) -> Sample:
    """One run.

    Raises:
        SystemExit: the command failed; a time of something that failed says nothing.
    """
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        child = subprocess.Popen(
            case.command,
            cwd=case.folder,
            env={**os.environ, **_QUIET},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in case.allowed:
            said.seek(0)
            last = said.read().decode("utf-8", "replace").strip().splitlines()[-5:]
            sys.exit(f"{case.name} ended with {child.returncode}:\n" + "\n".join(last))
    # Linux counts in KiB, macOS in bytes
    unit = 1 if sys.platform == "darwin" else 1024
    return Sample(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)
