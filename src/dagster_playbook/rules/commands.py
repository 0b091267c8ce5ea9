"""SH: shell blocks and command spans against the real command trees; nothing is ever run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.claims.prompts import SESSIONS
from dagster_playbook.claims.shell import ShellCommand, Word, read_shell
from dagster_playbook.claims.wrappers import Unwrapped, nested, remote_text, unwrapped
from dagster_playbook.facts.facts import CommandFact, OptionFact
from dagster_playbook.findings import Finding, Rule
from dagster_playbook.rules import sql
from dagster_playbook.rules.command_values import option_findings, path_findings
from dagster_playbook.rules.help_output import quoted_findings
from dagster_playbook.rules.option_config import config_findings
from dagster_playbook.rules.option_types import argument_findings, value_findings, window_findings
from dagster_playbook.rules.programs import STANDARD_PROGRAMS, Whereabouts, has_own_makefile, programs_of
from dagster_playbook.rules.repairs import only_member
from dagster_playbook.rules.requirements import requirement_findings
from dagster_playbook.rules.runbook_calls import call_findings, missing_parameters
from dagster_playbook.rules.selectors import entry_findings
from dagster_playbook.rules.signs import meant_option, sign_findings
from dagster_playbook.rules.transcripts import output_findings
from dagster_playbook.rules.world import World, did_you_mean, near

KINDS = frozenset({Kind.SHELL})

NOT_SHELL = Rule("SH601", "not-shell", "A shell block that no shell can parse.")
UNKNOWN_COMMAND = Rule("SH602", "unknown-command", "A program that is neither of the project nor a standard one.")
UNKNOWN_SUBCOMMAND = Rule("SH603", "unknown-subcommand", "A sub-command that the program does not have.")
UNKNOWN_OPTION = Rule("SH604", "unknown-option", "An option that the command does not take.")
WRONG_ARGUMENTS = Rule("SH605", "wrong-arguments", "Too few or too many arguments, or an option without its value.")
WRONG_CHOICE = Rule("SH606", "wrong-choice", "A value that the option or argument does not allow.")
UNKNOWN_TARGET = Rule("SH607", "unknown-make-target", "A make target that the Makefile does not have.")
APPLIES = Rule("SH609", "dry-run-applies", "`sqlmesh plan --dry-run` is told as harmless, but it applies the plan.")

RULES = (
    NOT_SHELL,
    UNKNOWN_COMMAND,
    UNKNOWN_SUBCOMMAND,
    UNKNOWN_OPTION,
    WRONG_ARGUMENTS,
    WRONG_CHOICE,
    UNKNOWN_TARGET,
    APPLIES,
)


@dataclass(slots=True)
class _Parse:
    """Where the walk along a command line stands."""

    command: CommandFact
    path: str
    arguments: list[Word] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    values: list[tuple[OptionFact, Word]] = field(default_factory=list)
    is_uncertain: bool = False


def check(claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of a shell block: what does not parse, then each command in order."""
    is_console = bool(claim.fence and claim.fence.language in SESSIONS)
    text = read_shell(claim.text, is_console=is_console, programs=programs_of(world))
    for line, column, told in text.errors:
        where, message = claim.at(line, column), f"the shell block {told}"
        yield NOT_SHELL.finding(where, message, subject="shell", evidence="bash grammar", severity=world.doubtful)
    whereabouts = Whereabouts(world)
    for command in text.commands:
        yield from command_findings(command, claim, world, whereabouts)
    yield from output_findings(claim, world)
    yield from quoted_findings(claim, world)


def command_findings(
    command: ShellCommand, claim: Claim, world: World, whereabouts: Whereabouts | None = None
) -> Iterator[Finding]:
    """Findings of one command, behind all its wrappers; `whereabouts` of the commands before it, none at first."""
    place = whereabouts or Whereabouts(world)
    yield from _findings(unwrapped(command.words), claim, world, place)


