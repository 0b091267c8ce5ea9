"""`playbook init` finds what a project has and adds to its files without touching what stands in them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
import yaml

from dagster_playbook import onboarding
from dagster_playbook.discovery import discover
from dagster_playbook.errors import SettingsError
from dagster_playbook.settings import CodeLocation, SqlmeshProject, load_settings

DEFS = "import dagster as dg\n\ndefs = dg.Definitions()\n"
MODEL = "MODEL (\n  name shop.orders,\n  kind FULL\n);\nSELECT 1 AS id\n"
CONFIG = "model_defaults:\n  dialect: duckdb\n"


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("files", "location"),
    [
        ({"shop/__init__.py": "", "shop/definitions.py": DEFS}, CodeLocation("shop.definitions")),
        ({"src/shop/__init__.py": "", "src/shop/definitions.py": DEFS}, CodeLocation("shop.definitions", "src")),
        ({"shop/__init__.py": DEFS}, CodeLocation("shop")),
        ({"etl/repo.py": DEFS, "etl/dagster.yaml": ""}, CodeLocation("repo", "etl", "etl/dagster.yaml")),
        ({"pyproject.toml": '[tool.dagster]\nmodule_name = "a.b"\n'}, CodeLocation("a.b")),
        (
            {"pyproject.toml": '[tool.dg.project]\nroot_module = "shop"\n', "src/shop/x.py": ""},
            CodeLocation("shop.definitions", "src"),
        ),
        ({"ops/dg.toml": '[project]\nroot_module = "shop"\n'}, CodeLocation("shop.definitions", "ops")),
        ({"tests/definitions.py": DEFS, ".venv/definitions.py": DEFS, "env/pyvenv.cfg": "", "env/defs.py": DEFS}, None),
    ],
)
def test_code_locations_are_found_by_their_files(
    tmp_path: Path, files: dict[str, str], location: CodeLocation | None
) -> None:
    """Dagster's own settings come before a look at sources; tests and environments are nobody's platform."""
    assert discover(_tree(tmp_path, files)).dagster == ((location,) if location else ())


def test_sqlmesh_projects_schema_and_pages_are_found(tmp_path: Path) -> None:
    """A project is a folder with models and a config of SQLMesh; one schema is the schema."""
    files = {"a/config.yaml": CONFIG, "a/models/orders.sql": MODEL, "b/config.yaml": "x: 1\n", "b/models/m.bin": ""}
    found = discover(_tree(tmp_path, {**files, "docs/page.md": "# x\n", "README.md": "# y\n"}))
    assert (found.sqlmesh, found.schema, found.pages) == ((SqlmeshProject("a"),), "shop", ("docs", "README.md"))


def test_settings_are_added_below_what_stands_there(tmp_path: Path) -> None:
    """What is written is what `playbook` reads, and the rest of the file is as it was."""
    before = '[project]\nname = "shop" # mine\n'
    root = _tree(tmp_path, {"pyproject.toml": before, "a/config.yaml": CONFIG, "a/models/o.sql": MODEL})
    _tree(root, {"l ö/repo.py": DEFS, "l ö/dagster.yaml": ""})
    found = discover(root)
    file = onboarding.settings_file(root, found, "found")
    assert file.text.startswith(before)
    file.write(root)
    settings = load_settings(root)
    assert (settings.sqlmesh, settings.dagster, settings.schema) == (found.sqlmesh, found.dagster, "shop")


@pytest.mark.parametrize("text", ["[tool.playbook]\nstrict = true\n", "[tool\n"])
def test_settings_that_are_there_are_left_alone(tmp_path: Path, text: str) -> None:
    """A project that has begun, or a file that cannot be read, is one error."""
    with pytest.raises(SettingsError):
        onboarding.settings_file(_tree(tmp_path, {"pyproject.toml": text}), discover(tmp_path), "")


@pytest.mark.parametrize(
    ("before", "is_added"),
    [
        (None, True),
        ("repos:\n  - repo: local\n    hooks:\n      - id: a\n        name: a # mine\n", True),
        ("repos:\n- repo: local\n  hooks:\n  - id: a\n", True),
        ("repos: []\n", False),
        ("repos:\n- repo: local\n  hooks: []\nci:\n  skip: []\n", False),
        ("repos:\n\t- x\n", False),
        ("repos:\n- repo: local\n  hooks:\n  - id: p\n    entry: playbook check\n", False),
    ],
)
def test_a_hook_is_added_where_it_keeps_the_others(tmp_path: Path, before: str | None, is_added: bool) -> None:
    """A file of another shape is left alone rather than guessed at."""
    if before is not None:
        (tmp_path / onboarding.HOOKS).write_text(before, encoding="utf-8")
    file = onboarding.hook_file(tmp_path)
    assert (file is not None) == is_added
    if file is not None:
        assert file.text.startswith(before or "repos:\n")
        assert yaml.safe_load(file.text)["repos"][-1]["hooks"][0]["entry"] == "playbook check --changed-files"


@pytest.mark.parametrize("lock", ["uv.lock", "poetry.lock", "requirements.txt", "setup.py"])
def test_the_workflow_is_one_that_github_takes(tmp_path: Path, lock: str) -> None:
    """Valid against the schema of GitHub's workflows, whatever installs the project; not written twice."""
    import check_jsonschema
    from jsonschema.validators import validator_for

    file = onboarding.workflow_file(_tree(tmp_path, {lock: ""}))
    assert file is not None
    folder = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"
    schema = json.loads((folder / "github-workflows.json").read_text(encoding="utf-8"))
    document = {("on" if key is True else key): value for key, value in yaml.safe_load(file.text).items()}
    assert [error.message for error in validator_for(schema)(schema).iter_errors(document)] == []
    file.write(tmp_path)
    assert onboarding.workflow_file(tmp_path) is None


def test_what_was_written_is_toml_whatever_the_names_are(tmp_path: Path) -> None:
    """A folder may be called anything."""
    root = _tree(tmp_path, {'a"b\\c/config.yaml': CONFIG, 'a"b\\c/models/o.sql': MODEL})
    text = onboarding.settings_file(root, discover(root), "").text
    assert tomllib.loads(text)["tool"]["playbook"]["sqlmesh"] == [{"path": 'a"b\\c'}]


@pytest.mark.parametrize("before", ["[project]\r\nname = 'x'\r\n", "[project]\nname = 'x'"])
def test_line_ends_are_those_of_the_file(tmp_path: Path, before: str) -> None:
    """What stands there keeps its bytes, and what is added looks like it."""
    (tmp_path / "pyproject.toml").write_bytes(before.encode())
    text = onboarding.settings_file(tmp_path, discover(tmp_path), "").text
    assert text.startswith(before)
    assert text.count("\r\n") in (0, text.count("\n"))
    assert "playbook" in tomllib.loads(text)["tool"]


def test_a_file_to_which_no_table_can_be_added_is_refused(tmp_path: Path) -> None:
    """`tool` as an inline table is closed: nothing is written that no TOML reader takes."""
    (tmp_path / "pyproject.toml").write_text("tool = { ruff = { line-length = 100 } }\n")
    with pytest.raises(SettingsError, match=r"\[tool.playbook\] cannot be added"):
        onboarding.settings_file(tmp_path, discover(tmp_path), "")
