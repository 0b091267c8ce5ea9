"""What stands inside a runbook's step: YAML, a command or SQL, and where its parameters may stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from dagster_playbook.claims import placeholder
from dagster_playbook.claims.runbook_model import Kind, Step
from dagster_playbook.claims.step_text import bound_sql, commands, split
from dagster_playbook.facts.facts import Facts
from dagster_playbook.meaning import Meanings
from dagster_playbook.rules import runbook_yaml
from dagster_playbook.rules.runbook_yaml import BodyProblem

_YAML_KINDS = (Kind.JOB, Kind.NESSIE, Kind.DAGSTER, Kind.FACTS)
#: what only a shell gives a meaning to; quoted text has none of it left after shlex
_OPERATORS = re.compile(r"^(?:[|&;<>()]+|\d?>{1,2}&?\d?)$")
_EXPANSION = re.compile(r"\$[\w({]|`")


def names(step: Step) -> list[tuple[str, int]]:
    """(placeholder, 1-based line) of a step's body, in order."""
    lines = enumerate(step.fence.body.split("\n"), start=1)
    return [(name, number) for number, line in lines for name in placeholder.names(line)]


def columns(step: Step) -> frozenset[str]:
    """The column names that a query returns, by their aliases; `*` when the text does not tell them all."""
    if step.kind is not Kind.QUERY:
        return frozenset()
    tree = _select(step)
    if tree is None or isinstance(tree, str):
        return frozenset("*")
    selected = getattr(tree, "named_selects", None)
    return frozenset(selected if selected is not None else "*")


def restates(step: Step, meanings: Meanings) -> bool:
    """Whether the run config of a job step asks for a restatement, as the project declares what its ops restate."""
    try:
        document = yaml.safe_load(step.fence.body)
    except yaml.YAMLError:
        return False
    ops = document.get("ops") if isinstance(document, dict) else None
    for op, body in ops.items() if isinstance(ops, dict) else ():
        restatement, config = meanings.restatement(str(op)), body.get("config") if isinstance(body, dict) else None
        if restatement is not None and isinstance(config, dict) and restatement.is_asked_for(config):
            return True
    return False


def problems(step: Step, facts: Facts) -> Iterator[BodyProblem]:
    """(rule, message, 1-based line of the body or 0, subject) of everything wrong with a step's body."""
    if malformed := placeholder.malformed(step.fence.body):
        for text in malformed:
            yield "RB413", f"{text!r} is no placeholder: write {{{{ name }}}}", _line(step, text), text
        return
    if step.kind in _YAML_KINDS:
        yield from _yaml(step, facts)
    elif step.kind is Kind.COMMAND:
        yield from _command(step)
    elif step.kind is Kind.QUERY:
        yield from _query(step)
    elif step.kind is Kind.ASK and not step.fence.body.strip():
        yield "RB419", f"step {step.id!r} asks nothing: write the question into the block", 0, step.id


def _yaml(step: Step, facts: Facts) -> Iterator[BodyProblem]:
    try:
        data = yaml.safe_load(step.fence.body)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        yield (
            "RB403",
            f"step {step.id!r} is no YAML: {getattr(error, 'problem', error)}",
            mark.line + 1 if mark else 0,
            "",
        )
        return
    for text in placeholder.scalars(data):
        if placeholder.names(text) and placeholder.whole(text) is None:
            yield "RB413", f'{text!r}: a parameter stands alone, as "{{{{ name }}}}"', _line(step, text), text
    if step.kind is not Kind.JOB:
        yield from runbook_yaml.problems(step, facts)


def _command(step: Step) -> Iterator[BodyProblem]:
    found = commands(step.fence.body)
    if len(found) != 1:
        yield "RB403", f"step {step.id!r} has to be one command, not {len(found)}", 0, step.id
    for line, text in found:
        try:
            words = split(text)
        except ValueError as error:
            yield "RB414", f"{text!r} cannot be split into arguments: {error}", line, text
            continue
        for word in words:
            if _OPERATORS.match(word) or _EXPANSION.search(word):
                yield "RB414", f"{word!r} needs a shell, and none is used: give plain arguments", line, word
            elif placeholder.names(word) and placeholder.whole(word) is None:
                yield "RB413", f"{word!r}: a parameter is one whole argument", line, word
        if words and placeholder.whole(words[0]):
            yield "RB413", f"{words[0]!r}: the program to run is no parameter", line, words[0]


def _query(step: Step) -> Iterator[BodyProblem]:
    tree = _select(step)
    if isinstance(tree, str) or tree is None:
        yield "RB415", f"step {step.id!r}: {tree or 'no SQL'}", 0, step.id


def _select(step: Step) -> Any:
    """The parsed query, or a sentence on why it is none."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    if any(quote in step.fence.body for quote in ("'{{", "}}'", '"{{', '}}"')):
        return "a parameter stands without quotes: it is bound as a literal of its type"
    try:
        trees = [t for t in sqlglot.parse(bound_sql(step.fence.body), dialect=step.dialect) if t is not None]
    except SqlglotError as error:
        return f"cannot be parsed as {step.subject} SQL: {str(error).splitlines()[0]}"
    if len(trees) != 1:
        return f"one statement is wanted, not {len(trees)}"
    if not isinstance(trees[0], exp.Query):
        if isinstance(trees[0], exp.Show | exp.Describe):
            return trees[0]
        return f"a query step only reads: {trees[0].key.upper()} is no SELECT"
    if trees[0].find(exp.Insert, exp.Update, exp.Delete, exp.Drop, exp.Create, exp.Into):
        return "a query step only reads"
    return trees[0]


def _line(step: Step, text: str) -> int:
    """The 1-based line of the body where a text first stands, 0 when it spans lines."""
    return next((n for n, line in enumerate(step.fence.body.split("\n"), start=1) if text in line), 0)
