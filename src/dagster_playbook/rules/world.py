"""What rules look at: the facts, the names in them, the project's files, and an authority to ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from dagster_playbook.facts.authority import Authority, Documents, Unjudged
from dagster_playbook.facts.facts import Facts, ModelFact
from dagster_playbook.findings import Severity
from dagster_playbook.meaning import Meanings
from dagster_playbook.nearness import nearest


class Files(Protocol):
    """The project's files as far as pages speak of them; the implementation remembers what it was asked."""

    def exists(self, path: str) -> bool:
        """Whether a file or folder stands at the POSIX path relative to the project."""

    def anchors(self, path: str) -> frozenset[str] | None:
        """The anchors of a page of the project, None when there is no such page."""

    def text(self, path: str) -> str | None:
        """The text of a file of the project, None when there is no such file or it is not text."""


@dataclass(frozen=True, slots=True)
class Conventions:
    """What the project's settings say about names: its SQLMesh schema, words that are no names, strictness.

    `site` is the folder of the built site, "" when links are held to the pages alone. `settings` are the keys that
    `[tool.playbook]` takes; `meanings` say what config fields of its ops mean.
    """

    schema: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    is_strict: bool = False
    docs_dir: str = "docs"
    settings: frozenset[str] = frozenset()
    meanings: Meanings = field(default_factory=Meanings)
    site: str = ""


@dataclass(eq=False)
class World:
    """Everything that a rule may read; nothing here writes, and only `files` and `authority` look outside.

    `unjudged` is told by the authority what it could not answer; one that can ask its platform tells nothing.
    """

    facts: Facts
    authority: Authority
    documents: Documents
    files: Files
    conventions: Conventions = field(default_factory=Conventions)
    unjudged: Unjudged = field(default_factory=Unjudged)

    @cached_property
    def models_by_name(self) -> dict[str, ModelFact]:
        """Models by each spelling that is the same to SQLMesh: any case, without quotes, with or without catalog."""
        index: dict[str, ModelFact] = {}
        for model in self.facts.models.values():
            parts = model.fqn.replace('"', "").lower().split(".")
            for start in range(len(parts)):
                if len(parts) - start >= min(2, len(parts)):
                    index[".".join(parts[start:])] = model
            index[model.name.lower()] = model
        return index

    def model(self, name: str) -> ModelFact | None:
        """The model of that name as SQLMesh would normalise it, None if there is none."""
        return self.models_by_name.get(name.replace('"', "").lower())

    @property
    def doubtful(self) -> Severity:
        """How much weighs what may be meant otherwise: documentation of others names things that no platform has."""
        return Severity.ERROR if self.conventions.is_strict else Severity.WARNING

    @cached_property
    def schemas(self) -> frozenset[str]:
        """The schemas of the project's models, lower case."""
        return frozenset(model.name.split(".")[0].lower() for model in self.facts.models.values() if "." in model.name)

    def is_ours(self, name: str) -> bool:
        """Whether a dotted name lies in a schema of the project, so that it can only be meant as one of its models."""
        parts = [part.strip('"').lower() for part in name.split(".")]
        return len(parts) > 1 and bool(self.schemas & set(parts[:-1]))

    @cached_property
    def tags(self) -> frozenset[str]:
        """Every tag that some model carries."""
        return frozenset(tag for model in self.facts.models.values() for tag in model.tags)

    @cached_property
    def categories(self) -> frozenset[str]:
        """The categories, as the project declares their tag, that some model carries."""
        return self.conventions.meanings.categories(self.tags)


def near(word: str, known: Iterable[str]) -> str:
    """The real name that was probably meant, "" when none is near."""
    return nearest(word, known if isinstance(known, frozenset) else frozenset(known))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A clause to append to a message: the near name, or nothing."""
    found = near(word, known)
    return f"; did you mean {found!r}?" if found else ""
