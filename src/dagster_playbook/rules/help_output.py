"""SH: help that a page quotes, and lists that document a command, against the real command tree."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from dagster_playbook.claims.help_text import HelpOption, HelpText, Placed, read_help
from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.claims.shell import output_blocks
from dagster_playbook.claims.wrappers import unwrapped
from dagster_playbook.facts.facts import CommandFact, OptionFact
from dagster_playbook.findings import Finding, Rule
from dagster_playbook.location import Location
from dagster_playbook.rules.extraction import NOT_UNDERSTOOD
from dagster_playbook.rules.programs import programs_of
from dagster_playbook.rules.world import World, did_you_mean

KINDS = frozenset({Kind.HELP})

DIFFERS = Rule("SH613", "help-differs", "Help or a reference of a command that says what the command does not have.")
INCOMPLETE = Rule("SH614", "reference-incomplete", "A reference of a command that leaves out what the command has.")

RULES = (DIFFERS, INCOMPLETE)

_OF_ALL = frozenset({"--help", "-h", "-?", "--version", "--install-completion", "--show-completion"})
_NAMED_IN_MESSAGE = 6


def check(claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of a block that is the help of a program."""
    told = read_help(list(enumerate(claim.text.split("\n"), 1)))
    program = told.usage[0].text if told.usage else ""
    if program not in world.facts.commands:
        yield NOT_UNDERSTOOD.finding(
            claim.location,
            f"the block shows the usage of {program!r}, which is none of the programs that are held to; "
            "name it in `commands`, or exempt the block with a reason",
            subject=program,
            severity=world.doubtful,
        )
        return
    yield from _help(told, claim, world)


