"""Command trees as facts: the real click and typer applications, asked without running any of them."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import click

from dagster_playbook.errors import PlatformError
from dagster_playbook.facts.facts import CommandFact, OptionFact

#: a console script often is a plain function; its application stands beside it under one of these names
_APPLICATION_NAMES = ("cli", "group", "app")


def command_name(spec: str) -> str:
    """The word that a shell block starts with: `shopctl` of `shopctl=shop.tool:cli`."""
    return spec.partition("=")[0]


@dataclass(frozen=True, slots=True)
class CommandTrees:
    """Command trees as far as they can be read.

    Attributes:
        trees: by the word that a shell block starts with.
        unread: the same word to why its tree cannot be read here, and what would help.
        absent: those of `unread` that no installed distribution has.
    """

    trees: dict[str, CommandFact] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()


def read_commands(specs: Iterable[str]) -> CommandTrees:
    """The command tree of each entry of the setting `commands`; one that cannot be read does not keep the others."""
    trees: dict[str, CommandFact] = {}
    unread: dict[str, str] = {}
    absent: list[str] = []
    for spec in specs:
        name = command_name(spec)
        try:
            trees[name] = _tree(spec)
        except PlatformError as error:
            unread[name] = f"{error.message}; {error.cure}"
            if isinstance(error, _AbsentError):
                absent.append(name)
    return CommandTrees(trees, unread, tuple(absent))


class _AbsentError(PlatformError):
    """No installed distribution has the command."""


def _tree(spec: str) -> CommandFact:
    name = command_name(spec)
    application = _application(spec)
    try:
        return command_fact(application, name)
    except Exception as error:
        message = f"the command {name!r} cannot be read: {type(error).__name__}: {' '.join(str(error).split())}"
        raise PlatformError(message, cure=f"make `{name} --help` and its sub-commands' work") from error


def command_fact(command: click.Command, name: str, parent: click.Context | None = None) -> CommandFact:
    """One command with everything below it."""
    context = click.Context(command, info_name=name, parent=parent, **_context_settings(command))
    parameters = command.get_params(context)
    arguments = [item for item in parameters if isinstance(item, click.Argument)]
    subcommands: dict[str, CommandFact] = {}
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            if (found := command.get_command(context, child)) is not None:
                subcommands[child] = command_fact(found, child, context)
    unlimited = any(item.nargs == -1 for item in arguments) or (context.allow_extra_args and not subcommands)
    return CommandFact(
        name=name,
        options=tuple(_option(item) for item in parameters if isinstance(item, click.Option)),
        min_arguments=sum(max(item.nargs, 1) for item in arguments if item.required),
        max_arguments=-1 if unlimited else sum(item.nargs for item in arguments),
        argument_choices=tuple(_choices(item.type) for item in arguments),
        argument_types=tuple(_type(item.type) for item in arguments),
        subcommands=subcommands,
        help=command.get_short_help_str(limit=200),
        hidden=command.hidden,
    )


def _option(option: click.Option) -> OptionFact:
    return OptionFact(
        names=(*option.opts, *option.secondary_opts),
        takes_value=not (option.is_flag or option.count),
        choices=_choices(option.type),
        multiple=option.multiple,
        required=option.required,
        values=0 if option._flag_needs_value else max(option.nargs, 1),
        type="" if option.is_flag or option.count else _type(option.type),
        minimum=_bound(option.type, "min"),
        maximum=_bound(option.type, "max"),
        formats=tuple(option.type.formats) if isinstance(option.type, click.DateTime) else (),
        ignores_case=isinstance(option.type, click.Choice) and not option.type.case_sensitive,
        hidden=option.hidden,
        default=_default(option),
    )


def _default(option: click.Option) -> str:
    """A default that is a plain value and does not change with the machine; a flag has none to speak of."""
    value = None if option.is_flag or option.count or option.multiple else option.default
    value = getattr(value, "value", value)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


#: classes of click's own types, without those that the project has made from them: a subclass may take more
_TYPES: dict[type, str] = {
    click.types.IntParamType: "integer",
    click.IntRange: "integer",
    click.types.FloatParamType: "number",
    click.FloatRange: "number",
    click.types.BoolParamType: "boolean",
    click.DateTime: "date",
    click.types.UUIDParameterType: "uuid",
    click.Path: "path",
    click.File: "path",
}


def _type(kind: Any) -> str:
    return _TYPES.get(type(kind), "")


def _bound(kind: Any, name: str) -> float | None:
    """A bound that click refuses to go over; one that it clamps to is no refusal, an open one is left out."""
    if not isinstance(kind, click.IntRange | click.FloatRange) or kind.clamp or getattr(kind, f"{name}_open"):
        return None
    bound = getattr(kind, name)
    return None if bound is None else float(bound)


def _choices(kind: Any) -> tuple[str, ...]:
    if not isinstance(kind, click.Choice):
        return ()
    return tuple(str(getattr(choice, "value", choice)) for choice in kind.choices)


def _context_settings(command: click.Command) -> dict[str, Any]:
    known = ("help_option_names", "ignore_unknown_options", "allow_extra_args")
    return {key: value for key, value in command.context_settings.items() if key in known}


def _application(spec: str) -> click.Command:
    name, _, target = spec.partition("=")
    cure = f'write commands = ["{name}=module:attribute", ...] with a click or typer application, or leave {name!r} out'
    module, _, attribute = (target or _console_script(name, cure)).partition(":")
    try:
        loaded = importlib.import_module(module)
    except (Exception, SystemExit) as error:
        told = " ".join(str(error).split())
        message = f"the command {name!r} cannot be read: {module} does not import: {type(error).__name__}: {told}"
        raise PlatformError(message, cure=cure) from error
    candidates = (attribute,) if target else (attribute, *_APPLICATION_NAMES)
    for candidate in candidates:
        if (application := _click_command(getattr(loaded, candidate, None))) is not None:
            return application
    message = f"the command {name!r} is no click or typer application: {module}:{attribute}"
    raise PlatformError(message, cure=cure)


def _click_command(candidate: Any) -> click.Command | None:
    if isinstance(candidate, click.Command):
        return candidate
    if hasattr(candidate, "registered_commands"):
        command: click.Command = importlib.import_module("typer.main").get_command(candidate)
        return command
    return None


def _console_script(name: str, cure: str) -> str:
    from importlib.metadata import entry_points

    for entry in entry_points(group="console_scripts", name=name):
        return entry.value
    raise _AbsentError(f"no installed distribution has a command {name!r}", cure=cure)
