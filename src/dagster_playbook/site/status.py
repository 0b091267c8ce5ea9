"""The page that tells how far each page is held to the platform: the verdicts of the check and nothing else."""

from __future__ import annotations

import html
import json

from dagster_playbook.site.marks import shown_versions, state_of
from dagster_playbook.site.sources import Sources

PLACE = "<!-- site: status -->"
_DRIFT = "benchmarks/results/drift.json"
_WORDS = {"held": "verified", "failing": "not verified", "unchecked": "not checked"}


def tables(sources: Sources, up: str) -> str:
    """Counts, versions and a line for each page, as HTML."""
    result = sources.result
    counts = result.summary()
    built = f"Commit {sources.head.hash[:10]} of {sources.head.day}. " if sources.head else ""
    says = (
        f"{built}{counts['files']} pages with {counts['fences']} blocks and {counts['spans']} names: "
        f"{counts['checked']} checked, {counts['exempt']} exempt with a reason, {counts['findings']} findings. "
        f"Held to {shown_versions(sources)}."
    )
    rows = "".join(_row(sources, path, up) for path in sources.verdicts)
    heads = "".join(
        f"<th>{head}</th>" for head in ("Page", "State", "Blocks", "Names", "Exempt", "Findings", "Changed")
    )
    versions = "".join(f"<tr><td>{name}</td><td>{found}</td></tr>" for name, found in result.versions.items())
    return (
        f"<p>{html.escape(says)}</p>{_drift(sources)}"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        '<h2 id="versions">Versions</h2><p>What gave these verdicts:</p>'
        f"<table><thead><tr><th>Distribution</th><th>Version</th></tr></thead><tbody>{versions}</tbody></table>"
    )


def _row(sources: Sources, path: str, up: str) -> str:
    verdict = sources.verdicts[path]
    state, why = state_of(verdict)
    changed = sources.changed(verdict.files)
    name = html.escape(path)
    if path.startswith("docs/"):
        name = f'<a href="{up}{html.escape(path.removeprefix("docs/").removesuffix(".md"))}.html">{name}</a>'
    shown = f'<span class="pb-state pb-{state}" title="{html.escape(why)}">{_WORDS[state]}</span>'
    numbers = (verdict.fences, verdict.spans, verdict.exempt, len(verdict.findings))
    return (
        f"<tr><td>{name}</td><td>{shown}</td>"
        f"{''.join(f'<td>{number}</td>' for number in numbers)}<td>{changed.day if changed else ''}</td></tr>"
    )


def _drift(sources: Sources) -> str:
    """What share of mistakes the check tells, as it was last measured."""
    file = sources.root / _DRIFT
    if not file.is_file():
        return ""
    recorded = json.loads(file.read_text(encoding="utf-8"))
    told, made = recorded["score"]["killed"], recorded["score"]["counted"]
    return f"<p>Of {made} mistakes that were made on purpose the check told {told} when that was last measured.</p>"
