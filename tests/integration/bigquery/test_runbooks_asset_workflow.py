"""The runbooks of the asset workflow, run from their pages in a clone: from a source to a model that is restated."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery

pytestmark = pytest.mark.bigquery
ROOT = Path(__file__).resolve().parents[3]
TYPES = {"id": "INT64", "select": "STRING", "title": "STRING", "amount": "FLOAT64", "created_at": "TIMESTAMP"}
NAMED = ("-p", "source=tracker", "-p", "table=issues")


@dataclass(frozen=True)
class Run:
    """A runbook that was run: its folder, exit code, what it said, and each finished step by its id."""

    folder: Path
    code: int
    said: str
    steps: dict[str, dict[str, Any]]

    @property
    def outcomes(self) -> dict[str, str]:
        return {step: data["outcome"] for step, data in self.steps.items()}

    def output(self, step: str) -> str:
        """All that a step's command printed, by its evidence."""
        kept = json.loads((self.folder / self.steps[step]["evidence"]).read_text(encoding="utf-8"))
        return str(kept["result"]["output"])


@dataclass(frozen=True)
class Engineer:
    """Somebody with a clone of the project."""

    root: Path
    environment: dict[str, str]

    def command(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            arguments, cwd=cwd or self.root, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=300, check=False,
        )  # fmt: skip

    def playbook(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.command(sys.executable, "-c", "from dagster_playbook.cli import main; main()", *arguments)

    def run(self, *arguments: str) -> Run:
        """`playbook run` or `playbook resume`."""
        done = self.playbook(*arguments, "--format", "json")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        steps = {event["step"]: event for event in events if event["event"] == "step-finished"}
        return Run(max((self.root / ".playbook" / "runs").iterdir()), done.returncode, done.stdout + done.stderr, steps)

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        done = self.command("git", *identity, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def merge(self, branch: str) -> None:
        """What a reviewed pull request leaves: its files on main, and the next branch."""
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", "reviewed")
        self.git("branch", "--force", "main")
        self.git("switch", "--quiet", "--create", branch)


@pytest.fixture(scope="module")
def engineer(bigquery_emulator: str, tmp_path_factory: pytest.TempPathFactory) -> Engineer:
    """A clone with everything that git knows or would take, and nothing that was ever run."""
    root = tmp_path_factory.mktemp("clone") / "project"
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, root / name)
    dropped = ("DAGSTER_", "NESSIE_", "OSO_", "PLAYBOOK_", "SQLMESH_", "TRINO_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    mine = {"PYTHONPATH": str(root / "src"), "OSO_GIT_REPOSITORY": str(root), "MAX_FORK_WORKERS": "1"}
    # uv is asked for once, and has nowhere to ask
    offline = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(root.parent / "uv")}
    made = Engineer(root, {**kept, **mine, **offline, "BIGQUERY_EMULATOR_HOST": bigquery_emulator})
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("add", ".")
    made.git("commit", "--quiet", "-m", "begin")
    made.git("switch", "--quiet", "--create", "asset")
    return made


@pytest.fixture(scope="module")
def asset(engineer: Engineer, endpoint: str) -> Run:
    """The first pull request's runbook, and its merge."""
    run = engineer.run(
        "run", "runbooks/new-asset.md", *NAMED, "-p", f"endpoint={endpoint}", "--answer", "looked=yes"
    )  # fmt: skip
    engineer.merge("seed")
    return run


@pytest.fixture(scope="module")
def staged(engineer: Engineer, asset: Run, records: list[dict[str, Any]], writer: Any) -> Run:
    """What production has materialised, and on it the second pull request's runbook, and its merge."""
    assert asset.code == 0, asset.said
    schema = [bigquery.SchemaField(name, kind) for name, kind in TYPES.items()]
    writer.create_table(bigquery.Table("p.d.issues", schema=schema), timeout=10)
    rows = [{name.lower(): value for name, value in record.items()} for record in records]
    assert writer.insert_rows_json("p.d.issues", rows, timeout=10, retry=None) == []
    run = engineer.run(
        "run", "runbooks/seed-and-staging-model.md", *NAMED, "-p", "bigquery=p.d.issues", "--answer", "right=yes"
    )
    engineer.merge("upgrade")
    return run


@pytest.fixture(scope="module")
def built(engineer: Engineer, staged: Run) -> Run:
    """The next run of all assets."""
    assert staged.code == 0, staged.said
    return engineer.run("run", "runbooks/run-all-assets.md")


def test_new_asset_from_its_page(asset: Run) -> None:
    """A REST endpoint becomes an asset that was run here, in one run of the page."""
    assert asset.code == 0, asset.said
    assert set(asset.outcomes.values()) == {"succeeded"}
    assert "12 rows in tracker.issues" in asset.output("write")
    assert "| materialisation | ✅ pass | 1 of 1 changed sources hold rows |" in asset.output("evidence")


def test_seed_and_staging_model_from_its_page(staged: Run) -> None:
    """The materialised table becomes a seed and a staging model, and every page is right again."""
    assert staged.code == 0, staged.said
    assert set(staged.outcomes.values()) == {"succeeded"}
    assert "3 of 3 steps green" in staged.output("write")
    assert "Successfully Ran" in staged.output("test")
    assert staged.output("lint").endswith(" 0 findings")


def test_the_pull_request_names_what_the_change_touches(staged: Run) -> None:
    """The new table, seed and model, and nothing that was there before."""
    body = staged.output("evidence")
    changed = {line.split("`")[1] for line in body.splitlines() if line.endswith("), changed")}
    assert changed == {"tracker.issues", "oso.seed_tracker__issues", "oso.stg_tracker__issues"}
    assert "| blast radius | ✅ pass | 3 models change, 0 stand downstream of them |" in body


def test_the_new_model_is_built_and_can_be_restated(engineer: Engineer, built: Run) -> None:
    """After the next run of all assets a plan says what restating it would do: its rows, its whole history."""
    assert built.code == 0, built.said
    done = engineer.playbook(
        "plan", "runbooks/restate-by-model.md", "-p", "models=oso.stg_tracker__issues", "--format", "json"
    )
    assert done.returncode == 0, done.stderr
    (model,) = json.loads(done.stdout)["blast_radius"]["restate"]["models"]
    assert (model["name"], model["kind"]) == ("oso.stg_tracker__issues", "FULL")


def test_an_upgrade_stays_off_the_main_branch(engineer: Engineer) -> None:
    """The first step fails there, and nothing behind it is begun."""
    current = engineer.git("branch", "--show-current").strip()
    engineer.git("switch", "--quiet", "main")
    run = engineer.run("run", "runbooks/upgrade-platform.md")
    engineer.git("switch", "--quiet", current)
    assert (run.code, run.outcomes) == (1, {"branch": "failed"})


def test_an_upgrade_migrates_and_proves(engineer: Engineer, built: Run) -> None:
    """Without a network the lock stays as it is; by the operator's word it is done, and the rest of the page runs."""
    assert built.code == 0, built.said
    (engineer.root / ".venv").mkdir()
    (engineer.root / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (engineer.root / ".venv" / ".ready").touch()
    cut = engineer.run("run", "runbooks/upgrade-platform.md")
    assert (cut.code, cut.outcomes) == (1, {"branch": "succeeded", "idle": "succeeded", "lock": "failed"})
    assert engineer.git("status", "--porcelain") == ""
    run = engineer.run("resume", "last", "--done", "lock")
    assert run.code == 0, run.said
    assert list(run.outcomes) == ["install", "migrate_sqlmesh", "migrate_dagster", "pages", "models"]
    assert engineer.git("status", "--porcelain") == ""
