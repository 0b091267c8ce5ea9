"""Where the keys of a page's front matter stand, so that a finding points at the line that a person edits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from dagster_playbook.claims.yaml_text import YamlNode, YamlProblem, read_yaml
from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Page

#: the opening dashes stand above the first line of the YAML
_LINES_ABOVE = 1


class FrontPlaces:
    """The places of one page's front matter; nothing is parsed before somebody asks."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def of(self, *path: object) -> Location:
        """The key at the end of the path, or the item of a list; of what is not there the nearest key above it."""
        node, place = self._read[0], Location(self._page.path, 1)
        for part in path:
            found = _step_down(node, part)
            if found is None:
                break
            named, node = found
            line = named.line + _LINES_ABOVE
            place = Location(self._page.path, line, named.column, line, named.column + len(named.text))
        return place

    def doubled(self) -> Iterator[tuple[str, Location, str]]:
        """(what is wrong, where, the key) of each key that stands twice below one other."""
        for problem in self._read[1]:
            if problem.is_duplicate:
                line = problem.line + _LINES_ABOVE
                # the reader counts lines of the YAML, a person those of the page
                message = f"key {problem.subject!r} stands twice; the last one wins in silence"
                yield message, Location(self._page.path, line, problem.column), problem.subject

    @cached_property
    def _read(self) -> tuple[YamlNode | None, list[YamlProblem]]:
        return read_yaml(self._page.front_matter_text)


def _step_down(node: YamlNode | None, part: object) -> tuple[YamlNode, YamlNode | None] | None:
    """(the node that is named, what stands below it)."""
    if node is None:
        return None
    for key, value in node.items():
        if key.value == part:
            return key, value
    return next(((item, None) for item in node.elements() if item.value == part), None)
