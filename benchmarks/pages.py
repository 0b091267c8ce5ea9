"""How a check grows with the number of pages, beside three peers that collect the same tree and judge nothing.

The pages are generated: run config, a query, a command, names in prose, a bound fact and a link on each, all of them
true, no two alike. `check, first` judges every page; `check, warm` finds that nothing has changed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.collect import TOOLS
from benchmarks.plot import curves
from benchmarks.project import fresh_project, script, write_result
from benchmarks.timing import Case, Timing, in_turns

SIZES = (10, 100, 1_000, 10_000)
#: what is promised of the largest tree
MOST_MS_A_PAGE = 1.5
MOST_BYTES = 1_000_000_000
_MODELS = ("projects_v1", "collections_v1", "stg_pypi__releases", "int_events__git_commits", "stg_git__commits")

_PAGE = """# Page {n}: {model}

Restate `oso.{model}` in the job `sqlmesh_all_assets`, at most {n} times a year. A failed run is tried again
up to <!-- fact: dagster.run_retries.max_retries -->three<!-- /fact --> times; see the
[next page](page_{next}.md#page-{next}-{slug}).

```yaml
ops:
  sqlmesh_project:
    config:
      restate_models:
        - oso.{model}
      start: "2026-01-{day:02}"
```

Look first:

```sh
sqlmesh -p warehouse/oso_sqlmesh plan --explain --start 2026-01-{day:02}
```

| Catalog | For |
|---|---|
| `iceberg` | writing |
| `iceberg_consumer` | reading what was promoted |

```sql
SELECT count(*) AS rows_{n} FROM iceberg.oso.{model}
```
"""


def main(rounds: int, say: Callable[[str], None], sizes: tuple[int, ...] = SIZES) -> bool:
    """Measure and print; whether the largest tree kept to its limits. All sizes together write `results/pages.json`."""
    found: dict[int, dict[str, Timing]] = {}
    with fresh_project() as root:
        for size in sizes:
            folder = root / f"generated_{size}"
            write_pages(folder, size)
            say(f"{size} pages: judging each for the first time")
            first = Case("check, first", _check(folder), root, allowed=(0,))
            found[size] = in_turns([first], 1) | in_turns(_cases(root, folder), rounds, say)
            _hold_to_all(root, folder, size)
    return _tell(found)


def write_pages(folder: Path, count: int) -> None:
    """`count` pages in folders of 100, each linked to the next."""
    for n in range(count):
        first = n - n % 100
        following = n + 1 if n + 1 < count and (n + 1) % 100 else first
        place = folder / f"{first:05}"
        place.mkdir(parents=True, exist_ok=True)
        model = _MODELS[n % len(_MODELS)]
        slug = _MODELS[following % len(_MODELS)]
        text = _PAGE.format(n=n, model=model, next=following, slug=slug, day=n % 28 + 1)
        (place / f"page_{n}.md").write_text(text, encoding="utf-8")


def _hold_to_all(root: Path, folder: Path, size: int) -> None:
    """A check that looked at less than everything would be quick for the wrong reason."""
    done = subprocess.run(_check(folder), cwd=root, capture_output=True, text=True, check=False)
    summary = json.loads(done.stdout)["summary"]
    wanted = {"files": size, "fences": 3 * size, "checked": 7 * size, "findings": 0}
    if any(summary[name] != number for name, number in wanted.items()):
        sys.exit(f"the check of {size} pages saw {summary}, not {wanted}")


def _check(folder: Path) -> list[str]:
    return [script("playbook"), "check", folder.name, "--format", "json"]


def _cases(root: Path, folder: Path) -> list[Case]:
    here = Path(__file__).resolve().parents[1]
    peers = [Case(tool, [sys.executable, "-m", "benchmarks.collect", tool, str(folder)], here) for tool in TOOLS]
    return [Case("check, warm", _check(folder), root), *peers]


def _tell(found: dict[int, dict[str, Timing]]) -> bool:
    names = list(next(iter(found.values())))
    print(f"{'pages':>7}  " + "".join(f"{name:>20}" for name in names) + f"{'peak, warm':>14}")
    for size, timings in found.items():
        cells = "".join(f"{timings[n].wall_s:9.3f}s {timings[n].wall_s / size * 1e3:6.2f} ms" for n in names)
        print(f"{size:7}  {cells}{timings['check, warm'].peak_bytes / 1e6:10.0f} MB")
    print()
    print(curves({name: {size: timings[name].wall_s for size, timings in found.items()} for name in names}))
    largest = max(found)
    warm = found[largest]["check, warm"]
    per_page = warm.wall_s / largest * 1e3
    is_met = per_page < MOST_MS_A_PAGE and warm.peak_bytes < MOST_BYTES
    print(
        f"{largest} pages warm: {per_page:.2f} ms a page (below {MOST_MS_A_PAGE}), "
        f"{warm.peak_bytes / 1e6:.0f} MB (below {MOST_BYTES / 1e6:.0f}): {'met' if is_met else 'MISSED'}"
    )
    if largest == max(SIZES):
        sizes = [
            {"pages": size, "timings": [timing.as_dict() for timing in timings.values()]}
            for size, timings in found.items()
        ]
        write_result("pages", {"sizes": sizes, "ms_a_page": round(per_page, 3), "at_most": MOST_MS_A_PAGE})
    return is_met
