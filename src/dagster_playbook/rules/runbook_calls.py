"""RB: commands on a page that plan or run a runbook, against the runbook's own parameters and steps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from dagster_playbook.claims.model import Claim
from dagster_playbook.claims.runbook import is_runbook, parse
from dagster_playbook.claims.runbook_model import Kind, Parameter, Runbook
from dagster_playbook.claims.runbook_values import items_of, value_problem
from dagster_playbook.claims.shell import Word
from dagster_playbook.findings import Finding, Rule
from dagster_playbook.location import Location
from dagster_playbook.markdown.reader import NOWHERE, read_page
from dagster_playbook.rules.dates import BAD_DATE, INVERTED, date_problem, window_problem
from dagster_playbook.rules.run_config import UNKNOWN_CATEGORY
from dagster_playbook.rules.selectors import entry_findings
from dagster_playbook.rules.world import World, did_you_mean

UNKNOWN_RUNBOOK = Rule("RB421", "unknown-runbook", "A command on a runbook that does not exist.")
WRONG_PARAMETER = Rule("RB422", "wrong-runbook-value", "A parameter or answer that the runbook does not take.")

RULES = (UNKNOWN_RUNBOOK, WRONG_PARAMETER)

_COMMANDS = frozenset({"playbook plan", "playbook run"})
_BLANK = re.compile(r".*(?:\.\.\.|…|<[^>]*>|_{3,}|[\u201c\u201d\u2018\u2019]).*|[A-Z][A-Z_]*|")


def call_findings(
    path: str, arguments: Sequence[Word], values: Sequence[tuple[str, Word]], claim: Claim, world: World
) -> Iterator[Finding]:
    """Findings of `playbook plan RUNBOOK -p name=value`; none of any other command.

    Args:
        path: the command as it is called, `playbook plan`.
        values: the options that were given, by their longest spelling.
    """
    if path not in _COMMANDS or not arguments or not arguments[0].is_known or _BLANK.fullmatch(arguments[0].text):
        return
    name = arguments[0].text
    runbook = _runbook(name, world)
    if runbook is None:
        yield _unknown(arguments[0], claim, world)
        return
    yield from _parameters(runbook, [w for option, w in values if option == "--parameter"], claim, world)
    yield from _answers(runbook, [w for option, w in values if option == "--answer"], claim)


def missing_parameters(path: str, arguments: Sequence[Word], values: Sequence[tuple[str, Word]], world: World) -> str:
    """What such a command lacks, as a sentence; "" when it lacks nothing or cannot be judged."""
    runbook = _runbook(arguments[0].text, world) if path in _COMMANDS and arguments and arguments[0].is_known else None
    given = [word for option, word in values if option == "--parameter"]
    if runbook is None or not all(word.is_known for word in given):
        return ""
    names = {word.text.partition("=")[0] for word in given}
    lacking = [p for name, p in runbook.parameters.items() if p.required and name not in names]
    return f"{runbook.path} needs -p {lacking[0].name}=...: {lacking[0].help}" if lacking else ""


def _runbook(name: str, world: World) -> Runbook | None:
    text = world.files.text(name.removeprefix("./"))
    return _parsed(name, text) if text is not None and name.endswith(".md") else None


@lru_cache(maxsize=64)
def _parsed(name: str, text: str) -> Runbook | None:
    page = read_page(NOWHERE, "runbook.md", text=text)
    return replace(parse(page), path=name) if is_runbook(page) else None


def _unknown(word: Word, claim: Claim, world: World) -> Finding:
    where = claim.at(word.line, word.column, word.line, word.end_column)
    is_there = world.files.exists(word.text.removeprefix("./"))
    told = "is no runbook: its front matter has no `runbook`" if is_there else "does not exist, so it is no runbook"
    return UNKNOWN_RUNBOOK.finding(where, f"{word.text!r} {told}", subject=word.text, evidence="the project's files")


def _parameters(runbook: Runbook, given: Sequence[Word], claim: Claim, world: World) -> Iterator[Finding]:
    dates: dict[str, tuple[str, Location]] = {}
    seen: set[str] = set()
    for word in given:
        if not word.is_known:
            continue
        name, sign, text = word.text.partition("=")
        parameter = runbook.parameters.get(name)
        where = claim.at(word.line, word.column, word.line, word.end_column)
        if not sign or parameter is None:
            known = ", ".join(runbook.parameters) or "none"
            problem = f"has no parameter {name!r}{did_you_mean(name, runbook.parameters)}; it takes {known}"
            yield _wrong(runbook, problem if sign else f"takes -p name=value, not {name!r}", name, where)
            continue
        if name in seen and not parameter.is_list:
            yield _wrong(runbook, f"takes {name} once", name, where)
        seen.add(name)
        for item in _items(parameter, text):
            if not _BLANK.fullmatch(item):
                yield from _value(runbook, parameter, item, where, world)
                dates[name] = (item, where)
    if "start" in dates and "end" in dates:
        problem = window_problem(dates["start"][0], dates["end"][0])
        if problem:
            yield INVERTED.finding(dates["end"][1], problem, subject="end", evidence=f"{runbook.path}, start and end")


def _items(parameter: Parameter, text: str) -> list[str]:
    try:
        return items_of(parameter, text)
    except ValueError:
        # judged as the one value that it is not
        return [text]


def _value(runbook: Runbook, parameter: Parameter, text: str, where: Location, world: World) -> Iterator[Finding]:
    if parameter.item_type == "date" and (told := date_problem(text)):
        message = f"{parameter.name} is {text!r}, but {told}"
        yield BAD_DATE.finding(where, message, subject=text, evidence="the calendar")
    elif problem := value_problem(parameter, text):
        yield _wrong(runbook, f"takes for {parameter.name} a {parameter.item_type}: {problem}", text, where)
    elif parameter.item_type in ("model", "selector"):
        yield from entry_findings(text, where, world)
    elif parameter.item_type == "category" and world.categories and text not in world.categories:
        tag = next(world.conventions.meanings.carriers(text), text)
        message = f"no model carries the tag {tag}{did_you_mean(text, world.categories)}"
        yield UNKNOWN_CATEGORY.finding(where, message, subject=text, evidence="tags of the SQLMesh models")


def _answers(runbook: Runbook, given: Sequence[Word], claim: Claim) -> Iterator[Finding]:
    asking = [step.id for step in runbook.steps if step.kind is Kind.ASK]
    for word in given:
        name, sign, _ = word.text.partition("=")
        if not word.is_known or _BLANK.fullmatch(name):
            continue
        where = claim.at(word.line, word.column, word.line, word.end_column)
        known = ", ".join(asking) or "none"
        if not sign:
            yield _wrong(runbook, f"takes --answer step=text, not {name!r}", name, where)
        elif runbook.step(name) is None:
            hint = did_you_mean(name, asking)
            yield _wrong(runbook, f"has no step {name!r}{hint}; steps that ask: {known}", name, where)
        elif name not in asking:
            yield _wrong(runbook, f"has a step {name!r} that asks nothing; steps that ask: {known}", name, where)


def _wrong(runbook: Runbook, problem: str, subject: str, where: Location) -> Finding:
    evidence = "the runbook's front matter and steps"
    return WRONG_PARAMETER.finding(where, f"{runbook.path} {problem}", subject=subject, evidence=evidence)
