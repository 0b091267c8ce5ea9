"""`python -m matrix [WORD ...]`: check the same pages against many releases of Dagster and SQLMesh.

Each cell is an environment of its own, made once by uv. Its pages hold right and wrong statements; in every cell the
same ones have to be found. WORDs choose the cells whose name holds one. Exit code 1 when a cell differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from uv import find_uv_bin

from dagster_playbook.durable import write_whole

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "reference" / "releases.md"
ENVIRONMENTS = HERE.parent / ".playbook" / "matrix"
#: what has to be found on the page of each project: line and rule
WANTED = {
    "dagster": {(16, "DG101"), (21, "SH604"), (26, "DG112"), (30, "PY503"), (34, "FA802")},
    "sqlmesh": {
        *{(3, "SM201"), (7, "SH604"), (11, "SQ703"), (16, "SQ703"), (20, "SM206"), (29, "SM208"), (33, "PY503")},
        (37, "FA802"),
    },
}
#: SQLMesh before 0.213 does not read dates with what its dependency has become
_OLD_DATES = "dateparser<1.2.2"


@dataclass(frozen=True)
class Cell:
    """One environment: what is installed, and in which Python ("" for the one that runs this)."""

    packages: tuple[str, ...]
    python: str = ""

    @property
    def name(self) -> str:
        """Its packages, and its Python where that is another one."""
        shown = [package for package in self.packages if package != _OLD_DATES]
        return " ".join([*shown, *([f"python{self.python}"] if self.python else [])])

    @property
    def projects(self) -> list[str]:
        """The projects that can be checked in it."""
        return [name for name in WANTED if any(package.startswith(f"{name}==") for package in self.packages)]


@dataclass
class Outcome:
    """What came of a cell: the releases that were installed, what differed, and what the releases do not tell."""

    versions: dict[str, str] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)


CELLS = (
    *(Cell((f"dagster=={minor}.*",)) for minor in ("1.9", "1.10", "1.11", "1.12", "1.13")),
    *(Cell((f"sqlmesh=={minor}.*", _OLD_DATES)) for minor in ("0.180", "0.200")),
    *(Cell((f"sqlmesh=={minor}.*",)) for minor in ("0.213", "0.225", "0.236")),
    Cell(("dagster==1.9.*", "sqlmesh==0.236.*")),
    Cell(("dagster==1.13.*", "sqlmesh==0.200.*", _OLD_DATES)),
    Cell(("dagster==1.13.*", "dagster-dbt")),
    Cell(("dagster==1.10.*",), "3.10"),
    Cell(("dagster==1.13.*", "sqlmesh==0.236.*"), "3.13"),
)


def main() -> int:
    """Run the cells that are asked for and print the table."""
    parser = argparse.ArgumentParser(prog="python -m matrix", description=__doc__)
    parser.add_argument("words", nargs="*", help="only the cells whose name holds one of these")
    parser.add_argument("--here", action="store_true", help="only the environment that runs this; needs no network")
    parser.add_argument("--write", action="store_true", help="put the table on the site's page")
    options = parser.parse_args()
    if options.here:
        outcome = checked(Path(sys.prefix), list(WANTED))
        sys.stdout.write(f"{outcome.versions} {outcome.differences or 'the same'}\n")
        return 1 if outcome.differences else 0
    chosen = [cell for cell in CELLS if not options.words or any(word in cell.name for word in options.words)]
    rows, is_equal = [], bool(chosen)
    for cell in chosen:
        outcome = run(cell)
        is_equal = is_equal and not outcome.differences
        rows.append(_row(cell, outcome))
        sys.stdout.write(rows[-1] + "\n")
        sys.stdout.flush()
    if options.write and is_equal and not options.words:
        _write(rows)
    return 0 if is_equal else 1


def run(cell: Cell) -> Outcome:
    """Make the environment and check the pages in it."""
    try:
        return checked(_environment(cell), cell.projects)
    except subprocess.CalledProcessError as error:
        told = (error.stderr or "").strip().splitlines() or ["no reason given"]
        return Outcome(differences=[f"cannot be installed: {told[-1].strip()}"])


def checked(environment: Path, projects: list[str]) -> Outcome:
    """What the pages of some projects give when an environment's Python loads them."""
    outcome = Outcome()
    for project in projects:
        with tempfile.TemporaryDirectory(prefix="playbook-matrix-") as folder:
            root = Path(shutil.copytree(HERE / project, Path(folder) / project))
            _check(root, environment, WANTED[project], outcome)
    return outcome


def _environment(cell: Cell) -> Path:
    slug = re.sub(r"[^\w.]+", "-", cell.name).strip("-")
    folder = ENVIRONMENTS / f"{slug}-{hashlib.blake2b(repr(cell).encode(), digest_size=4).hexdigest()}"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        python = cell.python or f"{sys.version_info.major}.{sys.version_info.minor}"
        for command in (
            ["venv", "--quiet", "--python", python, str(folder)],
            ["pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), *cell.packages],
        ):
            subprocess.run([find_uv_bin(), *command], check=True, capture_output=True, text=True)
        (folder / "ready").touch()
    return folder


def _check(root: Path, environment: Path, wanted: set[tuple[int, str]], outcome: Outcome) -> None:
    variables = {**os.environ, "VIRTUAL_ENV": str(environment)}
    tool = [sys.executable, "-c", "from dagster_playbook.cli import main; main()"]

    def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*tool, *arguments], cwd=root, env=variables, capture_output=True, text=True, check=False, timeout=600
        )

    checked, facts = ask("check", "--format", "json"), ask("facts", "--format", "json")
    if checked.returncode == 2 or facts.returncode:
        outcome.differences.append((checked.stderr or facts.stderr).strip().splitlines()[0])
        return
    found = {(item["line"], item["rule"]) for item in json.loads(checked.stdout)["findings"]}
    outcome.differences += [f"line {line} lacks {rule}" for line, rule in sorted(wanted - found)]
    outcome.differences += [f"line {line} has {rule}" for line, rule in sorted(found - wanted)]
    told = json.loads(facts.stdout)
    outcome.versions |= {name: told["versions"][name] for name in ("dagster", "sqlmesh") if name in told["versions"]}
    outcome.untold += sorted(told["unread"])


def _row(cell: Cell, outcome: Outcome) -> str:
    dagster, sqlmesh = (outcome.versions.get(name, "") for name in ("dagster", "sqlmesh"))
    python = cell.python or f"{sys.version_info.major}.{sys.version_info.minor}"
    beside = ", ".join(package for package in cell.packages if "==" not in package and package != _OLD_DATES)
    verdict = "; ".join(outcome.differences) or "the same"
    return f"| {dagster} | {sqlmesh} | {python} | {beside} | {verdict} | {', '.join(outcome.untold)} |"


def _write(rows: list[str]) -> None:
    begin, end = "<!-- the table of make matrix -->\n", "<!-- its end -->"
    text = PAGE.read_text(encoding="utf-8")
    head = "| Dagster | SQLMesh | Python | Beside | Verdicts | Not to be had |\n|---|---|---|---|---|---|\n"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    table = head + "\n".join(rows) + "\n"
    write_whole(PAGE, f"{before}{begin}\n{table}\n{end}{after}", mode=0o644)


if __name__ == "__main__":
    raise SystemExit(main())
