"""`python -m benchmarks [NAME]`: all without a name; exit 1 when a target was missed."""

from __future__ import annotations

import argparse
import os
import sys

from benchmarks import pages, plan, startup

NAMES = ("startup", "pages", "plan", "row_choice", "row_diff", "branches", "agents", "watchers")


def main() -> int:
    """Run the benchmarks that are asked for, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", choices=NAMES, help="only this one")
    parser.add_argument("--rounds", type=int, default=5, help="times that each command runs (default 5)")
    parser.add_argument("--most-pages", type=int, default=max(pages.SIZES), help="the largest tree (default 10000)")
    options = parser.parse_args()
    print(f"load before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores\n")
    is_met = True
    if options.name in (None, "startup"):
        is_met &= startup.main(options.rounds, _say)
        print()
    if options.name in (None, "pages"):
        sizes = tuple(size for size in pages.SIZES if size <= options.most_pages)
        is_met &= pages.main(options.rounds, _say, sizes)
        print()
    if options.name in (None, "plan"):
        is_met &= plan.main(options.rounds, _say)
        print()
    if options.name in (None, "row_choice"):
        from benchmarks import row_choice

        row_choice.main([])
    if options.name in (None, "row_diff"):
        from benchmarks import row_diff

        is_met &= row_diff.main(_say)
    if options.name in (None, "branches"):
        from benchmarks import branches

        is_met &= branches.main(_say)
        print()
        print()
    if options.name in (None, "agents"):
        from benchmarks import agents

        is_met &= agents.main(options.rounds, _say)
        print()
    if options.name in (None, "watchers"):
        from benchmarks import watchers

        is_met &= watchers.main(options.rounds, _say)
    return 0 if is_met else 1


def _say(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
