"""Makes the world that pages are held to: facts, authorities, conventions."""

from __future__ import annotations

from dagster_playbook.check.files import ProjectFiles
from dagster_playbook.facts.authority import Authority, Unjudged
from dagster_playbook.facts.facts import Facts
from dagster_playbook.facts.facts_file import Recorded
from dagster_playbook.platform.answers import CachedAuthority, CachedDocuments
from dagster_playbook.platform.documents import InstalledDocuments
from dagster_playbook.platform.facts_authority import FactsAuthority, FactsDocuments
from dagster_playbook.rules.world import Conventions, World
from dagster_playbook.settings import Settings, setting_words


def recorded_world(settings: Settings, recorded: Recorded, files: ProjectFiles) -> World:
    """A world of recorded facts alone: no process is started for it and nothing of the project is loaded."""
    unjudged = Unjudged()
    documents = FactsDocuments(InstalledDocuments(), unjudged)
    authority = FactsAuthority(recorded, unjudged)
    return World(recorded.facts, authority, documents, files, _conventions(settings), unjudged)


def make_world(settings: Settings, facts: Facts, files: ProjectFiles) -> World:
    """Stand the authorities ready, asking none yet."""

    def live() -> Authority:
        from dagster_playbook.platform.live_authority import LiveAuthority

        return LiveAuthority(settings)

    store = settings.root / settings.cache
    authority = CachedAuthority(live, store, facts.fingerprint)
    unjudged = Unjudged()
    documents = CachedDocuments(InstalledDocuments(), store, facts.fingerprint, unjudged)
    return World(facts, authority, documents, files, _conventions(settings), unjudged)


def _conventions(settings: Settings) -> Conventions:
    return Conventions(
        settings.schema,
        settings.words,
        settings.strict,
        _docs_dir(settings),
        setting_words(),
        settings.meanings,
        settings.site,
    )


def _docs_dir(settings: Settings) -> str:
    return next((page for page in settings.pages if "." not in page), "docs")
