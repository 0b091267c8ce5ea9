"""What MkDocs calls while it builds the site; named in mkdocs.site.yml."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dagster_playbook.errors import PlaybookError
from dagster_playbook.runbook.page_commands import FORM
from dagster_playbook.site import (
    architecture,
    builder,
    drift_shown,
    lineage,
    platform_pages,
    refusals,
    roles,
    status,
    terms,
)
from dagster_playbook.site.blocks import Surroundings, dressed
from dagster_playbook.site.landmarks import named
from dagster_playbook.site.marks import mark
from dagster_playbook.site.runbook_form import form
from dagster_playbook.site.sources import Sources

#: folder of pages to how much it weighs in the search: procedures before decisions
_BOOSTS = {"runbooks": 4, "playbook": 3, "workflow": 2, "adr": 0.2}
#: comment in a page to what stands there
_PLACES: dict[str, Callable[[Sources, str], str]] = {
    architecture.PLACE: architecture.picture,
    builder.PLACE: builder.scripts,
    drift_shown.PLACE: drift_shown.shown,
    lineage.PLACE: platform_pages.lineage,
    platform_pages.JOBS: platform_pages.job_table,
    platform_pages.MODELS: platform_pages.model_table,
    status.PLACE: status.tables,
    refusals.PLACE: lambda site, up: refusals.tables(site.root),
    roles.PLACE: lambda site, up: roles.table(site.root),
}
_sources: dict[str, Sources] = {}


def on_config(config: Any) -> Any:
    """Begin anew: with `mkdocs serve` a file may have changed since the last build."""
    root = Path(config.config_file_path).resolve().parent
    _sources["site"] = Sources(root, (config.repo_url or "").rstrip("/"))
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add a page for each model and job."""
    from mkdocs.structure.files import File

    for path, text in platform_pages.pages(_site()):
        files.append(File.generated(config, path, content=text))
    return files


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
        if not page.file.src_uri.startswith(("adr/", "platform/", terms.GLOSSARY)):
            content = site.terms.marked(content)
        content = site.names.linked(content, up)
        return content + mark(site, f"{Path(config.docs_dir).name}/{page.file.src_uri}")
    except PlaybookError as error:
        raise PluginError(str(error)) from error


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Give names to the parts of the page that the theme leaves without."""
    return named(output)


def on_post_template(output_content: str, template_name: str, config: Any) -> str:
    """The same for the page of an address that is not there."""
    return named(output_content) if template_name.endswith(".html") else output_content


def _site() -> Sources:
    return _sources["site"]
