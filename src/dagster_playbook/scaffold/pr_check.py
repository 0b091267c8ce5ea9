"""What a reviewer would run on a change, and the body of its pull request with the evidence."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from dagster_playbook.errors import PlaybookError, ScaffoldError
from dagster_playbook.findings import Severity
from dagster_playbook.scaffold.change import Change
from dagster_playbook.scaffold.layout import Layout, layout_of
from dagster_playbook.scaffold.lint import lint_warehouse
from dagster_playbook.scaffold.local_run import Outcome, run
from dagster_playbook.scaffold.sources import read_materialised
from dagster_playbook.settings import Settings

Verdict = Literal["pass", "fail", "nothing to do"]


@dataclass(frozen=True, slots=True)
class Section:
    """One check of a pull request: its verdict, one line of evidence, and Markdown that bears it out."""

    name: str
    verdict: Verdict
    evidence: str
    details: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def pr_check(settings: Settings, change: Change, checks: tuple[str, ...] = ()) -> Iterator[Section]:
    """Run the checks one by one, all of CHECKS or those that are named; a check that cannot be run fails."""
    layout = layout_of(settings)
    for name, check in CHECKS.items():
        if not checks or name in checks:
            try:
                yield check(settings, layout, change)
            except PlaybookError as error:
                yield Section(name, "fail", f"could not look: {error.message}", f"```text\n{error}\n```")


def _lint(settings: Settings, layout: Layout, change: Change) -> Section:
    result = lint_warehouse(layout, now=datetime.now(UTC))
    errors = [f for f in result.findings if f.severity is Severity.ERROR]
    told = f"{len(result.files)} files, {len(errors)} errors, {len(result.findings) - len(errors)} warnings"
    lines = [f"- `{f.location}` {f.rule} {f.name}: {f.message}" for f in result.findings]
    return Section("lint", "fail" if errors else "pass", told, "\n".join(lines))


def _tests(settings: Settings, layout: Layout, change: Change) -> Section:
    """SQLMesh's tests when the SQLMesh project changes, the tests of changed sources, and changed tests."""
    outcomes: list[Outcome] = []
    binary = Path(sys.executable)
    if change.under(layout.sqlmesh):
        argv = [str(binary.with_name("sqlmesh")), "--paths", layout.sqlmesh, "test"]
        outcomes.append(run("SQLMesh tests", argv, layout.root, {"SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true"}))
    files = _python_tests(layout, change)
    if files:
        variables = {"PYTHONPATH": str(layout.root / layout.working_directory), "DAGSTER_DISABLE_TELEMETRY": "1"}
        argv = [str(binary), "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", *files]
        outcomes.append(run("tests of the sources", argv, layout.root, variables))
    if not outcomes:
        return Section("tests", "nothing to do", "no model, seed or source changes")
    told = ", ".join(f"{o.step}: {'passed' if o.is_ok else 'failed'} in {o.seconds:.0f} s" for o in outcomes)
    details = "\n".join(f"```text\n$ {o.command}\n{o.tail}\n```" for o in outcomes)
    return Section("tests", "pass" if all(o.is_ok for o in outcomes) else "fail", told, details)


def _python_tests(layout: Layout, change: Change) -> list[str]:
    modules = {Path(path).stem for path in change.under(f"{layout.package}/sources", ".py")}
    found = {path for path in change.under("tests/unit/warehouse", ".py") if Path(path).name.startswith("test_")}
    for module in modules:
        path = f"tests/unit/warehouse/test_source_{module}.py"
        if (layout.root / path).is_file():
            found.add(path)
    return sorted(path for path in found if (layout.root / path).is_file())