def _findings(command: Unwrapped, claim: Claim, world: World, place: Whereabouts) -> Iterator[Finding]:
    words = command.words
    texts = nested(words) or (remote_text(words) if command.is_elsewhere else [])
    if texts:
        # what a shell of its own does ends with it
        inside = Whereabouts(world, list(place.folders), place.is_lost)
        for text in texts:
            inner = unwrapped(text)
            yield from _findings(replace(inner, is_elsewhere=True), claim, world, inside)
        return
    tree = world.facts.commands.get(words[0].text) if words else None
    yield from sign_findings(words, _all_spellings(tree) if tree else (), claim)
    found = _program_findings(words, claim, world, is_elsewhere=command.is_elsewhere)
    kept = place.kept(found, words, is_elsewhere=command.is_elsewhere)
    yield from (f for f in kept if not (command.is_open and f.rule == WRONG_ARGUMENTS.code))
    place.follow(words)


def _all_spellings(tree: CommandFact) -> Iterator[str]:
    yield from _spellings(tree)
    for child in tree.subcommands.values():
        yield from _all_spellings(child)


def _program_findings(words: Sequence[Word], claim: Claim, world: World, *, is_elsewhere: bool) -> Iterator[Finding]:
    """Findings of a command; a program without a command tree is only held to be a known program."""
    if not words or not words[0].is_known:
        return
    program = words[0].text.rsplit("/", 1)[-1].removesuffix(".exe")
    yield from _queries(program, words, claim, world)
    yield from requirement_findings(program, words, claim, world)
    if program == "make" and world.facts.make_targets and not has_own_makefile(claim.location.path, world):
        yield from _make(words[1:], claim, world)
    elif program in world.facts.commands:
        yield from _tree(words, world.facts.commands[program], claim, world)
    elif program in world.facts.unread:
        world.unjudged.add(f"{program} command")
    elif not _is_program(words[0].text, program, world):
        is_strict = world.conventions.is_strict and not is_elsewhere
        known = [*world.facts.commands, *(STANDARD_PROGRAMS if is_strict else ())]
        if not is_strict and not near(program, known):
            return
        message = f"no program is called {program!r}{did_you_mean(program, known)}"
        where = claim.at(words[0].line, words[0].column, words[0].line, words[0].end_column)
        evidence = "command trees and standard programs"
        yield UNKNOWN_COMMAND.finding(where, message, subject=program, evidence=evidence)


#: clients of an engine -> their options that take SQL, and its dialect
_CLIENTS = {"trino": (("--execute",), "trino"), "duckdb": (("-c", "-s"), "duckdb")}


def _queries(program: str, words: Sequence[Word], claim: Claim, world: World) -> Iterator[Finding]:
    """`trino --execute 'SELECT ...'` holds a query."""
    options, dialect = _CLIENTS.get(program, ((), ""))
    for word, following in zip(words, [*words[1:], None], strict=True):
        name, equals, value = word.text.partition("=")
        if name not in options:
            continue
        given = replace(word, text=value) if equals else following
        if given is None or not given.is_known:
            continue
        place = claim.at(given.line, given.end_column - len(given.text) - 1, given.line, given.end_column)
        inner = Claim(Kind.SQL, given.text, place)
        yield from sql.query_findings(given.text, dialect, inner, world)


def _is_program(text: str, program: str, world: World) -> bool:
    if program in STANDARD_PROGRAMS or program in world.conventions.words:
        return True
    return "/" in text and world.files.exists(text.removeprefix("./"))


def _make(words: Sequence[Word], claim: Claim, world: World) -> Iterator[Finding]:
    skip = False
    for word in words:
        if skip or not word.is_known or "=" in word.text or word.text.startswith("-"):
            skip = word.text in ("-C", "-f", "-j") and not skip
            continue
        if word.text not in world.facts.make_targets:
            where = claim.at(word.line, word.column, word.line, word.end_column)
            message = f"the Makefile has no target {word.text!r}{did_you_mean(word.text, world.facts.make_targets)}"
            yield UNKNOWN_TARGET.finding(where, message, subject=word.text, evidence="Makefile")


