"""The models that a change touches, by SQLMesh's own graph."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_playbook.facts.facts import Facts, ModelFact
from dagster_playbook.scaffold.change import Change, text_before
from dagster_playbook.scaffold.layout import Layout


def touched_models(facts: Facts, layout: Layout, change: Change) -> tuple[list[ModelFact], list[ModelFact]]:
    """The models whose files (or seed files) change, and those that read them, directly or not; by name.

    One file declares many external models: of those, the ones whose own entry changes.
    """
    seeds = {Path(path).stem for path in change.under(f"{layout.sqlmesh}/seeds", ".csv")}
    by_fqn = {model.fqn: model for model in facts.models.values()}
    same = _unchanged_external_models(layout, change)
    direct = {
        fqn: model
        for fqn, model in by_fqn.items()
        if (model.path in change.files and model.name not in same) or model.name.split(".")[-1] in seeds
    }
    downstream = [by_fqn[fqn] for fqn in _readers(by_fqn, set(direct)) - set(direct)]
    return sorted(direct.values(), key=lambda m: m.name), sorted(downstream, key=lambda m: m.name)


def _readers(models: Mapping[str, ModelFact], read: set[str]) -> set[str]:
    """The models that are read, and all that read them, directly or not."""
    readers: dict[str, list[str]] = {}
    for fqn, model in models.items():
        for parent in model.depends_on:
            readers.setdefault(parent, []).append(fqn)
    seen, queue = set(read), deque(read)
    while queue:
        for reader in readers.get(queue.popleft(), ()):
            if reader not in seen:
                seen.add(reader)
                queue.append(reader)
    return seen


def _unchanged_external_models(layout: Layout, change: Change) -> set[str]:
    """Names of the external models that stand in a changed file as they stood there before."""
    found: set[str] = set()
    for path in change.under(layout.sqlmesh, ".yaml"):
        file = layout.root / path
        if Path(path).name == "external_models.yaml" and file.is_file():
            before = _entries(text_before(layout.root, change, path))
            now = _entries(file.read_text(encoding="utf-8", errors="replace"))
            found |= {name for name, entry in now.items() if before.get(name) == entry}
    return found


def _entries(text: str) -> dict[str, Any]:
    """Name to entry of a file of external models; nothing of one that is none."""
    import yaml

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    entries = document if isinstance(document, list) else []
    return {str(entry["name"]): entry for entry in entries if isinstance(entry, dict) and "name" in entry}
