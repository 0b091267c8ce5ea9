"""Which models a run configuration restates, decided by SQLMesh's own selector before anything runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot.errors import SqlglotError
from sqlmesh.utils.errors import SQLMeshError

if TYPE_CHECKING:
    from sqlmesh import Context

    from .config import SQLMeshRunConfig

CATEGORY_TAG = "entity_category"
DEFAULT_CATEGORIES = ("project", "collection")


class RestatementError(Exception):
    """The configuration asks for something that cannot be meant; the message lists every problem."""


@dataclass(frozen=True, slots=True)
class Restatement:
    """A resolved restatement.

    Attributes:
        entries: the selectors as given, categories as `tag:entity_category=<category>`.
        models: names of the models that the entries select, sorted.
        affected: those that SQLMesh will restate: the selected ones and everything downstream, in topological order.
        start, end: the window as given, None when left to SQLMesh.
    """

    entries: tuple[str, ...]
    models: tuple[str, ...]
    affected: tuple[str, ...]
    start: str | None = None
    end: str | None = None


def resolve(context: Context, config: SQLMeshRunConfig, environment: str) -> Restatement | None:
    """The restatement that `config` asks for, or None when it asks for none.

    Raises:
        RestatementError: an entry matches nothing or does not parse, a category is on no model, options contradict
            each other, or `environment` does not hold a selected model.
    """
    problems = contradictions(config)
    entries = [*(config.restate_models or []), *category_entries(context, config, problems)]
    selected: set[str] = set()
    for entry in entries:
        found = matched(context, entry, problems)
        if found and not any(is_restatable(context, fqn) for fqn in found):
            problems.append(f"{entry!r} matches only models that SQLMesh never restates (seeds, disable_restatement)")
        selected |= found
    for entry in config.allow_destructive_models or []:
        matched(context, entry, problems)
    if problems:
        raise RestatementError("; ".join(problems))
    if not entries:
        return None
    missing = selected - in_environment(context, environment)
    if missing:
        listed = ", ".join(sorted(names(context, missing)))
        raise RestatementError(
            f"nothing to restate, {environment} does not hold {listed}; run sqlmesh_all_assets first"
        )
    return Restatement(
        entries=tuple(entries),
        models=tuple(sorted(names(context, selected))),
        affected=tuple(names(context, downstream_closure(context, selected))),
        start=config.start,
        end=config.end,
    )


def contradictions(config: SQLMeshRunConfig) -> list[str]:
    """Options that do not go together, each as a sentence."""
    problems = []
    restates = bool(config.restate_models) or config.restate_by_entity_category
    if config.restate_models is not None and not config.restate_models:
        problems.append("restate_models is an empty list; leave it out to restate nothing")
    if config.restate_entity_categories is not None and not config.restate_by_entity_category:
        problems.append("restate_entity_categories is given but restate_by_entity_category is false")
    if config.restate_entity_categories == []:
        problems.append("restate_entity_categories is an empty list; leave it out for project and collection")
    if (config.start or config.end) and not restates:
        problems.append("start and end need a restatement: SQLMesh plans production up to date without them")
    if config.restate_on_branch and not restates:
        problems.append("restate_on_branch needs a restatement: what is due is brought up to date in production")
    if config.use_dev_environment and restates:
        problems.append("use_dev_environment cannot go with a restatement: dev holds no version of its own to restate")
    return problems


def category_entries(context: Context, config: SQLMeshRunConfig, problems: list[str]) -> list[str]:
    """A tag selector for each wanted category; unknown ones are added to `problems`."""
    if not config.restate_by_entity_category:
        return []
    known = categories(context)
    wanted = config.restate_entity_categories
    wanted = list(DEFAULT_CATEGORIES) if wanted is None else wanted
    unknown = [category for category in wanted if category not in known]
    if unknown:
        problems.append(f"no model has the category {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
    return [f"tag:{CATEGORY_TAG}={category}" for category in wanted if category in known]


def categories(context: Context) -> set[str]:
    """Every category that a model of the project is tagged with."""
    prefix = f"{CATEGORY_TAG}="
    return {tag.removeprefix(prefix) for m in context.models.values() for tag in m.tags if tag.startswith(prefix)}


def matched(context: Context, entry: str, problems: list[str]) -> set[str]:
    """Fully-qualified names that one entry selects; why there are none is added to `problems`."""
    try:
        # SQLMesh has no public door to its selector; `plan --restate-model` goes through this one.
        found: set[str] = context._new_selector().expand_model_selections([entry])
    except (SQLMeshError, SqlglotError) as error:
        problems.append(f"{entry!r} is not a selector: {str(error).splitlines()[0]}")
        return set()
    if not found:
        problems.append(f"{entry!r} matches no model")
    return found


def downstream_closure(context: Context, selected: Iterable[str]) -> list[str]:
    """What SQLMesh restates for the selected models, topologically sorted; seeds and external tables left out."""
    reached: set[str] = set()
    order = [fqn for fqn in context.dag.sorted if fqn in context.models]
    chosen = set(selected)
    for fqn in order:
        if (fqn in chosen or (context.models[fqn].depends_on or set()) & reached) and is_restatable(context, fqn):
            reached.add(fqn)
    return [fqn for fqn in order if fqn in reached and not context.models[fqn].kind.is_external]


def is_restatable(context: Context, fqn: str) -> bool:
    """False for what SQLMesh passes over in silence: seeds, and kinds like SCD type 2 that disable restatement."""
    model = context.models[fqn]
    return not (model.kind.is_seed or model.disable_restatement)


def in_environment(context: Context, environment: str) -> set[str]:
    """Fully-qualified names of what SQLMesh's state says the environment holds."""
    found = context.state_reader.get_environment(environment)
    return {snapshot.name for snapshot in found.snapshots} if found else set()


def names(context: Context, fqns: Iterable[str]) -> list[str]:
    """Model names as the project writes them, in the given order."""
    return [context.models[fqn].name for fqn in fqns]
