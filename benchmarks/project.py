"""The project as benchmarks use it: a copy, so that caches can be thrown away and pages changed."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.machine import machine
from dagster_playbook.drift.project_copy import project_copy
from dagster_playbook.settings import find_root, load_settings

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"


@contextmanager
def fresh_project() -> Iterator[Path]:
    """The root of a copy of this project with an empty cache."""
    with project_copy(load_settings(find_root(HERE))) as settings:
        drop_cache(settings.root)
        yield settings.root


def drop_cache(root: Path) -> None:
    """Forget every fact, answer and verdict; what SQLMesh itself has cached stays, for us and for `dagster` alike."""
    shutil.rmtree(root / ".playbook" / "cache", ignore_errors=True)


def script(name: str) -> str:
    """The console script of the environment that runs this."""
    return str(Path(sys.executable).parent / name)


def write_result(name: str, document: dict[str, object]) -> None:
    """Write one result with the machine it was taken on, whole or not at all."""
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / f"{name}.json"
    aside = target.with_suffix(".tmp")
    aside.write_text(json.dumps({"machine": machine(), **document}, indent=2) + "\n", encoding="utf-8")
    aside.replace(target)
