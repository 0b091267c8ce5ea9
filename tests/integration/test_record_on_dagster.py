"""The record of a run, held to the real Dagster instance on which it launched a job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dagster_playbook.approval.canonical import sha256

PAGE = """---
title: Count once
runbook:
  owner: data engineer
  risk: low
---

# Count once

```yaml {#count job="counted" no_undo="It only counts."}
ops:
  count:
    config:
      rows: 3
```
"""
JOBS = """import dagster as dg


@dg.op(config_schema={"rows": int})
def count(context: dg.OpExecutionContext) -> int:
    return context.op_config["rows"]


@dg.job
def counted() -> None:
    count()


defs = dg.Definitions(jobs=[counted], executor=dg.in_process_executor)
"""
SETTINGS = '[tool.playbook]\npages = ["runbooks"]\n\n[[tool.playbook.dagster]]\nmodule = "counting"\n'


def playbook(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from dagster_playbook.cli import main; sys.exit(main(sys.argv[1:]))"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DAGSTER_HOME", "PLAYBOOK_"))}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, cwd=root, env=kept, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose runbook has launched a job; its root."""
    root = tmp_path_factory.mktemp("counting")
    (root / "runbooks").mkdir()
    (root / "runbooks" / "count.md").write_text(PAGE)
    (root / "counting.py").write_text(JOBS)
    (root / "pyproject.toml").write_text(SETTINGS)
    done = playbook(root, "run", "runbooks/count.md")
    assert done.returncode == 0, done.stdout + done.stderr
    return root


def test_the_tag_of_the_dagster_run_vouches_for_the_journal(ran: Path) -> None:
    """`runs verify` reads the head at the launch back from the instance, which also wrote the log that is covered."""
    done = playbook(ran, "runs", "verify", "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = json.loads(done.stdout).values()
    assert report["checked"]["Dagster"] == "1 runs"
    folder = next((ran / ".playbook" / "runs").glob("2*"))
    assert "dagster.log" in (folder / "journal.jsonl").read_text()


def test_a_record_rewritten_whole_is_told_by_the_instance(ran: Path) -> None:
    """Journal, head and index rewritten so that they fit each other still differ from the run's tag."""
    folder = next((ran / ".playbook" / "runs").glob("2*"))
    kept = {path: path.read_bytes() for path in (folder / "journal.jsonl", folder / "head.json")}
    index = ran / ".playbook" / "runs.jsonl"
    kept[index] = index.read_bytes()
    hashes = _rewritten(folder)
    index.write_text(_fitting(index.read_text(), hashes))
    done = playbook(ran, "runs", "verify")
    for path, content in kept.items():
        path.write_bytes(content)
    assert done.returncode == 1, done.stdout + done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith("  - ")]
    assert len(told) == 1
    assert "knows another line 2 of the journal: it was rewritten" in told[0]


def _rewritten(folder: Path) -> list[str]:
    """Another operator in the first line, and everything behind it chained anew; the new hashes."""
    entries = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    entries[0]["data"]["operator"] = "somebody else"
    previous, hashes = "0" * 64, []
    for entry in entries:
        entry["previous"] = previous
        entry["hash"] = previous = sha256({k: v for k, v in entry.items() if k != "hash"})
        hashes.append(previous)
    (folder / "journal.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    (folder / "head.json").write_text(json.dumps({"seq": len(entries), "hash": previous}))
    return hashes


def _fitting(text: str, hashes: list[str]) -> str:
    previous, lines = "0" * 64, []
    for line in map(json.loads, text.splitlines()):
        line |= {"previous": previous, "head": hashes[line["seq"] - 1]}
        line["hash"] = previous = sha256({k: v for k, v in line.items() if k != "hash"})
        lines.append(json.dumps(line) + "\n")
    return "".join(lines)
