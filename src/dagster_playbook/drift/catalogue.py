"""Every operator, and which of their mutations a run makes: the same ones for the same seed and the same project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from dagster_playbook.drift import (
    controls,
    page_blocks,
    page_names,
    page_runbook,
    page_yaml,
    platform_commands,
    platform_dagster,
    platform_services,
    platform_sqlmesh,
)
from dagster_playbook.drift.ground import Ground
from dagster_playbook.drift.model import Mutation, Operator, Reload, Target

OPERATORS: tuple[Operator, ...] = (
    *page_names.OPERATORS,
    *page_yaml.OPERATORS,
    *page_blocks.OPERATORS,
    *page_runbook.OPERATORS,
    *platform_dagster.OPERATORS,
    *platform_sqlmesh.OPERATORS,
    *platform_services.OPERATORS,
    *platform_commands.OPERATORS,
    *controls.OPERATORS,
)
#: one of so many mutations changes the platform; a control is added for so many mutations
PLATFORM_EVERY = 8
CONTROL_EVERY = 10


@dataclass(frozen=True, slots=True)
class Selection:
    """What a run makes.

    `unmentioned` counts the changes of the platform that make nothing wrong that any page says: equivalent by
    definition, known without a run.
    """

    mutations: tuple[Mutation, ...]
    unmentioned: int


def select(ground: Ground, seed: int, count: int, kinds: Sequence[str] = ()) -> Selection:
    """Choose `count` mutations and their controls, each kind as often as any other as far as it has sites."""
    by_target: dict[Target, list[list[Mutation]]] = {target: [] for target in Target}
    unmentioned = 0
    for operator in OPERATORS:
        if kinds and operator.kind not in kinds:
            continue
        random = Random(f"{seed} {operator.kind}")  # noqa: S311 - a reproducible choice, no secret
        sites = sorted(operator.sites(ground, random), key=Mutation.sort_key)
        effective = [m for m in sites if m.pages]
        unmentioned += len(sites) - len(effective)
        random.shuffle(effective)
        effective.sort(key=lambda mutation: not mutation.wrong)
        by_target[operator.target].append(effective)
    controls_wanted = max(count // CONTROL_EVERY, 1)
    platform = _round_robin(by_target[Target.PLATFORM], count // PLATFORM_EVERY if not kinds else count)
    pages = _round_robin(by_target[Target.PAGE], count - len(platform))
    controls_chosen = _round_robin(by_target[Target.CONTROL], controls_wanted)
    chosen = [*pages, *controls_chosen, *platform]
    return Selection(tuple(sorted(chosen, key=_cost)), unmentioned)


def _round_robin(groups: Iterable[list[Mutation]], wanted: int) -> list[Mutation]:
    queues = [list(reversed(group)) for group in groups if group]
    chosen: list[Mutation] = []
    while queues and len(chosen) < wanted:
        for queue in list(queues):
            if len(chosen) == wanted:
                break
            chosen.append(queue.pop())
            if not queue:
                queues.remove(queue)
    return chosen


def _cost(mutation: Mutation) -> int:
    """Changes of pages first, then of what plain files say, of the code location, of the models.

    Each keeps loaded what the ones before it have not touched.
    """
    if mutation.reload is not Reload.PLATFORM:
        return int(mutation.reload is Reload.COMMANDS)
    order = (platform_services, platform_dagster, platform_sqlmesh)
    kinds_of = [{operator.kind for operator in module.OPERATORS} for module in order]
    return next((2 + at for at, known in enumerate(kinds_of) if mutation.kind in known), 3)


def kinds() -> list[str]:
    """The names of all kinds, in order."""
    return [operator.kind for operator in OPERATORS]
