"""The files that a project begins with: its settings, each with why it is there, a commit hook and a workflow."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from dagster_playbook.discovery import Found
from dagster_playbook.durable import write_whole
from dagster_playbook.errors import SettingsError, on_disk

HOOKS = ".pre-commit-config.yaml"
WORKFLOW = ".github/workflows/playbook.yml"


@dataclass(frozen=True, slots=True)
class Written:
    """One file to write: its path relative to the root and its whole new content."""

    path: str
    text: str

    def write(self, root: Path) -> None:
        """Put it in place, whole or not at all.

        Raises:
            SettingsError: the disk does not take it.
        """
        place = root / self.path
        with on_disk("the file cannot be written", place, SettingsError):
            place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(place, self.text, mode=0o644)


def settings_file(root: Path, found: Found, python: str) -> Written:
    """pyproject.toml with `[tool.playbook]` at its end; what stands in it stays as it is.

    `python` says which interpreter was found and how.

    Raises:
        SettingsError: the project has such settings already, or a pyproject.toml that cannot be read.
    """
    path = root / "pyproject.toml"
    try:
        before = path.read_bytes().decode("utf-8") if path.exists() else ""
        tools = tomllib.loads(before).get("tool", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"cannot be read: {error}", path="pyproject.toml", cure="mend it first") from error
    if "playbook" in tools:
        cure = "change them there, or take the table out and run `playbook init` again"
        raise SettingsError("has [tool.playbook] already", path="pyproject.toml", cure=cure)
    end = "\r\n" if "\r\n" in before else "\n"
    gap = "" if not before else end if before.endswith("\n") else end * 2
    text = before + gap + "\n".join([*_settings(found, python), ""]).replace("\n", end)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        cure = "write `tool` of pyproject.toml as tables first"
        raise SettingsError(f"[tool.playbook] cannot be added: {error}", path="pyproject.toml", cure=cure) from error
    return Written("pyproject.toml", text)


def _settings(found: Found, python: str) -> Iterator[str]:
    yield "# what `playbook check` holds the Markdown of this project to"
    yield "[tool.playbook]"
    yield "# files and folders whose Markdown is checked"
    yield f"pages = [{', '.join(map(_quoted, found.pages or ('docs', 'README.md')))}]"
    yield "# false: what may be meant otherwise is a warning; true: whatever is not understood is an error"
    yield "strict = false"
    if found.schema:
        yield "# the schema that a model's short name stands for"
        yield f"schema = {_quoted(found.schema)}"
    yield f"# the Python that loads the platform; {python}"
    yield '# python = ".venv/bin/python"'
    for project in found.sqlmesh:
        yield "\n# models, columns, selectors and `sqlmesh` commands are held to this project"
        yield f"[[tool.playbook.sqlmesh]]\npath = {_quoted(project.path)}"
    for location in found.dagster:
        yield "\n# jobs, run config, assets and `dagster` commands are held to this code location"
        yield f"[[tool.playbook.dagster]]\nmodule = {_quoted(location.module)}"
        if location.working_directory != ".":
            yield "# first on sys.path when the module is imported"
            yield f"working_directory = {_quoted(location.working_directory)}"
        if location.instance:
            yield f"# retries, concurrency and the like are held to it\ninstance = {_quoted(location.instance)}"


def _quoted(text: str) -> str:
    """A TOML string; JSON's are of the same form."""
    return json.dumps(text, ensure_ascii=False)


_HOOK = """{indent}- repo: local
{indent}  hooks:
{indent}    - id: playbook-check
{indent}      name: playbook check
{indent}      # every changed file is handed over: a changed model can make a page wrong
{indent}      entry: playbook check --changed-files
{indent}      language: system
{indent}      require_serial: true
"""


def hook_file(root: Path) -> Written | None:
    """The commit hook, beside those that are there; None when the file has it or cannot be added to."""
    path = root / HOOKS
    if not path.exists():
        return Written(HOOKS, "repos:\n" + _HOOK.format(indent="  "))
    try:
        before = path.read_text(encoding="utf-8")
        loaded = yaml.safe_load(before)
        repos = loaded["repos"]
        if "playbook check" in before or not isinstance(repos, list):
            return None
        for indent in ("  ", ""):
            text = before.rstrip("\n") + "\n" + _HOOK.format(indent=indent)
            # wherever the list stands: it is right when the hooks that were there are the same and ours comes after
            if _repos(text) == [*repos, *(yaml.safe_load(_HOOK.format(indent="")))]:
                return Written(HOOKS, text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError):
        return None
    return None


def _repos(text: str) -> object:
    try:
        return yaml.safe_load(text)["repos"]
    except (yaml.YAMLError, TypeError, KeyError):
        return None


_WORKFLOW = """# Holds the pages to the platform at each change: a changed model or job can make a page wrong.
name: playbook

on:
  pull_request:
  push:
    branches: [main]

permissions:
  contents: read

jobs:
  check:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v4
        with:
          persist-credentials: false
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      # the project's own environment, in which the platform is loaded
      - run: {install}
      # the checker, in one of its own
      - run: pipx install git+https://github.com/opensource-observer/dagster-playbook
      - run: playbook check --format github
"""
#: file -> how the environment is made from it, the first that is there
_INSTALLS = {
    "uv.lock": "pipx run uv sync",
    "poetry.lock": "pipx run poetry config virtualenvs.in-project true && pipx run poetry install",
    "requirements.txt": "python -m venv .venv && .venv/bin/pip install -r requirements.txt",
}


def workflow_file(root: Path) -> Written | None:
    """A workflow that checks every change; None when there is one already."""
    if (root / WORKFLOW).exists():
        return None
    default = "python -m venv .venv && .venv/bin/pip install -e ."
    install = next((command for name, command in _INSTALLS.items() if (root / name).is_file()), default)
    return Written(WORKFLOW, _WORKFLOW.format(install=install))
