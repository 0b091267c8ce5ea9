"""A plan made by a process of its own, for those that live long: SQLMesh is loaded anew each time, and then gone.

`python -m dagster_playbook.runbook.planning` reads an `Asked` as JSON from its standard input and writes the answer to
its standard output. It changes nothing, as `playbook plan` does not.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dagster_playbook.approval.envelope import RefusedError
from dagster_playbook.approval.parts import Parts
from dagster_playbook.approval.policy import Rule
from dagster_playbook.errors import PlaybookError, RunbookError

#: how long a plan may take
TIMEOUT_S = 300.0
_WIDTH = 160


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be planned.

    Attributes:
        given: `name=value` texts.
        review: the payload of a request that somebody is to approve: the plan is held to its parts and what it shows.
    """

    root: str
    runbook: str
    given: list[str] = field(default_factory=list)
    target: str = "embedded"
    dagster_url: str = ""
    review: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan as plain data.

    Attributes:
        plan: as `playbook plan --format json` prints it; tree and mermaid: as with these formats.
        parts: what its digest is made of.
        about: what an approver reads.
        rules: what it needs before it may run.
    """

    plan: dict[str, Any]
    tree: str
    mermaid: str
    parts: Parts
    about: dict[str, Any]
    rules: tuple[Rule, ...]

    @property
    def digest(self) -> str:
        """What is approved."""
        return self.parts.digest


def planned(asked: Asked) -> Planned:
    """Plan in a process of its own.

    Raises:
        RefusedError: the request that was to be reviewed is for another plan.
        RunbookError: the runbook, a parameter or the platform does not allow a plan.
    """
    done = _answer_of(asked)
    if done.returncode != 0 or not done.stdout.strip():
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise RunbookError(f"the plan could not be made: {last[0][:300]}", path=asked.runbook)
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    if "refused" in answer:
        raise RefusedError(answer["refused"])
    if "error" in answer:
        raise RunbookError(**answer["error"])
    parts = answer.pop("parts")
    parts = Parts(**{**parts, "sources": tuple(parts["sources"]), "scopes": tuple(parts["scopes"])})
    rules = tuple(Rule(**rule) for rule in answer.pop("rules"))
    return Planned(**answer, parts=parts, rules=rules)


def _answer_of(asked: Asked) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [sys.executable, "-P", "-m", "dagster_playbook.runbook.planning"],
            input=json.dumps(asdict(asked)),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            cwd=asked.root,
        )
    except subprocess.TimeoutExpired as error:
        raise RunbookError(f"the plan took longer than {TIMEOUT_S:g} s", path=asked.runbook) from error


def _plan(asked: Asked) -> dict[str, Any]:
    from rich.console import Console

    from dagster_playbook.approval.parts import parts_of
    from dagster_playbook.runbook import present
    from dagster_playbook.runbook.consent import rules_of
    from dagster_playbook.runbook.plan import make_plan
    from dagster_playbook.runbook.reach import run_config_of
    from dagster_playbook.runbook.requests import about
    from dagster_playbook.runbook.review import plan_anew
    from dagster_playbook.runbook.store import Store
    from dagster_playbook.settings import load_settings

    settings = load_settings(Path(asked.root))

    def config_of(run: str) -> dict[str, Any]:
        return run_config_of(settings, asked.dagster_url, run)

    if asked.review is not None:
        parts, shown = parts_of(asked.review), asked.review.get("about")
        made = plan_anew(settings, parts, shown, target=asked.target, secrets=asked.given, config_of=config_of)
    else:
        made = make_plan(settings, asked.runbook, asked.given, target=asked.target, config_of=config_of)
    shown_tree = io.StringIO()
    Console(file=shown_tree, width=_WIDTH).print(present.tree(made))
    return {
        "plan": json.loads(present.as_json(made)),
        "tree": shown_tree.getvalue(),
        "mermaid": present.mermaid(made),
        "parts": made.parts.as_dict(),
        "about": about(made),
        "rules": [asdict(rule) for rule in rules_of(made, Store(settings.root).policy_if_any(asked.target))],
    }


def main() -> None:
    """Answer the one question on standard input."""
    import logging

    logging.getLogger("sqlmesh").setLevel(logging.ERROR)
    asked = Asked(**json.loads(sys.stdin.read()))
    # whatever a project prints while it is loaded is not the answer
    with contextlib.redirect_stdout(sys.stderr):
        try:
            answer = _plan(asked)
        except RefusedError as error:
            answer = {"refused": str(error)}
        except PlaybookError as error:
            told = {"message": error.message, "cure": error.cure, "path": error.path, "line": error.line}
            answer = {"error": told}
    sys.stdout.write(json.dumps(answer, default=str) + "\n")


if __name__ == "__main__":
    main()
