"""What the platform knows of a name, in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dagster_playbook.facts.facts import ConfigFieldFact, Facts, ModelFact
from dagster_playbook.lsp.completion import type_words
from dagster_playbook.rules import reference
from dagster_playbook.rules.world import World

_SHOWN_COLUMNS = 20


def describe(word: str, world: World) -> str:
    """Everything that the name is on the platform, "" when it is nothing."""
    return "\n\n---\n\n".join(text for about in _ABOUT for text in about(word, world))


def fact_value(key: str, facts: Facts) -> str:
    """What a bound fact says and where that comes from, "" when there is no such fact."""
    if key not in facts.values:
        return ""
    origin = facts.origins.get(key, "the platform")
    return f"**fact** `{key}`\n\n`{facts.values[key]}`, from {origin}"


def _model(word: str, world: World) -> Iterator[str]:
    model = world.model(word) or world.model(f"{world.conventions.schema}.{word}")
    if model is not None:
        yield _model_text(model)


def _model_text(model: ModelFact) -> str:
    shown = list(model.columns.items())[:_SHOWN_COLUMNS]
    rows = "\n".join(f"| `{name}` | {kind} |" for name, kind in shown)
    more = f"\n\n... and {len(model.columns) - len(shown)} more" if len(model.columns) > len(shown) else ""
    tags = f", tags {', '.join(f'`{tag}`' for tag in model.tags)}" if model.tags else ""
    head = f"**model** `{model.name}` ({model.kind}, {model.cron}{tags})"
    about = f"\n\n{model.description}" if model.description else ""
    return f"{head}{about}\n\n| column | type |\n|---|---|\n{rows}{more}\n\n{model.path}:{model.line}"


def _job(word: str, world: World) -> Iterator[str]:
    job = world.facts.jobs.get(word)
    if job is not None:
        ops = ", ".join(f"`{op}`" for op in job.ops)
        tags = "".join(f"\n- `{key}`: {value}" for key, value in job.tags.items())
        yield f"**job** `{job.name}`\n\n{job.description}\n\nops: {ops}{tags}"


def _op(word: str, world: World) -> Iterator[str]:
    if word in world.facts.ops:
        kind = world.facts.config_types.get(world.facts.ops[word])
        fields = "\n".join(f"- {_field(field, world.facts)}" for field in (kind.fields if kind else ()))
        yield f"**op** `{word}`\n\n{fields or 'takes no config of its own'}"


def _config_key(word: str, world: World) -> Iterator[str]:
    known: dict[str, None] = {}
    for kind in world.facts.config_types.values():
        for field in kind.fields:
            if field.name == word:
                known[_field(field, world.facts)] = None
    if known and word not in world.facts.ops:
        yield "**config key**\n\n" + "\n".join(f"- {text}" for text in list(known)[:4])


def _field(field: ConfigFieldFact, facts: Facts) -> str:
    default = f", default `{field.default}`" if field.default else ""
    must = ", required" if field.is_required else ""
    about = f": {field.description}" if field.description else ""
    return f"`{field.name}` {type_words(field.type_key, facts)}{must}{default}{about}"


def _service(word: str, world: World) -> Iterator[str]:
    catalog = world.facts.catalogs.get(word)
    if catalog is not None:
        yield f"**catalog** `{word}`: reads `{catalog.ref}`, type {catalog.type}\n\n{catalog.path}"
    ref = world.facts.refs.get(word)
    if ref is not None:
        yield f"**reference** `{word}`: {ref.kind.lower()}"


def _tag(word: str, world: World) -> Iterator[str]:
    carriers = world.conventions.meanings.carriers(word) if word in world.categories else ()
    tag = word if word in world.tags else next((tag for tag in carriers if tag in world.tags), "")
    if tag:
        models = [model.name for model in world.facts.models.values() if tag in model.tags]
        shown = ", ".join(f"`{name}`" for name in models[:_SHOWN_COLUMNS])
        yield f"**tag** `{tag}` of {len(models)} models\n\n{shown}"


def _value(word: str, world: World) -> Iterator[str]:
    if text := fact_value(word, world.facts):
        yield text


def _rule(word: str, _: World) -> Iterator[str]:
    if advice := reference.advice_of(word):
        yield advice


_ABOUT: tuple[Callable[[str, World], Iterator[str]], ...] = (
    _job,
    _op,
    _model,
    _config_key,
    _service,
    _tag,
    _value,
    _rule,
)
