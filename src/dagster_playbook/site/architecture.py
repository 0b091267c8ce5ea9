"""The picture of the platform: what runs, what writes where, and what consumers see; names are those of the facts."""

from __future__ import annotations

import html

from dagster_playbook.facts.facts import Facts
from dagster_playbook.site.platform_pages import shown_jobs
from dagster_playbook.site.sources import Sources

PLACE = "<!-- site: architecture -->"
_WIDTH, _HEIGHT = 720, 330


def picture(sources: Sources, up: str) -> str:
    """The picture as SVG, with what it is made from below it."""
    facts = sources.facts
    count = sum(model.kind not in {"EXTERNAL", "SEED"} for model in facts.models.values())
    main, tag = facts.values.get("nessie.branch", "main"), facts.values.get("nessie.tag", "consumer")
    writer, reader = _catalog(facts, str(main)), _catalog(facts, str(tag))
    parts = [
        _box((10, 20, 150, 56), "Sources", "raw tables, files, APIs"),
        _box((200, 20, 170, 56), "Dagster", f"{len(shown_jobs(facts))} jobs"),
        _box((420, 20, 170, 56), "SQLMesh", f"{count} models"),
        _box((310, 130, 170, 56), "Trino", f"catalog {writer}"),
        _box((310, 240, 170, 62), "Nessie", f"branch {main}, tag {tag}"),
        _box((540, 240, 170, 62), "Consumers", f"catalog {reader}", accent=True),
        _box((10, 240, 190, 62), "Object store", "Iceberg files"),
        _box((10, 130, 190, 56), "Postgres", "state of Dagster, SQLMesh, Nessie"),
        _arrow(160, 48, 200, 48), _arrow(370, 48, 420, 48), _arrow(505, 76, 420, 130), _arrow(395, 186, 395, 240),
        _arrow(310, 271, 200, 271), _arrow(540, 271, 480, 271), _arrow(285, 76, 200, 132),
    ]  # fmt: skip
    said = (
        f"Dagster starts SQLMesh, which computes with Trino and commits to the branch {main} of Nessie. "
        f"Consumers read the commit of the tag {tag}."
    )
    return (
        f'<figure class="pb-picture"><svg role="img" aria-label="{html.escape(said)}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}"><defs><marker id="pb-tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L10 5L0 10z"/></marker></defs>'
        f"{''.join(parts)}</svg><figcaption>{html.escape(said)}</figcaption></figure>"
    )


def _catalog(facts: Facts, reference: str) -> str:
    return next((catalog.name for catalog in facts.catalogs.values() if catalog.ref == reference), "none")


def _box(place: tuple[int, int, int, int], title: str, below: str, *, accent: bool = False) -> str:
    x, y, width, height = place
    kind = ' class="pb-accent"' if accent else ""
    middle = x + width // 2
    return (
        f'<g{kind}><rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4"/>'
        f'<text x="{middle}" y="{y + 24}" class="pb-name">{html.escape(title)}</text>'
        f'<text x="{middle}" y="{y + 43}">{html.escape(below)}</text></g>'
    )


def _arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    return f'<path class="pb-arrow" d="M{x1} {y1}L{x2} {y2}" marker-end="url(#pb-tip)"/>'
