"""From a check's result to what a reporter may see: loads only what the asked format tells."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_playbook.report import Doubts, Report, RuleText

if TYPE_CHECKING:
    from dagster_playbook.check.result import CheckResult
    from dagster_playbook.settings import Settings

#: formats that a code host reads, with paths from the repository's root
_WITH_PREFIX = ("sarif", "github")


def report_of(
    result: CheckResult, settings: Settings, form: str, *, with_source: bool = False, with_doubts: bool = False
) -> Report:
    """The report of a check for one format.

    `with_source` adds the lines that findings stand on, `with_doubts` those that are counted by their causes else.
    """
    from dagster_playbook.check.doubts import grouped

    findings = tuple(result.all_findings if with_doubts else result.findings)
    with_source = with_source or form == "sarif"
    return Report(
        summary=result.summary(),
        findings=findings,
        pages=tuple(page.path for page in result.pages),
        fingerprint=result.fingerprint,
        versions=result.versions,
        prefix=_prefix(settings.root) if form in _WITH_PREFIX else "",
        sources=_lines(settings.root, (f.location.path for f in findings)) if with_source else {},
        rules=_rules() if form == "sarif" else {},
        doubts=tuple(Doubts(cause.name, count, cause.told, cause.cure) for cause, count in grouped(result.doubts)),
    )


def paths_from_here(root: Path, paths: Iterable[str]) -> list[str]:
    """Paths as a person or a hook gives them: one that from here leads into the project is made absolute.

    The current folder may be above the project, as a repository's is above the project that it holds.
    """
    absolute = [(path, Path(os.path.abspath(path))) for path in paths]  # noqa: PTH100 - a page may be a symlink
    return [str(here) if here.is_relative_to(root) and os.path.lexists(here) else path for path, here in absolute]


def _prefix(root: Path) -> str:
    """The project's folder in its git checkout with a trailing slash, "" at its top or outside of one."""
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            return "" if folder == root else f"{root.relative_to(folder).as_posix()}/"
    return ""


def _lines(root: Path, paths: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in dict.fromkeys(paths):
        try:
            text = (root / path).read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            continue
        found[path] = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return found


def _rules() -> dict[str, RuleText]:
    from dagster_playbook.rules import RULES
    from dagster_playbook.rules.reference import advice_of

    return {code: RuleText(rule.name, rule.summary, advice_of(code)) for code, rule in RULES.items()}