def _tree(words: Sequence[Word], root: CommandFact, claim: Claim, world: World) -> Iterator[Finding]:
    state = _Parse(root, root.name)
    queue = list(words[1:])
    only_arguments = False
    while queue:
        word = _as_meant(queue.pop(0), state)
        if word.text == "--":
            only_arguments = True
        elif word.text.startswith("-") and len(word.text) > 1 and not only_arguments:
            yield from _option(word, queue, state, claim, world)
        elif state.command.subcommands and not state.arguments:
            yield from _subcommand(word, state, claim)
        else:
            state.arguments.append(word)
        if state.is_uncertain:
            return
    yield from _arguments(words, state, claim, world)


def _as_meant(word: Word, state: _Parse) -> Word:
    """An option that begins with a dash of a word processor is read as the option that was meant."""
    return replace(word, text=meant_option(word.text, _spellings(state.command)) or word.text)


def _spellings(command: CommandFact) -> list[str]:
    return [spelling for option in command.options for spelling in option.names]


def _subcommand(word: Word, state: _Parse, claim: Claim) -> Iterator[Finding]:
    if not word.is_known:
        state.is_uncertain = True
        return
    found = state.command.subcommands.get(word.text)
    if found is not None:
        state.command, state.path = found, f"{state.path} {word.text}"
        state.seen = set()
        return
    state.is_uncertain = True
    where = claim.at(word.line, word.column, word.line, word.end_column)
    known = state.command.subcommands
    message = f"{state.path} has no sub-command {word.text!r}{did_you_mean(word.text, known)}"
    fix = only_member(where, word.text, known)
    yield UNKNOWN_SUBCOMMAND.finding(where, message, subject=word.text, evidence=f"{state.path} --help", fix=fix)


def _option(word: Word, queue: list[Word], state: _Parse, claim: Claim, world: World) -> Iterator[Finding]:
    name, equals, value = word.text.partition("=")
    option = _find_option(state.command, name)
    where = claim.at(word.line, word.column, word.line, word.column + len(name))
    if option is None and re.fullmatch(r"-[A-Za-z]{2,}", word.text):
        yield from _short_options(word, queue, state, claim)
        return
    if option is None:
        known = [*_spellings(state.command), "--help"]
        if name in ("--help", "-h"):
            return
        message = f"{state.path} has no option {name!r}{did_you_mean(name, known)}"
        fix = only_member(where, name, known)
        state.is_uncertain = not equals and bool(queue) and not queue[0].text.startswith("-")
        yield UNKNOWN_OPTION.finding(where, message, subject=name, evidence=f"{state.path} --help", fix=fix)
        return
    state.seen.add(option.names[-1])
    if state.path == "sqlmesh plan" and name == "--dry-run":
        message = "--dry-run is another name of --skip-backfill and applies the plan; only --explain changes nothing"
        yield APPLIES.finding(where, message, subject=name, evidence="sqlmesh plan")
    if not option.takes_value:
        return
    if equals:
        start = word.column + len(name) + 1
        given = Word(value, word.line, start, word.end_column, word.is_known)
    elif option.values == 0 and (not queue or queue[0].text.startswith("-")):
        return
    elif queue:
        given = queue.pop(0)
        del queue[: option.values - 1]
    else:
        message = f"{state.path} {name} takes a value and none follows"
        yield WRONG_ARGUMENTS.finding(where, message, subject=name, evidence=f"{state.path} --help")
        return
    yield from _value(option, given, state, claim, world)


def _short_options(word: Word, queue: list[Word], state: _Parse, claim: Claim) -> Iterator[Finding]:
    """`-xy` is `-x -y`, and `-xvalue` when -x takes a value."""
    for position, letter in enumerate(word.text[1:], 1):
        option = _find_option(state.command, f"-{letter}")
        if option is None:
            where = claim.at(word.line, word.column, word.line, word.end_column)
            message = f"{state.path} has no option '-{letter}'"
            yield UNKNOWN_OPTION.finding(where, message, subject=word.text, evidence=f"{state.path} --help")
            return
        state.seen.add(option.names[-1])
        if option.takes_value:
            if position == len(word.text) - 1 and queue:
                queue.pop(0)
            return


