"""Command trees are those of the real applications."""

from __future__ import annotations

import click
import pytest

from dagster_playbook.facts.facts import Facts, OptionFact
from dagster_playbook.workers.commands_reader import command_fact, read_commands


def test_options_say_what_they_take(sample_facts: Facts) -> None:
    """Choices, flags with two spellings, repeatable options and help are told apart."""
    command = sample_facts.commands["shopctl"].subcommands["count"]
    assert command.options == (
        OptionFact(("--format",), takes_value=True, choices=("text", "json"), default="text"),
        OptionFact(("--tag",), takes_value=True, multiple=True),
        OptionFact(("--yes", "-y", "--no"), takes_value=False),
        OptionFact(("--help",), takes_value=False),
    )


def test_arguments_are_counted(sample_facts: Facts) -> None:
    """A command with one argument takes exactly one; SQLMesh's environment is optional."""
    count = sample_facts.commands["shopctl"].subcommands["count"]
    plan = sample_facts.commands["sqlmesh"].subcommands["plan"]
    assert (count.min_arguments, count.max_arguments) == (1, 1)
    assert (plan.min_arguments, plan.max_arguments) == (0, 1)


@pytest.mark.parametrize(
    ("path", "option"),
    [
        (("sqlmesh", "plan"), "--restate-model"),
        (("sqlmesh",), "--gateway"),
        (("dagster", "definitions", "validate"), "--module-name"),
        (("dagster", "dev"), "--port"),
    ],
)
def test_real_options_are_there(sample_facts: Facts, path: tuple[str, ...], option: str) -> None:
    """The trees of SQLMesh and Dagster reach down to the options that pages show."""
    command = sample_facts.commands[path[0]]
    for name in path[1:]:
        command = command.subcommands[name]
    assert option in {name for item in command.options for name in item.names}


def test_arguments_without_limit() -> None:
    """`nargs=-1` is no upper limit."""

    @click.command()
    @click.argument("first")
    @click.argument("rest", nargs=-1)
    def many(first: str, rest: tuple[str, ...]) -> None:
        """Take many."""

    fact = command_fact(many, "many")
    assert (fact.min_arguments, fact.max_arguments) == (1, -1)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("nosuchcommand", "no installed distribution has a command 'nosuchcommand'"),
        ("x=nosuchmodule:cli", "nosuchmodule does not import"),
        ("x=json:dumps", "is no click or typer application"),
        ("x=click:nothing", "is no click or typer application"),
    ],
)
def test_a_command_that_cannot_be_read_keeps_none_of_the_others(spec: str, words: str) -> None:
    """A name in the settings that leads nowhere is told with a cure, beside the trees that can be read."""
    told = read_commands(["sqlmesh", spec])
    name = spec.partition("=")[0]
    assert list(told.trees) == ["sqlmesh"]
    assert words in told.unread[name]
    assert "commands = " in told.unread[name]
    assert (name in told.absent) == (name == "nosuchcommand")


def test_types_of_values_are_the_programs_own() -> None:
    """Numbers with their bounds, dates with their forms, choices without case; the project's own types are any."""

    class Own(click.IntRange):
        """Takes more than a number."""

    command = click.Command(
        "x",
        params=[
            click.Option(["--port"], type=click.IntRange(1, 65535)),
            click.Option(["--share"], type=click.FloatRange(0, 1, max_open=True)),
            click.Option(["--day"], type=click.DateTime(["%Y-%m-%d"])),
            click.Option(["--mode"], type=click.Choice(["A"], case_sensitive=False)),
            click.Option(["--own"], type=Own(1)),
            click.Option(["-v"], count=True),
            click.Argument(["number"], type=int),
        ],
    )
    port, share, day, mode, own, verbose, _ = command_fact(command, "x").options
    assert (port.type, port.minimum, port.maximum) == ("integer", 1, 65535)
    assert (share.type, share.minimum, share.maximum) == ("number", 0, None)
    assert (day.type, day.formats) == ("date", ("%Y-%m-%d",))
    assert (mode.ignores_case, own.type, verbose.type) == (True, "", "")
    assert command_fact(command, "x").argument_types == ("integer",)
