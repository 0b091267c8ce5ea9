"""Mutations of command trees that the project itself makes: an option that gets another name, or is gone.

The changed program is imported in a process of its own, from the copy, and its click tree read by the platform's own
reader; everything else of the facts stays as it was, for nothing else can depend on it.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from dagster_playbook.drift.ground import Ground, Part, Stretch
from dagster_playbook.drift.model import Edit, Mutation, Operator, Place, Reload, Target
from dagster_playbook.drift.platform_edits import node_span, platform_mutation, tree_of
from dagster_playbook.errors import PlatformError
from dagster_playbook.facts.codec import facts_from
from dagster_playbook.facts.facts import Facts

_TIMEOUT_S = 60
_READ = (
    "import dataclasses, json, sys; from dagster_playbook.workers.commands_reader import read_commands; "
    "told = read_commands(sys.argv[1:]); told.unread and sys.exit('; '.join(told.unread.values())); "
    "print(json.dumps({n: dataclasses.asdict(c) for n, c in told.trees.items()}))"
)


def own_trees(root: Path, commands: tuple[str, ...]) -> Iterator[tuple[str, Path, Path]]:
    """The console scripts whose package stands in the project: name, folder on the path, folder of the sources.

    An environment below the project, such as .venv, is not the project's own.
    """
    from importlib.metadata import entry_points

    for name in commands:
        for entry in entry_points(group="console_scripts", name=name):
            module = entry.value.partition(":")[0]
            found = importlib.util.find_spec(module.partition(".")[0])
            package = Path(found.origin).parent if found and found.origin else None
            is_installed = package is not None and {"site-packages", "dist-packages"} & set(package.parts)
            if package is not None and package.is_relative_to(root) and not is_installed:
                inside = root / Path(*package.relative_to(root).parts) / "cli"
                yield name, package.parent, inside if inside.is_dir() else package


def read_changed(facts: Facts, copy: Path, command: str, folder: str) -> Facts:
    """The facts with the tree of one command as the copy makes it.

    Raises:
        PlatformError: the changed program cannot be imported or its tree not be read.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-c", _READ, command],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy / folder)},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        told = done.stderr.strip().splitlines()
        raise PlatformError(f"the changed command {command!r} does not load: {told[-1] if told else 'no message'}")
    raw = facts.as_dict()
    raw["commands"] = {**raw["commands"], **json.loads(done.stdout)}
    return facts_from(raw)


@dataclass(frozen=True)
class Option:
    """An option of the project's own command."""

    kind: str
    remove: bool
    target: Target = Target.PLATFORM

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each `--option` that a decorator of a command's module declares and a page mentions."""
        root = ground.origin
        for command, folder, sources in own_trees(root, ground.settings.commands):
            for source in sorted(sources.rglob("*.py")):
                path = source.relative_to(root).as_posix()
                for node, option in _declared(ground, path):
                    wrong = tuple(dict.fromkeys(_mentions(ground, command, source.stem, option)))
                    text = ground.source(path)
                    start, end = node_span(text, node)
                    if self.remove:
                        edit = Edit(path, text.rfind("@", 0, start), end, "")
                        what = f"option `{option}` of `{command} {source.stem}` is gone"
                    else:
                        at = text.index(option, start)
                        edit = Edit(path, at, at + len(option), f"{option}-now")
                        what = f"option `{option}` of `{command} {source.stem}` -> `{option}-now`"
                    made = platform_mutation(ground, self.kind, what, [edit], wrong)
                    where = folder.relative_to(root).as_posix()
                    yield replace(made, reload=Reload.COMMANDS, command=f"{command} {where}")


def _declared(ground: Ground, path: str) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree_of(ground, path)):
        for decorator in node.decorator_list if isinstance(node, ast.FunctionDef) else []:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("option"):
                names = [a.value for a in decorator.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                yield from ((decorator, name) for name in names[:1] if name.startswith("--") and "/" not in name)


def _mentions(ground: Ground, command: str, subcommand: str, option: str) -> Iterator[Place]:
    """Command lines that give the option to that sub-command."""
    for stretch in ground.stretches:
        if stretch.part in (Part.CODE, Part.SPAN) and _gives(stretch, command, subcommand, option):
            yield stretch.place


def _gives(stretch: Stretch, command: str, subcommand: str, option: str) -> bool:
    words = [word.partition("=")[0] for word in stretch.text.split()]
    return words[:2] == [command, subcommand] and option in words


OPERATORS: tuple[Operator, ...] = (Option("rename-option", remove=False), Option("remove-option", remove=True))
