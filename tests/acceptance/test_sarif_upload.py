"""`playbook check --format sarif` as a code host takes it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator

Playbook = Callable[..., "subprocess.CompletedProcess[str]"]


def run_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one run of the document on stdout."""
    document: dict[str, Any] = json.loads(done.stdout)["runs"][0]
    return document


def test_output_is_valid(small_project: Path, playbook: Playbook) -> None:
    """What the command prints, with the metadata of every rule, is valid against the official schema."""
    schema = Path(__file__).parents[1] / "data" / "sarif" / "sarif-schema-2.1.0.json"
    document = json.loads(playbook("check", "--format", "sarif", cwd=small_project).stdout)
    assert list(Draft4Validator(json.loads(schema.read_text(encoding="utf-8"))).iter_errors(document)) == []


def test_rules_have_help(small_project: Path, playbook: Playbook) -> None:
    """Every rule is told with its summary and its advice, whether or not there is a finding of it."""
    rules = run_of(playbook("check", "docs/index.md", "--format", "sarif", cwd=small_project))["tool"]["driver"][
        "rules"
    ]
    assert len(rules) > 60 and all("**What to do.**" in rule["help"]["markdown"] for rule in rules)


def test_same_finding_after_an_edit(small_project: Path, playbook: Playbook) -> None:
    """Paragraphs added above move a finding and leave its fingerprint."""
    page = small_project / "docs" / "broken.md"
    before = run_of(playbook("check", "--format", "sarif", cwd=small_project))["results"]
    page.write_text("New.\n\nWords.\n\n" + page.read_text())
    after = run_of(playbook("check", "--format", "sarif", cwd=small_project))["results"]
    lines = [[r["locations"][0]["physicalLocation"]["region"]["startLine"] for r in told] for told in (before, after)]
    assert lines == [[3, 6], [7, 10]]
    assert [r["partialFingerprints"] for r in before] == [r["partialFingerprints"] for r in after]


def test_paths_from_the_repository(small_project: Path, playbook: Playbook) -> None:
    """In a project below a repository's root the paths are told from that root."""
    subprocess.run(["git", "init", "-q"], cwd=small_project.parent, check=True)
    results = run_of(playbook("check", "--format", "sarif", cwd=small_project))["results"]
    artifact = results[0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact["uri"] == f"{small_project.name}/docs/broken.md"
