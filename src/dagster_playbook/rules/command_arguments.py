"""What a command line gives to its command: values of options, and arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dagster_playbook.claims.model import Claim
from dagster_playbook.claims.shell import Word
from dagster_playbook.facts.facts import CommandFact, OptionFact
from dagster_playbook.findings import Finding
from dagster_playbook.rules.command_rules import WRONG_ARGUMENTS, WRONG_CHOICE
from dagster_playbook.rules.command_values import option_findings, path_findings
from dagster_playbook.rules.option_config import config_findings
from dagster_playbook.rules.option_types import argument_findings, value_findings, window_findings
from dagster_playbook.rules.repairs import only_member
from dagster_playbook.rules.runbook_calls import call_findings, missing_parameters
from dagster_playbook.rules.selectors import entry_findings
from dagster_playbook.rules.world import World, did_you_mean


@dataclass(slots=True)
class Parse:
    """Where the walk along a command line stands."""

    command: CommandFact
    path: str
    arguments: list[Word] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    values: list[tuple[OptionFact, Word]] = field(default_factory=list)
    is_uncertain: bool = False


def value_findings_of(option: OptionFact, given: Word, state: Parse, claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of the value that an option was given; it is remembered for what two options say together."""
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


def arguments_findings(words: Sequence[Word], state: Parse, claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of a whole command line: too few or too many arguments, and what options say together."""
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
