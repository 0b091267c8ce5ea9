"""SH: values of options and arguments against the types that the program itself gives them."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterator

from dagster_playbook.claims.model import Claim
from dagster_playbook.claims.shell import Word
from dagster_playbook.facts.facts import OptionFact
from dagster_playbook.findings import Finding, Rule
from dagster_playbook.rules.dates import BAD_DATE, INVERTED, date_problem, window_problem

WRONG_VALUE = Rule("SH612", "wrong-value-type", "A value of another type than the option or argument takes.")

RULES = (WRONG_VALUE,)

#: what stands for a value in notation: `N`, `PORT`, `n`, `$X`, `{x}`, `...`
_BLANK = re.compile(r"[A-Z][A-Z0-9_-]*|[nNxX]|.*[<>{}$\u2026%].*|\.\.\.|_+|")
_BOOLEANS = frozenset("true false 1 0 yes no y n on off t f".split())
_PORT = re.compile(r"--(?:[a-z]+-)*port")
#: options that name a day or a time by their words
_DATED = re.compile(
    r"--(?:[a-z]+-)*(?:start|end|since|until|from|to|date|execution-time|partition|start-date|end-date)"
)
_STARTS = ("--start", "--start-date", "--since", "--from")
_ENDS = ("--end", "--end-date", "--until", "--to")


def value_findings(option: OptionFact, given: Word, path: str, claim: Claim) -> Iterator[Finding]:
    """Findings of the value of an option; `path` is the command as it is called, e.g. `sqlmesh ui`."""
    if not given.is_known or option.values > 1 or _BLANK.fullmatch(given.text):
        return
    where = claim.at(given.line, given.column, given.line, given.end_column)
    name = next((each for each in option.names if each.startswith("--")), option.names[0])
    kind = option.type or ("integer" if any(_PORT.fullmatch(each) for each in option.names) else "")
    problem = type_problem(kind, given.text, option)
    if problem:
        message = f"{path} {name} takes {problem}, not {given.text!r}"
        yield WRONG_VALUE.finding(where, message, subject=given.text, evidence=f"{path} --help")
    elif any(_DATED.fullmatch(each) for each in option.names) and (told := date_problem(given.text)):
        message = f"{path} {name} is {given.text!r}, but {told}"
        yield BAD_DATE.finding(where, message, subject=given.text, evidence="the calendar")


def argument_findings(given: Word, kind: str, path: str, claim: Claim) -> Iterator[Finding]:
    """Findings of a positional argument of this type."""
    problem = "" if not given.is_known or _BLANK.fullmatch(given.text) else type_problem(kind, given.text)
    if problem:
        where = claim.at(given.line, given.column, given.line, given.end_column)
        message = f"{path} takes {problem}, not {given.text!r}"
        yield WRONG_VALUE.finding(where, message, subject=given.text, evidence=f"{path} --help")


def window_findings(given: dict[str, Word], claim: Claim) -> Iterator[Finding]:
    """Findings of the window that a command's options span; `given` are values by the spellings of their option."""
    start = next((given[name] for name in _STARTS if name in given), None)
    end = next((given[name] for name in _ENDS if name in given), None)
    if start is None or end is None or not (start.is_known and end.is_known):
        return
    problem = window_problem(start.text, end.text)
    if problem:
        where = claim.at(end.line, end.column, end.line, end.end_column)
        yield INVERTED.finding(where, problem, subject=end.text, evidence="start and end")


def type_problem(kind: str, text: str, option: OptionFact | None = None) -> str:
    """What the type wants, "" when the text is that; paths and texts may be anything."""
    if kind in ("integer", "number"):
        return _number_problem(kind, text, option)
    if kind == "boolean":
        return "" if text.lower() in _BOOLEANS else "true or false"
    if kind == "uuid":
        try:
            uuid.UUID(text)
        except ValueError:
            return "a UUID"
        return ""
    if kind == "date" and option and option.formats and not any(_is_date(text, form) for form in option.formats):
        return f"a date such as {dt.datetime(2026, 1, 31):{option.formats[0]}}"
    return ""


def _number_problem(kind: str, text: str, option: OptionFact | None) -> str:
    wanted = "a whole number" if kind == "integer" else "a number"
    try:
        value = int(text) if kind == "integer" else float(text)
    except ValueError:
        return wanted
    if option and option.minimum is not None and value < option.minimum:
        return f"{wanted} of at least {option.minimum:g}"
    if option and option.maximum is not None and value > option.maximum:
        return f"{wanted} of at most {option.maximum:g}"
    return ""


def _is_date(text: str, form: str) -> bool:
    try:
        dt.datetime.strptime(text, form)
    except ValueError:
        return False
    return True
