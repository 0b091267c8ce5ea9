from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.approval.canonical import sha256
from dagster_playbook.runbook.journal import FILE_NAME, HEAD_NAME, START
from dagster_playbook.runbook.plan import make_plan
from dagster_playbook.runbook.session import Options, start
from dagster_playbook.runbook.store import Store
from dagster_playbook.runbook.verification import Report, read_outside, verify_runs
from dagster_playbook.services.dagster_runs import DagsterRun
from dagster_playbook.settings import Settings, load_settings

PAGE = """---
title: Two commands
runbook:
  owner: data engineer
  risk: low
---

# Two commands

```sh {#one changes="nothing"}
echo one
```

```sh {#two changes="nothing"}
echo two
```
"""


@dataclass
class Kept:
    """Knows which Dagster runs a runbook's run has launched."""

    runs: list[DagsterRun] = field(default_factory=list)

    def launched_by(self, runbook_runs: Sequence[str]) -> list[DagsterRun]:
        return [run for run in self.runs if run.tags["playbook/run"] in runbook_runs]


@dataclass
class Project:
    """A project of one runbook with two commands, and no platform."""

    root: Path
    dagster: Kept = field(default_factory=Kept)

    @property
    def settings(self) -> Settings:
        return load_settings(self.root)

    @property
    def store(self) -> Store:
        return Store(self.root)

    def run(self, key: Path | None = None) -> str:
        """Run the page to its end; the run's id."""
        options = Options(lambda step, question: "", lambda name, data: None, lambda *told: None, key=key)
        plan = make_plan(self.settings, "runbooks/two.md", (), target="embedded")
        run_id, state = start(self.settings, plan, options)
        assert state == "succeeded"
        return run_id

    def folder(self, run_id: str) -> Path:
        return self.store.folder / "runs" / run_id

    def verify(self, *runs: str, **options: bool) -> dict[str, Report]:
        names = list(runs) or self.store.run_ids()
        outside = read_outside(self.store, names, self.dagster.launched_by)
        return {report.run: report for report in verify_runs(self.store, names, outside, **options)}

    def lines(self, run_id: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder(run_id) / FILE_NAME).read_text().splitlines()]

    def rewrite(self, run_id: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
        """Write the whole journal anew, with a chain and a head that fit: what somebody does who knows how."""
        lines, previous = change(self.lines(run_id)), START
        for number, line in enumerate(lines, start=1):
            line |= {"seq": number, "previous": previous}
            line["hash"] = previous = sha256({k: v for k, v in line.items() if k != "hash"})
        folder = self.folder(run_id)
        (folder / FILE_NAME).write_text("".join(json.dumps(line) + "\n" for line in lines))
        (folder / HEAD_NAME).write_text(json.dumps({"seq": len(lines), "hash": previous}))

    def rewrite_index(self, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
        """Write the whole index anew, with a chain that fits."""
        path, previous = self.store.index.path, START
        lines = change([json.loads(line) for line in path.read_text().splitlines()])
        for number, line in enumerate(lines, start=1):
            line |= {"line": number, "previous": previous}
            line["hash"] = previous = sha256({k: v for k, v in line.items() if k != "hash"})
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in [name for name in os.environ if name.startswith(("PLAYBOOK_", "DAGSTER_HOME", "SQLMESH_POSTGRES"))]:
        monkeypatch.delenv(name)
    root = tmp_path / "project"
    (root / "runbooks").mkdir(parents=True)
    (root / "pyproject.toml").write_text('[tool.playbook]\npages = ["runbooks"]\ncommands = ["echo"]\n')
    (root / "runbooks" / "two.md").write_text(PAGE)
    return Project(root)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the keys of an operator and of a stranger, and a policy that knows the operator."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("operator", "stranger"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    public = (folder / "operator.pub").read_text().strip()
    namespaces = "dagster-playbook,dagster-playbook-record"
    (folder / "allowed_signers").write_text(f'operator@example.org namespaces="{namespaces}" {public}\n')
    (folder / "roles.toml").write_text("max_hours = 24\n[roles]\napprover = []\n")
    return folder


@pytest.fixture
def operator(keys: Path, project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The operator's key, known to the project."""
    monkeypatch.setenv("PLAYBOOK_APPROVERS", str(keys))
    return keys / "operator"
