"""One drift being caught, for the home page: a mistaken block, and what the check really says of it."""

from __future__ import annotations

import html

from dagster_playbook.site.sources import Sources

PLACE = "<!-- site: drift -->"
_BLOCK = """ops:
  sqlmesh_project:
    config:
      restate_models:
        - oso.stg_pypi__release
      skip_test: true
"""
_PAGE = "docs/runbook.md"


def shown(sources: Sources, up: str) -> str:
    """The block and the findings side by side, as HTML."""
    block = html.escape(_BLOCK, quote=False)
    findings = html.escape(found(sources), quote=False)
    return (
        '<div class="pb-drift no-copy"><figure><figcaption>A page says</figcaption>'
        f'<pre tabindex="0"><code>{block}</code></pre></figure>'
        "<figure><figcaption>The build answers</figcaption>"
        f'<pre tabindex="0"><code>{findings}</code></pre></figure></div>'
    )


def found(sources: Sources) -> str:
    """What the check prints of the block, as a person sees it."""
    lines = []
    for finding in sources.findings_of(_PAGE, _BLOCK, "sqlmesh_all_assets"):
        place = finding.location
        lines.append(f"{place.path}:{place.line}: {finding.rule} {finding.name}\n  {finding.message}")
        if finding.fix:
            lines.append(f"  fix: {finding.fix.replacement}")
    return "\n".join(lines)