def _materialised(settings: Settings, layout: Layout, change: Change) -> Section:
    """Each changed source was materialised here, with rows."""
    raws = [
        Path(path).stem.replace("__", ".", 1)
        for path in change.under(f"{layout.package}/sources", ".py")
        if "__" in Path(path).stem.strip("_")
    ]
    if not raws:
        return Section("materialisation", "nothing to do", "no source asset changes")
    lines, empty = ["| raw table | rows | columns |", "|---|---|---|"], 0
    for raw in raws:
        schema, table = raw.split(".", 1)
        try:
            found = read_materialised(layout.root, schema, table)
        except ScaffoldError as error:
            empty += 1
            lines.append(f"| {raw} | {error.message} | |")
            continue
        empty += found.total_rows == 0
        lines.append(f"| {raw} | {found.total_rows} | {', '.join(c.name for c in found.columns)} |")
    told = f"{len(raws) - empty} of {len(raws)} changed sources hold rows"
    return Section("materialisation", "fail" if empty else "pass", told, "\n".join(lines))


def _blast_radius(settings: Settings, layout: Layout, change: Change) -> Section:
    """The models that the change touches and everything downstream of them, by SQLMesh's own graph."""
    if not change.under(layout.sqlmesh):
        return Section("blast radius", "nothing to do", "no model or seed changes")
    from dagster_playbook.platform.loader import load_facts
    from dagster_playbook.scaffold.touched import touched_models

    direct, downstream = touched_models(load_facts(settings), layout, change)
    lines = [f"- `{model.name}` ({model.kind}), changed" for model in direct]
    lines += [f"- `{model.name}` ({model.kind}), downstream" for model in downstream]
    told = f"{len(direct)} models change, {len(downstream)} stand downstream of them"
    return Section("blast radius", "pass", told, "\n".join(lines))


def _docs(settings: Settings, layout: Layout, change: Change) -> Section:
    """`playbook check` on all pages: a change of the platform can make any of them wrong."""
    argv = [str(Path(sys.executable).with_name("playbook")), "check", "--format", "json", "--quiet"]
    done = subprocess.run(argv, cwd=layout.root, capture_output=True, text=True, timeout=600, check=False)
    try:
        document = json.loads(done.stdout)
    except ValueError as error:
        said = (done.stderr or done.stdout).strip()
        told = said.rsplit("error: ", 1)[-1] or "nothing"
        raise ScaffoldError(f"playbook check could not look: {told.splitlines()[0]}", cure=said[-2000:]) from error
    counts, findings = document["summary"], document["findings"]
    lines = [f"- `{f['path']}:{f['line']}` {f['rule']}: {f['message']}" for f in findings]
    told = f"{counts['files']} pages, {counts['checked']} claims checked, {len(findings)} findings"
    return Section("docs", "pass" if done.returncode == 0 else "fail", told, "\n".join(lines))


#: the checks in the order in which a reviewer reads them
CHECKS: dict[str, Callable[[Settings, Layout, Change], Section]] = {
    "lint": _lint,
    "tests": _tests,
    "materialisation": _materialised,
    "blast radius": _blast_radius,
    "docs": _docs,
}


def body(change: Change, layout: Layout, sections: list[Section]) -> str:
    """The body of the pull request in Markdown: what it is, what was run, and what that said."""
    marks = {"pass": "✅ pass", "fail": "❌ fail", "nothing to do": "— nothing to do"}
    lines = [f"## {_kind(change, layout)}", ""]
    lines += [f"{len(change.files)} files differ from `{change.base}`.", ""]
    lines += ["| check | verdict | evidence |", "|---|---|---|"]
    lines += [f"| {s.name} | {marks[s.verdict]} | {s.evidence.replace('|', '/')} |" for s in sections]
    for section in sections:
        if section.details:
            lines += ["", f"<details><summary>{section.name}</summary>", "", section.details, "", "</details>"]
    shown = "\n".join(f"- `{path}`" for path in change.files[:100])
    more = f"\n- and {len(change.files) - 100} more" if len(change.files) > 100 else ""
    lines += ["", "<details><summary>files</summary>", "", shown + more, "", "</details>"]
    return "\n".join(lines) + "\n"


def _kind(change: Change, layout: Layout) -> str:
    """Which of the workflow's two pull requests it is."""
    if change.under(f"{layout.sqlmesh}/seeds") or change.under(f"{layout.sqlmesh}/models/staging"):
        return "Seed and staging model"
    return "Source asset" if change.under(f"{layout.package}/sources") else "Change"