def quoted_findings(claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of the help that a console block shows below a command that asks for it."""
    for words, lines in output_blocks(claim.text, programs_of(world)):
        command = unwrapped(words).words
        asks = any(word.text in ("--help", "-h") for word in command)
        if not asks or not command or command[0].text not in world.facts.commands:
            continue
        named = [word.text for word in command[1:] if not word.text.startswith("-")]
        yield from _help(read_help(lines), claim, world, [command[0].text, *named])


def follow(words: Sequence[str], world: World) -> tuple[CommandFact, str, int] | None:
    """The command that words name, its path, and how many words that took; None for no program that is known."""
    command = world.facts.commands.get(words[0]) if words else None
    if command is None:
        return None
    taken = 1
    while taken < len(words) and words[taken] in command.subcommands:
        command = command.subcommands[words[taken]]
        taken += 1
    return command, " ".join(words[:taken]), taken


def _help(told: HelpText, claim: Claim, world: World, asked: Sequence[str] = ()) -> Iterator[Finding]:
    words = [word.text for word in told.usage] or list(asked)
    found = follow(words, world)
    if found is None:
        return
    command, path, taken = found
    rest = told.usage[taken:]
    if command.subcommands and rest and re.fullmatch(r"[a-z][\w-]*", rest[0].text):
        message = f"{path} has no sub-command {rest[0].text!r}{did_you_mean(rest[0].text, command.subcommands)}"
        yield _differs(rest[0], message, path, claim)
        return
    yield from _usage(rest, command, path, claim)
    for option in told.options:
        yield from _option(option, command, path, claim)
    for listed in told.commands:
        if listed.text not in command.subcommands:
            message = f"{path} has no sub-command {listed.text!r}{did_you_mean(listed.text, command.subcommands)}"
            yield _differs(listed, message, path, claim)
    if told.is_whole:
        where = _placed(told.usage[0], claim) if told.usage else claim.at(1, 1)
        options = [name.text for option in told.options for name in option.names]
        if told.has_options:
            yield from missing_options(options, command, path, where, world)
        if told.has_commands:
            yield from missing_commands([item.text for item in told.commands], command, path, where, world)


def missing_options(
    told: Collection[str], command: CommandFact, path: str, where: Location, world: World
) -> Iterator[Finding]:
    """That a list leaves options of the command out."""
    missing = [
        max(option.names, key=len)
        for option in command.options
        if not (option.hidden or set(option.names) & set(told) or set(option.names) <= _OF_ALL)
    ]
    yield from _incomplete(missing, "option", path, where, world)


def missing_commands(
    told: Collection[str], command: CommandFact, path: str, where: Location, world: World
) -> Iterator[Finding]:
    """That a list leaves sub-commands of the command out."""
    missing = [name for name, child in command.subcommands.items() if not child.hidden and name not in told]
    yield from _incomplete(missing, "sub-command", path, where, world)


def _incomplete(missing: list[str], kind: str, path: str, where: Location, world: World) -> Iterator[Finding]:
    if missing:
        more = f" and {len(missing) - _NAMED_IN_MESSAGE} more" if len(missing) > _NAMED_IN_MESSAGE else ""
        what = f"the {kind} {missing[0]}" if len(missing) == 1 else f"{len(missing)} {kind}s"
        names = "" if len(missing) == 1 else f": {', '.join(missing[:_NAMED_IN_MESSAGE])}{more}"
        message = f"this leaves out {what} of {path}{names}"
        yield INCOMPLETE.finding(where, message, subject=missing[0], evidence=f"{path} --help", severity=world.doubtful)


def _usage(rest: list[Placed], command: CommandFact, path: str, claim: Claim) -> Iterator[Finding]:
    """The arguments of the usage line, in click's notation; any other notation says nothing here."""
    words = [word for word in rest if word.text not in ("[OPTIONS]", "[options]")]
    texts = [word.text for word in words]
    if not rest or not all(re.fullmatch(r"\[?[A-Z][A-Z0-9_]*\]?(?:\.\.\.)?", text) for text in texts):
        return
    if command.subcommands:
        return
    needed = sum(not text.startswith("[") for text in texts)
    most = -1 if any(text.endswith("...") for text in texts) else len(texts)
    if (needed, most) == (command.min_arguments, command.max_arguments):
        return
    if command.max_arguments == -1 and most == -1:
        return
    if most != -1 and command.max_arguments != -1 and most == command.max_arguments and needed <= most:
        told, real = f"{needed} needed", f"{command.min_arguments} needed"
    else:
        told, real = _most(most), _most(command.max_arguments)
    place = words[0] if words else rest[0]
    yield _differs(place, f"the usage of {path} shows arguments: {told}; it takes {real}", path, claim)


def _most(count: int) -> str:
    return "any number" if count == -1 else f"at most {count}"


def _option(shown: HelpOption, command: CommandFact, path: str, claim: Claim) -> Iterator[Finding]:
    known = [name for option in command.options for name in option.names]
    for name in shown.names:
        if name.text not in known and name.text not in _OF_ALL:
            message = f"{path} has no option {name.text!r}{did_you_mean(name.text, known)}"
            yield _differs(name, message, path, claim)
    real = next((o for o in command.options for name in shown.names if name.text in o.names), None)
    if real is None or not shown.names:
        return
    if shown.has_value is not None and shown.has_value != (real.takes_value or real.values == 0):
        does = "takes a value" if real.takes_value else "takes no value"
        yield _differs(shown.names[0], f"{path} {shown.names[0].text} {does}; it is shown otherwise", path, claim)
    yield from _default(shown, real, path, claim)


def _default(shown: HelpOption, real: OptionFact, path: str, claim: Claim) -> Iterator[Finding]:
    default = shown.default
    if default and real.default and default.text.strip("'\"") != real.default:
        message = f"the default of {path} {shown.names[0].text} is {real.default!r}, not {default.text!r}"
        yield _differs(default, message, path, claim)


def _differs(word: Placed, message: str, path: str, claim: Claim) -> Finding:
    return DIFFERS.finding(_placed(word, claim), message, subject=word.text, evidence=f"{path} --help")


def _placed(word: Placed, claim: Claim) -> Location:
    return claim.at(word.line, word.column, word.line, word.column + len(word.text))
