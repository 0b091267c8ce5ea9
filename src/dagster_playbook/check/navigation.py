"""The navigation of mkdocs.yml: each entry is a page, and each page of the site can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import join
from typing import Any

from dagster_playbook.check.files import ProjectFiles
from dagster_playbook.findings import Finding
from dagster_playbook.location import Location
from dagster_playbook.rules.extraction import NO_PAGE
from dagster_playbook.settings import Settings


def nav_findings(settings: Settings, files: ProjectFiles) -> list[Finding]:
    """Findings of the navigation; nothing when the project has no mkdocs.yml.

    The file is only composed, never constructed: its `!!python/name:` tags would run code.
    """
    text = files.text(settings.mkdocs) if settings.mkdocs else None
    if not text:
        return []
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Location(settings.mkdocs, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1)
        return [NO_PAGE.finding(place, f"is not YAML: {str(error).splitlines()[0]}", subject=settings.mkdocs)]
    if not isinstance(root, yaml.MappingNode):
        return []
    top = {key.value: value for key, value in root.value}
    docs_dir = top["docs_dir"].value if "docs_dir" in top else "docs"
    return [
        NO_PAGE.finding(
            Location(
                settings.mkdocs, node.start_mark.line + 1, node.start_mark.column + 1, 0, node.end_mark.column + 1
            ),
            f"the navigation names {node.value!r}, which does not exist in {docs_dir}/",
            subject=node.value,
            evidence=settings.mkdocs,
        )
        for node in _entries(top.get("nav"))
        if "://" not in node.value and not files.exists(join(docs_dir, node.value))
    ]


def _entries(node: Any) -> Iterator[Any]:
    import yaml

    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _entries(item)
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield from _entries(value)
    elif isinstance(node, yaml.ScalarNode) and node.value:
        yield node
