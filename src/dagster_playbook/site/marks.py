"""The mark at the end of each page: what the check alone says of it, and of which commit."""

from __future__ import annotations

import html
from urllib.parse import urlencode

from dagster_playbook.check.result import PageSummary
from dagster_playbook.findings import Severity
from dagster_playbook.site.sources import Commit, Sources

#: the distributions whose versions a page depends on
VERSIONS = ("dagster", "sqlmesh", "dagster-playbook")


def state_of(verdict: PageSummary | None) -> tuple[str, str]:
    """`held`, `failing` or `unchecked`, and why; held is only what the check has seen whole and found nothing in."""
    if verdict is None:
        return "unchecked", "The check does not read this page; it is made from the facts of the platform."
    errors = sum(finding.severity is Severity.ERROR for finding in verdict.findings)
    if verdict.findings:
        said = f"{errors} errors and {len(verdict.findings) - errors} warnings"
        return "failing", f"The check has {said} on this page: do not rely on it."
    if verdict.unjudged:
        return "unchecked", f"{sum(verdict.unjudged.values())} statements of this page could not be judged."
    exempt = f", {verdict.exempt} exempt" if verdict.exempt else ""
    if not verdict.fences and not verdict.spans and not verdict.claims:
        return "held", "Nothing on this page speaks of the platform; its links hold."
    return "held", f"{verdict.fences} blocks and {verdict.spans} names of this page hold{exempt}."


def mark(sources: Sources, path: str) -> str:
    """The mark of the page at `path`, relative to the project, as HTML."""
    verdict = sources.verdicts.get(path)
    state, why = state_of(verdict)
    word = {"held": "Verified", "failing": "Not verified", "unchecked": "Not checked"}[state]
    changed = sources.changed(verdict.files if verdict is not None else (path,))
    versions = shown_versions(sources)
    parts = [f'<strong class="pb-state pb-{state}">{word}</strong> {why}', f"Held to {versions}."]
    if sources.head is not None:
        with_changes = ", with changes that are not committed" if sources.has_changes else ""
        parts.append(f"Built from {_commit(sources.head)} of {sources.head.day}{with_changes}.")
    if changed is not None:
        parts.append(f"Last changed {changed.day} in {_commit(changed)}.")
    repository = sources.repository
    if repository:
        query = urlencode({"title": f"Wrong page: {path}", "body": _issue(sources, path, versions)})
        parts.append(f'<a href="{html.escape(f"{repository}/issues/new?{query}")}">This page is wrong</a>')
    return f'<footer class="pb-mark" aria-label="Verification of this page"><p>{"</p><p>".join(parts)}</p></footer>'


def shown_versions(sources: Sources) -> str:
    """The versions that the pages are held to, for a sentence."""
    found = sources.result.versions
    return ", ".join(f"{name} {found[name]}" for name in VERSIONS if name in found)


def _commit(commit: Commit) -> str:
    return f"<code>{commit.hash[:10]}</code>"


def _issue(sources: Sources, path: str, versions: str) -> str:
    commit = sources.head.hash if sources.head else "no commit"
    return f"Page: {path}\nCommit: {commit}\nVersions: {versions}\n\nWhat is wrong, and what is right:\n"
