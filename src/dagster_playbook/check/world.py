"""Makes the world that pages are held to: facts, authorities, conventions."""

from __future__ import annotations

from dagster_playbook.check.files import ProjectFiles
from dagster_playbook.platform.answers import CachedAuthority
from dagster_playbook.platform.documents import InstalledDocuments
from dagster_playbook.platform.loader import load_facts
from dagster_playbook.rules.world import Conventions, World
from dagster_playbook.settings import Settings


def make_world(settings: Settings, files: ProjectFiles, fingerprint: str) -> World:
    """Load the facts (from their cache when nothing changed) and stand the authorities ready, asking none yet."""
    facts = load_facts(settings)

    def live() -> object:
        from dagster_playbook.platform.live_authority import LiveAuthority

        return LiveAuthority(settings)

    store = settings.root / settings.cache / "answers.sqlite"
    conventions = Conventions(settings.schema, settings.words, settings.strict, _docs_dir(settings))
    return World(facts, CachedAuthority(live, store, fingerprint), InstalledDocuments(), files, conventions)


def _docs_dir(settings: Settings) -> str:
    return next((page for page in settings.pages if "." not in page), "docs")
