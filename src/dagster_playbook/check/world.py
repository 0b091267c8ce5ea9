"""Makes the world that pages are held to: facts, authorities, conventions."""

from __future__ import annotations

from dagster_playbook.check.files import ProjectFiles
from dagster_playbook.platform.answers import CachedAuthority, CachedDocuments
from dagster_playbook.platform.authority import Authority
from dagster_playbook.platform.documents import InstalledDocuments
from dagster_playbook.platform.facts import Facts
from dagster_playbook.rules.world import Conventions, World
from dagster_playbook.settings import Settings, setting_words


def make_world(settings: Settings, facts: Facts, files: ProjectFiles) -> World:
    """Stand the authorities ready, asking none yet."""

    def live() -> Authority:
        from dagster_playbook.platform.live_authority import LiveAuthority

        return LiveAuthority(settings)

    store = settings.root / settings.cache
    conventions = Conventions(
        settings.schema,
        settings.words,
        settings.strict,
        _docs_dir(settings),
        setting_words(),
        settings.meanings,
    )
    authority = CachedAuthority(live, store, facts.fingerprint)
    documents = CachedDocuments(InstalledDocuments(), store, facts.fingerprint)
    return World(facts, authority, documents, files, conventions)


def _docs_dir(settings: Settings) -> str:
    return next((page for page in settings.pages if "." not in page), "docs")