def _find_option(command: CommandFact, name: str) -> OptionFact | None:
    return next((option for option in command.options if name in option.names), None)


def _value(option: OptionFact, given: Word, state: _Parse, claim: Claim, world: World) -> Iterator[Finding]:
    state.values.append((option, given))
    if not given.is_known:
        return
    where = claim.at(given.line, given.column, given.line, given.end_column)
    if option.choices and not _is_choice(given.text, option):
        message = (
            f"{state.path} {option.names[0]} takes one of {', '.join(option.choices)}, not {given.text!r}"
            f"{did_you_mean(given.text, option.choices)}"
        )
        fix = only_member(where, given.text, option.choices)
        yield WRONG_CHOICE.finding(where, message, subject=given.text, evidence=f"{state.path} --help", fix=fix)
    elif state.path.startswith("sqlmesh ") and option.names[0] in (
        "--restate-model",
        "-r",
        "--select-model",
        "--backfill-model",
    ):
        yield from entry_findings(given.text, where, world)
    else:
        found = list(value_findings(option, given, state.path, claim))
        yield from found
        is_number = bool(found) or option.type in ("integer", "number") or given.text.isdecimal()
        if not is_number:
            yield from option_findings(state.path.split(" ")[0], option.names, given, claim, world)


def _is_choice(text: str, option: OptionFact) -> bool:
    if option.ignores_case:
        return text.lower() in {choice.lower() for choice in option.choices}
    return text in option.choices


def _arguments(words: Sequence[Word], state: _Parse, claim: Claim, world: World) -> Iterator[Finding]:
    command, where = state.command, claim.at(words[0].line, words[0].column, words[0].line, words[-1].end_column)
    asks_help = any(word.text in ("--help", "-h", "--version") for word in words)
    if asks_help:
        return
    missing = [option for option in command.options if option.required and not state.seen & set(option.names)]
    evidence = f"{state.path} --help"
    if missing:
        message = f"{state.path} needs the option {missing[0].names[0]}"
        yield WRONG_ARGUMENTS.finding(where, message, subject=missing[0].names[0], evidence=evidence)
    count = len(state.arguments)
    if not command.subcommands and count < command.min_arguments:
        message = f"{state.path} needs {_counted(command.min_arguments)}, {count or 'none'} given"
        yield WRONG_ARGUMENTS.finding(where, message, subject=state.path, evidence=evidence)
    if not command.subcommands and 0 <= command.max_arguments < count:
        extra = state.arguments[command.max_arguments]
        place = claim.at(extra.line, extra.column, extra.line, extra.end_column)
        message = f"{state.path} takes {_counted(command.max_arguments)}; {extra.text!r} is one too many"
        yield WRONG_ARGUMENTS.finding(place, message, subject=extra.text, evidence=evidence)
    for word, choices in zip(state.arguments, command.argument_choices, strict=False):
        if choices and word.is_known and word.text not in choices:
            place = claim.at(word.line, word.column, word.line, word.end_column)
            message = f"{state.path} takes one of {', '.join(choices)}, not {word.text!r}"
            yield WRONG_CHOICE.finding(place, message, subject=word.text, evidence=evidence)
    yield from window_findings({name: given for option, given in state.values for name in option.names}, claim)
    called = [(max(option.names, key=len), given) for option, given in state.values]
    lacking = missing_parameters(state.path, state.arguments, called, world)
    if lacking:
        yield WRONG_ARGUMENTS.finding(where, lacking, subject=state.path, evidence="the runbook's front matter")
    yield from config_findings(state.path, called, claim, world)
    calls = list(call_findings(state.path, state.arguments, called, claim, world))
    yield from calls
    types = [*command.argument_types, *[""] * count]
    for word, kind in zip(state.arguments, types, strict=False):
        yield from argument_findings(word, kind, state.path, claim)
        if not any(finding.subject == word.text for finding in calls):
            yield from path_findings(word, claim, world)


def _counted(count: int) -> str:
    return f"{count or 'no'} argument{'' if count == 1 else 's'}"
