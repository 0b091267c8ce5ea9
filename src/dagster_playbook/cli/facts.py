"""`playbook facts`: what the platform is, as the pages are held to it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dagster_playbook.facts.facts import Facts

if TYPE_CHECKING:
    from rich.table import Table

    from dagster_playbook.settings import Settings

Row = tuple[str, ...]
_OUTPUT_HELP = "Write all of it to a file for `playbook check --facts`, with the answers that checks have kept."


def _models(facts: Facts) -> Iterable[Row]:
    for model in facts.models.values():
        place = f"{model.path}:{model.line}"
        yield model.name, model.kind, model.cron, str(len(model.columns)), ", ".join(model.tags), place


def _jobs(facts: Facts) -> Iterable[Row]:
    for job in facts.jobs.values():
        shown = ", ".join(job.ops[:4]) + (f" and {len(job.ops) - 4} more" if len(job.ops) > 4 else "")
        yield job.name, shown, ", ".join(f"{key}={value}" for key, value in job.tags.items())


def _config(facts: Facts) -> Iterable[Row]:
    for op, key in facts.ops.items():
        if key in facts.config_types:
            for item in facts.config_types[key].fields:
                yield op, item.name, "required" if item.is_required else item.default, item.description


def _assets(facts: Facts) -> Iterable[Row]:
    for asset in facts.assets.values():
        yield asset.key, asset.op, asset.group, ", ".join(asset.kinds)


def _catalogs(facts: Facts) -> Iterable[Row]:
    for catalog in facts.catalogs.values():
        yield catalog.name, catalog.ref, catalog.type, catalog.path


def _refs(facts: Facts) -> Iterable[Row]:
    for ref in facts.refs.values():
        yield ref.name, ref.kind.lower(), ref.hash


def _commands(facts: Facts) -> Iterable[Row]:
    for name, command in facts.commands.items():
        yield name, ", ".join(command.subcommands)
    if facts.make_targets:
        yield "make", ", ".join(facts.make_targets)


def _values(facts: Facts) -> Iterable[Row]:
    for key, value in facts.values.items():
        yield key, value if isinstance(value, str) else json.dumps(value), facts.origins.get(key, "")


def _versions(facts: Facts) -> Iterable[Row]:
    yield from facts.versions.items()


#: section -> (headings, its rows); the order is the order of the output.
SECTIONS: dict[str, tuple[Row, Callable[[Facts], Iterable[Row]]]] = {
    "models": (("model", "kind", "cron", "columns", "tags", "defined in"), _models),
    "jobs": (("job", "ops", "tags"), _jobs),
    "config": (("op", "config field", "default", "description"), _config),
    "assets": (("asset", "op", "group", "kinds"), _assets),
    "catalogs": (("catalog", "reference", "type", "defined in"), _catalogs),
    "refs": (("reference", "kind", "hash"), _refs),
    "commands": (("command", "sub-commands"), _commands),
    "values": (("fact", "value", "from"), _values),
    "versions": (("distribution", "version"), _versions),
}
#: the keys of `Facts.as_dict()` that a section stands for
_KEYS: dict[str, Row] = {
    "jobs": ("jobs", "ops", "resources", "sensors", "schedules", "system_tags"),
    "config": ("ops", "config_types"),
    "commands": ("commands", "make_targets"),
    "values": ("values", "origins"),
}


@click.command()
@click.option(
    "--format", "output", type=click.Choice(["table", "json"]), default="table", help="For people or machines."
)
@click.option(
    "--section", "sections", type=click.Choice(list(SECTIONS)), multiple=True, help="Only this section; repeatable."
)
@click.option(
    "--project",
    type=click.Path(path_type=Path),
    default=Path(),
    help="The folder with pyproject.toml, or one below it; default: here.",
)
@click.option("--no-cache", is_flag=True, help="Read the platform anew even if nothing changed.")
@click.option("--output", "file", type=click.Path(path_type=Path), metavar="FILE", help=_OUTPUT_HELP)
def command(output: str, sections: tuple[str, ...], project: Path, no_cache: bool, file: Path | None) -> None:
    """Print what the platform is: models, jobs, config, catalogs, commands, versions.

    These are the facts that every page is held to, read from the real SQLMesh project, the real Dagster code
    location and the files that the services start with. They are kept until one of their sources changes.

    \b
    Examples:
      playbook facts --section models
      playbook facts --section values | grep retries
      playbook facts --output facts.json
      playbook facts --format json | jq '.values["dagster.run_retries.max_retries"]'
    """
    from dagster_playbook.platform.loader import load_facts
    from dagster_playbook.settings import find_root, load_settings

    settings = load_settings(find_root(project))
    facts = load_facts(settings, use_cache=not no_cache, progress=lambda text: click.echo(f"{text} ...", err=True))
    if file is not None:
        if sections:
            raise click.UsageError("--output writes all of the facts; leave --section out")
        _write(settings, facts, file)
        return
    if output == "json":
        click.echo(json.dumps(_selected(facts, sections), indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    # a pipe has no width: nothing is folded there, so that grep finds whole names
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 2000)
    for name in sections or SECTIONS:
        if (table := _table(name, facts)) is not None:
            console.print(table)
    console.print(f"fingerprint {facts.fingerprint}")


def _write(settings: Settings, facts: Facts, file: Path) -> None:
    """Write the facts, with what their authorities have answered about texts so far."""
    from dagster_playbook.facts.facts_file import Recorded, write_facts
    from dagster_playbook.platform.answers import kept_answers

    answers = kept_answers(settings.root / settings.cache, facts.fingerprint)
    write_facts(file, Recorded(facts, answers))
    told = f"{len(facts.models)} models, {len(facts.jobs)} jobs and {answers.count()} answers"
    click.echo(f"{told} in {file}, fingerprint {facts.fingerprint}", err=True)


def _selected(facts: Facts, sections: tuple[str, ...]) -> dict[str, Any]:
    told = facts.as_dict()
    if not sections:
        return told
    wanted = {key for section in sections for key in _KEYS.get(section, (section,))}
    return {key: value for key, value in told.items() if key in wanted | {"fingerprint"}}


def _table(name: str, facts: Facts) -> Table | None:
    from rich.markup import escape
    from rich.table import Table

    headings, rows_of = SECTIONS[name]
    rows = list(rows_of(facts))
    if not rows:
        return None
    table = Table(title=f"{name} ({len(rows)})", title_justify="left", header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    return table
