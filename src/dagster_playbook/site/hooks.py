"""What MkDocs calls while it builds the site; named in mkdocs.yml."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dagster_playbook.errors import PlaybookError
from dagster_playbook.runbook.page_commands import FORM
from dagster_playbook.site import builder, refusals, roles
from dagster_playbook.site.blocks import Surroundings, dressed
from dagster_playbook.site.marks import mark
from dagster_playbook.site.runbook_form import form
from dagster_playbook.site.sources import Sources

#: folder of pages to how much it weighs in the search: procedures before decisions
_BOOSTS = {"runbooks": 4, "playbook": 3, "workflow": 2, "adr": 0.2}
#: comment in a page to what stands there
_PLACES: dict[str, Callable[[Sources, str], str]] = {
    builder.PLACE: builder.scripts,
    refusals.PLACE: lambda site, up: refusals.tables(site.root),
    roles.PLACE: lambda site, up: roles.table(site.root),
}
_sources: dict[str, Sources] = {}


def on_config(config: Any) -> Any:
    """Begin anew: with `mkdocs serve` a file may have changed since the last build."""
    root = Path(config.config_file_path).resolve().parent
    _sources["site"] = Sources(root, (config.repo_url or "").rstrip("/"))
    return config


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Weigh the page for the search, and send whoever edits it to the file that has its text."""
    folder = page.file.src_uri.partition("/")[0]
    page.meta.setdefault("search", {"boost": _BOOSTS.get(folder, 1)})
    if page.file.src_uri in _site().runbooks:
        page.edit_url = f"{_site().repository}/edit/main/{page.file.src_uri}"
    return markdown


def on_page_content(content: str, page: Any, config: Any, files: Any) -> str:
    """Dress the blocks, put the form in its place, and end the page with its mark."""
    from mkdocs.exceptions import PluginError

    site = _site()
    try:
        runbook, meanings = site.runbooks.get(page.file.src_uri), site.settings.meanings
        up = "../" * page.url.count("/")
        content = dressed(content, Surroundings(runbook, meanings, up))
        if runbook is not None:
            content = content.replace(FORM, form(runbook, site.facts, meanings))
        for place, made in _PLACES.items():
            if place in content:
                content = content.replace(place, made(site, up))
        return content + mark(site, f"{Path(config.docs_dir).name}/{page.file.src_uri}")
    except PlaybookError as error:
        raise PluginError(str(error)) from error


def _site() -> Sources:
    return _sources["site"]
