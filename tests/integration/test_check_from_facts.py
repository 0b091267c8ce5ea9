"""`playbook check --facts`: a stranger's change is held to recorded facts, and none of its code runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dagster_playbook.check import Checker
from dagster_playbook.facts.facts_file import read_facts
from dagster_playbook.settings import load_settings
from dagster_playbook.workers.workers import POOL, WorkerPool

SAMPLE = Path(__file__).parents[1] / "data" / "platform" / "sample"
CONFIG = """\
```{ .yaml job="load_job" }
ops:
  load_orders:
    config:
      KEY: 5
  publish:
    config:
      target:
        table: orders
```
"""
KNOWN = "```sql\nMODEL (name shop.known, kind FULL, dialect duckdb);\nSELECT 1 AS one\n```\n"
PAGE = "# Load\n\n" + CONFIG.replace("KEY", "limit") + KNOWN + "Restate `shop.stg_*` or `tag:entity_category=order*`.\n"
#: what a page may use to get at the project's code, one passage for each
STRANGE = """
```python
import sample_location.definitions
from sample_location.config import LoadConfig
import stranger
LoadConfig.limit
```

```sql
MODEL (name shop.strange, kind FULL, dialect duckdb);
SELECT @EVAL('stranger') AS one, @stranger() AS two
```

```{ .yaml title="mkdocs.yml" }
site_name: strange
hooks: [stranger.py]
markdown_extensions: [stranger]
```

```{ .yaml title="transform/config.yaml" }
model_defaults: {dialect: duckdb}
```

```{ .yaml title="dagster.yaml" }
run_retries: {enabled: true}
```

Use `sample_location.definitions.defs`, `stranger.run()` and `tag:x & git:main`.
"""


def _playbook(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("playbook")), *arguments]
    environment = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The main branch, checked once, and the file of facts that it wrote then."""
    root = Path(shutil.copytree(SAMPLE, tmp_path_factory.mktemp("base") / "sample"))
    (root / "docs").mkdir(exist_ok=True)
    (root / "docs" / "a.md").write_text(PAGE)
    checked = _playbook(root, "check", "docs")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    file = root.parent / "facts.json"
    done = _playbook(root, "facts", "--output", str(file))
    assert done.returncode == 0 and "answers in" in done.stderr
    return root, file


@pytest.fixture
def head(base: tuple[Path, Path], tmp_path: Path) -> Path:
    """A pull request: every module of the project, and some beside it, would leave a mark when it is imported."""
    root = Path(shutil.copytree(base[0], tmp_path / "head", ignore=shutil.ignore_patterns(".playbook", "__pycache__")))
    mark = f"open({str(tmp_path / 'canary')!r}, 'a').write(__name__)\n"
    for path in root.rglob("*.py"):
        path.write_text(mark + path.read_text())
    for name in ("stranger", "sitecustomize", "sqlmesh", "dagster", "yaml", "ruff", "mkdocs"):
        (root / f"{name}.py").write_text(mark)
    return root


def test_unchanged_pages_are_judged_whole(base: tuple[Path, Path], head: Path) -> None:
    """What the main branch has answered is answered: nothing is left unjudged, and nothing is loaded."""
    done = _playbook(head, "check", "docs", "--facts", str(base[1]), "--format", "json")
    summary = json.loads(done.stdout)["summary"]
    assert (done.returncode, summary["findings"], summary["unjudged"]) == (0, 0, 0)
    assert not (head.parent / "canary").exists()


def test_the_canary_sings(base: tuple[Path, Path], head: Path) -> None:
    """The same change, checked in the usual way, runs the project's code: the marks are real."""
    (head / "sqlmesh.py").unlink()
    (head / "dagster.py").unlink()
    (head / "yaml.py").unlink()
    _playbook(head, "check", "docs")
    assert "sample_location" in (head.parent / "canary").read_text()


