"""One project as an editor sees it: pages that are open stand before the files of the same name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from dagster_playbook.check import Checker
from dagster_playbook.check.files import ProjectFiles
from dagster_playbook.check.trial import PageReader, judge_page
from dagster_playbook.facts.facts import Facts
from dagster_playbook.findings import Finding
from dagster_playbook.interpreters.fingerprint import fingerprint
from dagster_playbook.markdown.model import Page
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.rules.world import World
from dagster_playbook.settings import Settings, load_settings


class OpenFiles:
    """The project's files with the texts of open pages in their place; the disk is looked at anew by `refresh`."""

    def __init__(self, root: Path, texts: dict[str, str], include_roots: tuple[str, ...]) -> None:
        self._root = root
        self._texts = texts
        self._include_roots = include_roots
        self.refresh()

    def refresh(self) -> None:
        """Forget what the disk said."""
        self._disk = ProjectFiles(self._root, self._anchors_of)

    def exists(self, path: str) -> bool:
        """See `rules.world.Files`."""
        return path in self._texts or self._disk.exists(path)

    def anchors(self, path: str) -> frozenset[str] | None:
        """See `rules.world.Files`."""
        return self._anchors_of(path) if path in self._texts else self._disk.anchors(path)

    def text(self, path: str) -> str | None:
        """See `rules.world.Files`."""
        return self._texts[path] if path in self._texts else self._disk.text(path)

    def _anchors_of(self, path: str) -> frozenset[str]:
        text = self._texts.get(path)
        return read_page(self._root, path, include_roots=self._include_roots, text=text).all_anchors


@dataclass
class Session:
    """The open pages of a project and the platform that they are held to; not for two threads at once."""

    root: Path
    texts: dict[str, str] = field(default_factory=dict)

    @cached_property
    def _checker(self) -> Checker:
        return Checker(load_settings(self.root))

    @cached_property
    def _print(self) -> str:
        """The fingerprint that the facts were loaded under."""
        return fingerprint(self._checker.settings)

    @cached_property
    def world(self) -> World:
        """The world with the open pages in it.

        Raises:
            PlaybookError: the settings or the platform cannot be read.
        """
        settings = self._checker.settings
        assert self._print
        files = OpenFiles(self.root, self.texts, settings.include_roots)
        made: World = self._checker.world
        return replace(made, files=files)

    @property
    def settings(self) -> Settings:
        """The project's settings as they were loaded."""
        return self._checker.settings

    @property
    def facts(self) -> Facts:
        """What the platform is."""
        return self.world.facts

    def page(self, path: str) -> Page:
        """An open page, or the file, as readers would see it."""
        return self._reader.read(path, {})

    @property
    def _reader(self) -> PageReader:
        return PageReader(self.root, self._checker.settings.include_roots, self.texts)

    def findings(self, path: str) -> list[Finding]:
        """Every finding of a page as it stands in the editor.

        Raises:
            PlaybookError: the platform cannot be read or asked.
        """
        world = self.world
        assert isinstance(world.files, OpenFiles)
        world.files.refresh()
        seconds = self._checker.settings.page_seconds
        return judge_page(path, world, self._reader, seconds=seconds).findings

    def save(self) -> None:
        """Keep what the authorities have answered for the next process."""
        if "world" in self.__dict__:
            self._checker.save()

    def is_stale(self) -> bool:
        """Whether the platform, its settings or an installed version has changed since it was loaded."""
        if "world" not in self.__dict__:
            return False
        return fingerprint(load_settings(self.root)) != self._print

    def reload(self) -> None:
        """Forget the platform; the next question loads it."""
        for name in ("world", "_print", "_checker"):
            self.__dict__.pop(name, None)
