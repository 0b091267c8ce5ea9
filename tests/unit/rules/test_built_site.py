"""Links, anchors and images are held to the site that a generator has built, whatever has made what is there."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from dagster_playbook.check import Checker
from dagster_playbook.errors import SettingsError
from dagster_playbook.settings import Settings, load_settings

DATA = Path(__file__).parents[2] / "data" / "built-site"


def found(checker: Checker, settings: Settings, page: str) -> list[tuple[str, int, str, str]]:
    other = Checker(settings, use_store=False)
    other.__dict__["facts"] = checker.facts
    return [(f.rule, f.location.line, f.subject, f.severity) for f in other.check_page(page).findings]


@pytest.fixture
def settings(project_settings: Settings) -> Settings:
    return dataclasses.replace(project_settings, root=DATA, mkdocs="mkdocs.yml", strict=False, site="built")


def test_what_the_site_has_is_right_and_what_it_lacks_is_an_error(checker: Checker, settings: Settings) -> None:
    """Anchors, pages and images that plugins make are known from the built files, and so is what nobody made."""
    assert found(checker, settings, "docs/guide/first.md") == [
        ("PB012", 3, "api.Thong", "error"),
        ("PB012", 5, "no-part", "error"),
        ("PB009", 7, "../img/lost.png", "error"),
        ("PB009", 7, "../nowhere.md", "error"),
    ]


def test_without_the_site_it_is_a_doubt(checker: Checker, settings: Settings) -> None:
    """The same page without its site: what a plugin could have made is no error."""
    told = found(checker, dataclasses.replace(settings, site=""), "docs/guide/first.md")
    assert {severity for _, _, _, severity in told} == {"warning"}


def test_a_page_beside_the_site_is_none_of_it(checker: Checker, settings: Settings) -> None:
    """The README has the name of an index, and the site's index is not made of it."""
    told = found(checker, settings, "README.md")
    assert [(rule, subject) for rule, _, subject, _ in told] == [("PB012", "anything")]
    assert found(checker, dataclasses.replace(settings, site=""), "README.md") == told


def test_a_site_outside_of_the_project_is_refused(tmp_path: Path) -> None:
    """The setting names a folder of the project; another one is an error at its line."""
    shutil.copy(DATA / "mkdocs.yml", tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.playbook]\nsite = "../elsewhere"\n')
    with pytest.raises(SettingsError, match="folder of the project") as told:
        load_settings(tmp_path)
    assert told.value.line == 2