def test_no_code_of_the_change_runs(base: tuple[Path, Path], head: Path) -> None:
    """Blocks and names that lead into the change's own code run none of it; what that costs is told in one line."""
    (head / "docs" / "b.md").write_text(STRANGE)
    done = _playbook(head, "check", "docs", "--facts", str(base[1]), "-q")
    assert not (head.parent / "canary").exists()
    (note,) = [line for line in done.stderr.splitlines() if line.startswith("note:")]
    assert note.startswith("note: not judged, because only the platform itself can: ")
    for kind in ("1 MODEL block", "1 MkDocs config", "1 selector", "Python name", "SQLMesh config", "Dagster instance"):
        assert kind in note
    assert "Traceback" not in done.stderr


def test_no_worker_is_started(base: tuple[Path, Path], head: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole check of a changed page asks no process that loads a project."""

    def refuse(self: WorkerPool, *arguments: object) -> None:
        raise AssertionError("a worker was asked for")

    monkeypatch.setattr(WorkerPool, "workers", refuse)
    (head / "docs" / "b.md").write_text(STRANGE)
    checker = Checker(load_settings(head), use_store=False, recorded=read_facts(base[1]))
    result = checker.check()
    assert result.unjudged["MODEL block"] == 1 and POOL is not None


def test_a_drifted_page_is_found(base: tuple[Path, Path], head: Path) -> None:
    """A key, a model and a selector that the recorded platform does not have are findings, with their fixes."""
    text = (
        "# B\n\n" + CONFIG.replace("KEY", "limitt") + "\nRestate `shop.stg_order_*` and `tag:entity_category=ordr`.\n"
    )
    (head / "docs" / "b.md").write_text(text)
    done = _playbook(head, "check", "docs/b.md", "--facts", str(base[1]), "--format", "json")
    found = {finding["rule"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1 and {"DG101", "SM202", "SM204"} == set(found)
    assert found["DG101"]["fix"]["replacement"] == "limit"


def test_the_cache_of_the_change_is_not_believed(base: tuple[Path, Path], head: Path) -> None:
    """Verdicts that a change brings along in the cache's folder are not read, and nothing is written there."""
    (head / "docs" / "a.md").write_text(CONFIG.replace("KEY", "limitt"))
    cache = head / ".playbook" / "cache"
    cache.mkdir(parents=True)
    (cache / "verdicts.sqlite").write_bytes((base[0] / ".playbook" / "cache" / "verdicts.sqlite").read_bytes())
    before = sorted(path.name for path in cache.iterdir())
    done = _playbook(head, "check", "docs", "--facts", str(base[1]))
    assert done.returncode == 1 and "DG101" in done.stdout
    assert sorted(path.name for path in cache.iterdir()) == before


def test_a_suppression_of_what_is_not_judged_is_not_called_unused(base: tuple[Path, Path], head: Path) -> None:
    """Whether a suppression is of use is not known when its block was not judged."""
    block = "```sql\nMODEL (name shop.strange, kind FUL);\nSELECT 1 AS one\n```\n"
    (head / "docs" / "b.md").write_text(f'<!-- playbook: ignore SM206 reason="shown wrong" -->\n{block}')
    done = _playbook(head, "check", "docs/b.md", "--facts", str(base[1]))
    assert done.returncode == 0 and "PB008" not in done.stdout and "1 not judged" in done.stdout


@pytest.mark.parametrize("option", [["--live"], ["--dagster-url", "http://127.0.0.1:1"]])
def test_a_record_and_services_exclude_each_other(base: tuple[Path, Path], option: list[str]) -> None:
    """--facts asks nobody, so it cannot stand beside an option that asks."""
    done = _playbook(base[0], "check", "--facts", str(base[1]), *option)
    assert done.returncode == 2 and "leave --live and --dagster-url out" in done.stderr


def test_a_bad_file_of_facts_is_exit_2(base: tuple[Path, Path], tmp_path: Path) -> None:
    """A file that is none is one line with the cure, on standard error, and exit code 2."""
    (tmp_path / "facts.json").write_text("{}")
    done = _playbook(base[0], "check", "--facts", str(tmp_path / "facts.json"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "facts.json: is no file of facts" in done.stderr and "playbook facts --output FILE" in done.stderr
    assert "Traceback" not in done.stderr
