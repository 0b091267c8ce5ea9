"""SH: shell blocks and command spans against the real command trees; nothing is ever run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.claims.prompts import SESSIONS
from dagster_playbook.claims.shell import ShellCommand, Word, read_shell
from dagster_playbook.claims.wrappers import Unwrapped, nested, remote_text, unwrapped
from dagster_playbook.facts.facts import CommandFact, OptionFact
from dagster_playbook.findings import Finding
from dagster_playbook.rules import command_rules, sql
from dagster_playbook.rules.command_arguments import Parse, arguments_findings, value_findings_of
from dagster_playbook.rules.command_rules import (
    APPLIES,
    NOT_SHELL,
    UNKNOWN_COMMAND,
    UNKNOWN_OPTION,
    UNKNOWN_SUBCOMMAND,
    UNKNOWN_TARGET,
    WRONG_ARGUMENTS,
)
from dagster_playbook.rules.help_output import quoted_findings
from dagster_playbook.rules.programs import STANDARD_PROGRAMS, Whereabouts, has_own_makefile, programs_of
from dagster_playbook.rules.repairs import only_member
from dagster_playbook.rules.requirements import requirement_findings
from dagster_playbook.rules.signs import meant_option, sign_findings
from dagster_playbook.rules.transcripts import output_findings
from dagster_playbook.rules.world import World, did_you_mean, near

KINDS = frozenset({Kind.SHELL})
RULES = command_rules.RULES


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
    state = Parse(root, root.name)
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
    yield from arguments_findings(words, state, claim, world)


def _as_meant(word: Word, state: Parse) -> Word:
    """An option that begins with a dash of a word processor is read as the option that was meant."""
    return replace(word, text=meant_option(word.text, _spellings(state.command)) or word.text)


def _spellings(command: CommandFact) -> list[str]:
    return [spelling for option in command.options for spelling in option.names]


def _subcommand(word: Word, state: Parse, claim: Claim) -> Iterator[Finding]:
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


def _option(word: Word, queue: list[Word], state: Parse, claim: Claim, world: World) -> Iterator[Finding]:
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
    yield from value_findings_of(option, given, state, claim, world)


def _short_options(word: Word, queue: list[Word], state: Parse, claim: Claim) -> Iterator[Finding]:
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
