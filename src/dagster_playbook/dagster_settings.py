"""The code location that Dagster's own settings name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any


def dagster_tables(folder: Path) -> Iterator[dict[str, str]]:
    """The code location that Dagster's own settings in a folder name, as `[[tool.playbook.dagster]]` would.

    They are `[tool.dagster]` and `[tool.dg.project]` of pyproject.toml, and `[project]` of dg.toml.
    """
    tools = _toml(folder / "pyproject.toml").get("tool", {})
    named = tools.get("dagster", {}) if isinstance(tools, dict) else {}
    if isinstance(named, dict) and isinstance(named.get("module_name"), str):
        yield {"module": named["module_name"], "working_directory": str(named.get("working_directory", "."))}
        return
    dg = tools.get("dg", {}) if isinstance(tools, dict) else {}
    for project in (dg.get("project") if isinstance(dg, dict) else None, _toml(folder / "dg.toml").get("project")):
        if isinstance(project, dict) and isinstance(project.get("root_module"), str):
            module = project["root_module"]
            is_in_src = (folder / "src" / module.replace(".", "/")).is_dir()
            place = {"working_directory": "src"} if is_in_src else {}
            yield {"module": str(project.get("code_location_target_module", f"{module}.definitions")), **place}
            return


def _toml(path: Path) -> dict[str, Any]:
    """A TOML file as plain data; nothing when it cannot be read."""
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}
