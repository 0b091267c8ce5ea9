"""`[tool.playbook]`: what is wrong with it is told at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.errors import SettingsError
from dagster_playbook.settings import load_settings

WRONG = {
    '[tool.other]\nstrikt = 1\n\n[tool.playbook]\npages = ["docs"]\nstrikt = true\n': (6, "no setting 'strikt'"),
    '[tool.playbook]\n\nstrict = "yes"\n': (3, "strict has to be true or false"),
    "[tool.playbook]\nstrict = \n": (2, "cannot be read as TOML"),
    '[tool.playbook]\nschema = "oso"\npages = "docs"\n': (3, "pages has to be a list"),
    "[tool.playbook]\npages = [3]\n": (2, "pages has to be a list of strings"),
    '[tool.playbook]\nwords = ["a"]\n': (2, "words has to be a table of strings"),
    "[tool.playbook]\nmkdocs = 1\n": (2, "mkdocs has to be a string"),
    '[[tool.playbook.dagster]]\nmodule = "a"\nfile = "a.py"\n': (3, "has no entry 'file'"),
    '[tool.playbook]\n[[tool.playbook.sqlmesh]]\ngateway = "x"\n': (2, "'path'"),
    "[tool.playbook]\n[[tool.playbook.sqlmesh]]\npath = 1\n": (2, "has to be a table of strings"),
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_setting_is_told_at_its_line(tmp_path: Path, text: str) -> None:
    """The line of the key, or of its table's header; never that of a like key of another tool."""
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path)
    line, words = WRONG[text]
    assert words in caught.value.message
    assert (caught.value.path, caught.value.line) == ("pyproject.toml", line)
