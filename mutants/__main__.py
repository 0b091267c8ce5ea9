"""`python -m mutants [FILE ...]`: change the code that keeps promises, and see whether its tests notice.

Each FILE is the beginning of a path below the source, such as approval/ or runbook/journal.py. Survivors are printed as
what was changed; exit code 1 when fewer than the wanted share was noticed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from mutants.changes import Mutant, mutants_of
from mutants.runner import NO_TESTS, SURVIVED, results, warm_up
from mutants.targets import EQUIVALENT, Target, targets


def main() -> int:
    """Try every mutant that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m mutants", description=__doc__)
    parser.add_argument("files", nargs="*", help="only these")
    parser.add_argument("--at-least", type=float, default=0.9, help="the share that has to be noticed (default 0.9)")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="processes (default: the cores)")
    options = parser.parse_args()
    killed = total = 0
    for target in targets(tuple(options.files)):
        noticed, count = _try(target, options.at_once)
        killed, total = killed + noticed, total + count
    share = killed / total if total else 1.0
    print(f"\n{killed} of {total} mutants noticed: {share:.1%}, wanted {options.at_least:.0%}")
    return 0 if total and share >= options.at_least else 1


def _try(target: Target, at_once: int) -> tuple[int, int]:
    every = list(mutants_of(target.path.read_text(encoding="utf-8")))
    counted = [mutant for mutant in every if not _is_equivalent(mutant)]
    if not counted:
        return 0, 0
    begun = time.monotonic()
    took_s = warm_up(target)
    found = results(target, counted, at_once=at_once, limit_s=max(20.0, 10 * took_s))
    survivors = [result.mutant for result in found if result.verdict in (SURVIVED, NO_TESTS)]
    noticed = len(counted) - len(survivors)
    seconds = time.monotonic() - begun
    print(
        f"{target.name}: {noticed} of {len(counted)} noticed ({noticed / len(counted):.1%}), "
        f"{len(every) - len(counted)} cannot be, {seconds:.0f} s",
        flush=True,
    )
    for mutant in sorted(survivors, key=lambda one: one.line):
        print(f"  line {mutant.line}:\n" + "\n".join(f"    {line}" for line in mutant.diff.splitlines()), flush=True)
    return noticed, len(counted)


def _is_equivalent(mutant: Mutant) -> bool:
    return any(part in mutant.diff for part in EQUIVALENT)


if __name__ == "__main__":
    sys.exit(main())
