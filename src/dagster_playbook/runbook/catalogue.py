"""The runbooks of a project, so that one is chosen from a list and never by a path that somebody sends."""

from __future__ import annotations

from dagster_playbook.check.pages import find_pages
from dagster_playbook.claims.runbook import is_runbook, parse
from dagster_playbook.claims.runbook_model import Runbook
from dagster_playbook.errors import PlaybookError
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.settings import Settings


def runbooks(settings: Settings) -> dict[str, Runbook]:
    """The project's runbooks by their path; a page that cannot be read is none, as `playbook check` tells."""
    found: dict[str, Runbook] = {}
    for path in find_pages(settings):
        # pages are many and runbooks few: only what may be one is rendered
        if b"\nrunbook:" not in (settings.root / path).read_bytes()[:20_000]:
            continue
        try:
            page = read_page(settings.root, path)
        except PlaybookError:
            continue
        if is_runbook(page):
            found[path] = parse(page)
    return found
