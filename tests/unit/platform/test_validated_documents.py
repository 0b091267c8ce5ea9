"""Documents of other formats are validated by what is installed, and nothing that they name is imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.facts.authority import TextProblem
from dagster_playbook.platform.documents import InstalledDocuments


@pytest.fixture(scope="module")
def documents() -> InstalledDocuments:
    return InstalledDocuments()


def test_a_hook_is_not_run(documents: InstalledDocuments, tmp_path: Path) -> None:
    """MkDocs would import the file to validate the setting."""
    hook = tmp_path / "hook.py"
    hook.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n", encoding="utf-8")
    assert documents.validate("mkdocs", {"hooks": [str(hook)]}).problems == ()
    assert [path.name for path in tmp_path.iterdir()] == ["hook.py"]


@pytest.mark.parametrize("extension", ["venv.__main__", "this", {"antigravity": {"a": 1}}])
def test_a_module_that_is_no_extension_is_not_imported(documents: InstalledDocuments, extension: object) -> None:
    """It is there, so nothing is said; MkDocs would import it, and complain that it makes no extension."""
    assert documents.validate("mkdocs", {"markdown_extensions": [extension]}).problems == ()


def test_an_extension_that_is_nowhere_is_told(documents: InstalledDocuments) -> None:
    """As MkDocs says it, told without importing."""
    answer = documents.validate("mkdocs", {"markdown_extensions": ["toc", "tocc", {"pymdownx.superfences": {}}]})
    message = "markdown_extensions: Failed loading extension 'tocc': there is no such module"
    assert answer.problems == (TextProblem(message, subject="markdown_extensions"),)


def test_a_wrong_option_of_mkdocs_is_told(documents: InstalledDocuments) -> None:
    """The other settings are judged by MkDocs' own classes."""
    assert [item.subject for item in documents.validate("mkdocs", {"use_directory_urls": "maybe"}).problems] == [
        "use_directory_urls"
    ]


def test_a_workflow_is_held_to_its_schema(documents: InstalledDocuments) -> None:
    """A key that YAML reads as true is the key that it was written as."""
    workflow = {True: {"push": {}}, "jobs": {"a": {"runs-on": "x", "stepss": []}}}
    assert [item.subject for item in documents.validate("workflow", workflow).problems] == ["jobs/a/stepss"]
