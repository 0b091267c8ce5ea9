"""A page is read with the extensions of its own site, and no other code of it is ever run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dagster_playbook.markdown.model import Page
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.markdown.recorder.extensions import USUAL, extensions_of, module_of

DETAILS = "??? note\n\n    ```yaml\n    a: 1\n    ```\n"


def read(root: Path, config: str, text: str, page: str = "docs/page.md") -> Page:
    (root / page).parent.mkdir(parents=True, exist_ok=True)
    (root / "mkdocs.yml").write_text(config)
    (root / page).write_text(text)
    return read_page(root, page)


def test_an_extension_that_the_site_has_is_used(tmp_path: Path) -> None:
    """A fence in a collapsible block is one where the site makes such blocks."""
    page = read(tmp_path, "markdown_extensions: [pymdownx.details, pymdownx.superfences]\n", DETAILS)
    assert [(fence.language, fence.attributes) for fence in page.fences] == [("yaml", {})]


def test_an_extension_that_the_site_lacks_is_not_used(tmp_path: Path) -> None:
    """The same text is indented code, marks and all, where the site does not make such blocks."""
    page = read(tmp_path, "markdown_extensions: [pymdownx.superfences]\n", DETAILS)
    assert [(fence.attributes, fence.body) for fence in page.fences] == [({"indented": ""}, "```yaml\na: 1\n```")]


def test_options_of_an_extension_hold(tmp_path: Path) -> None:
    """Anchors are made as the site's own table of contents makes them."""
    page = read(tmp_path, "markdown_extensions:\n  - toc:\n      separator: _\n", "# Two words\n")
    assert [heading.anchor for heading in page.headings] == ["two_words"]


def test_the_nearest_configuration_counts(tmp_path: Path) -> None:
    """A site in a folder of its own is read with its own extensions, and its page depends on that file."""
    (tmp_path / "site/docs").mkdir(parents=True)
    (tmp_path / "site/mkdocs.yml").write_text("markdown_extensions: [pymdownx.details]\n")
    page = read(tmp_path, "markdown_extensions: [tables]\n", DETAILS, "site/docs/page.md")
    assert ([fence.language for fence in page.fences], page.files[-1]) == (["yaml"], "site/mkdocs.yml")


@pytest.mark.parametrize("config", ["a: [", "- list\n", "", "site_name: x\n", "markdown_extensions: 3\n"])
def test_the_usual_extensions_hold_where_none_are_asked_for(config: str) -> None:
    """A configuration that cannot be read, or names none, leaves the set that most sites use."""
    assert extensions_of(config) == USUAL


def test_code_that_a_configuration_names_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module beside the page, named as an extension, as a class of one, or as a value, is never run."""
    (tmp_path / "evil_extension.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    config = """markdown_extensions:
  - evil_extension
  - evil_extension:Class
  - pymdownx.evil_extension
  - toc:
      slugify: !!python/object/apply:evil_extension.slugify {kwds: {case: lower}}
  - pymdownx.superfences:
      custom_fences:
        - {name: mermaid, class: mermaid, format: !!python/name:evil_extension.format }
"""
    page = read(tmp_path, config, "# One\n\n```mermaid\na\n```\n")
    assert [fence.language for fence in page.fences] == ["mermaid"]
    assert "evil_extension" not in sys.modules
    assert extensions_of(config).unknown == ("evil_extension", "evil_extension:Class", "pymdownx.evil_extension")


def test_an_option_that_an_extension_does_not_know_does_not_stop_it(tmp_path: Path) -> None:
    """The extension is used with its own defaults."""
    page = read(tmp_path, "markdown_extensions:\n  - pymdownx.superfences:\n      new_option: 1\n", "~~~sh\nls\n~~~\n")
    assert [fence.language for fence in page.fences] == ["sh"]


@pytest.mark.parametrize("name", ["os", "markdown", "pymdownx", "pymdownx.b64", "pymdownx.snippets:X", "../toc", ""])
def test_other_names_are_no_extensions(name: str) -> None:
    """Only names on the list have a module."""
    assert module_of(name) == ""


def test_lines_that_the_site_appends_are_read(tmp_path: Path) -> None:
    """A glossary that snippets put below each page defines references for it."""
    (tmp_path / "links.txt").write_text("[home]: https://example.org\n")
    config = "markdown_extensions:\n  - pymdownx.snippets:\n      auto_append: [links.txt]\n"
    page = read(tmp_path, config, "See [home].\n")
    assert [(link.target, link.location.column) for link in page.links] == [("https://example.org", 5)]


@pytest.mark.parametrize("extension", ["pymdownx.critic", "pymdownx.superfences:\n      preserve_tabs: true"])
def test_lines_are_known_whatever_stage_comes_first(tmp_path: Path, extension: str) -> None:
    """What stands in code is found at its line where an extension takes the text apart before the renderer does."""
    config = f"markdown_extensions:\n  - pymdownx.snippets\n  - pymdownx.superfences\n  - {extension}\n"
    page = read(tmp_path, config, "# Page\n\nA `span <x>`.\n\n```sh\nls <dir>\n```\n")
    places = [(fence.location.line, fence.lines[0].line) for fence in page.fences]
    assert (page.problems, page.spans[0].location.line, places) == ([], 3, [(5, 6)])


def test_includes_are_looked_up_where_the_site_says(tmp_path: Path) -> None:
    """Includes come from the folders that the site's own configuration names, as far as they are in the project."""
    (tmp_path / "site/parts").mkdir(parents=True)
    (tmp_path / "site/parts/a.md").write_text("`from a part`\n")
    config = "markdown_extensions:\n  - pymdownx.snippets:\n      base_path: [parts, ../..]\n"
    (tmp_path / "site/mkdocs.yml").write_text(config)
    page = read(tmp_path, "site_name: x\n", '--8<-- "a.md"\n', "site/docs/page.md")
    assert (page.problems, [span.text for span in page.spans]) == ([], ["from a part"])
