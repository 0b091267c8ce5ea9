"""What stands in the YAML of a step that asks Dagster or Nessie, or that names facts: keys, values, names of jobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dagster_playbook.claims import placeholder
from dagster_playbook.claims.runbook_model import Kind, Step
from dagster_playbook.claims.runbook_operations import FORMS, Key, is_of_form, operation
from dagster_playbook.claims.yaml_text import YamlNode, read_yaml
from dagster_playbook.facts.facts import Facts
from dagster_playbook.nearness import nearest

#: (rule, message, 1-based line of the body or 0, subject)
BodyProblem = tuple[str, str, int, str]


def problems(step: Step, facts: Facts) -> Iterator[BodyProblem]:
    """Everything wrong with the YAML of a Dagster, Nessie or facts step; nothing for a name that is no operation."""
    root, found = read_yaml(step.fence.body)
    for problem in found:
        yield "RB419", f"step {step.id!r}: {problem.message}", problem.line, problem.subject
    if found and root is None:
        return
    if step.kind is Kind.FACTS:
        yield from _facts(step, root, facts)
        return
    asked = operation(step)
    if asked is None:
        return
    if root is not None and not root.is_map:
        yield "RB419", f"step {step.id!r}: a mapping of {', '.join(asked.keys)} is wanted", root.line, step.id
        return
    for key, value in root.items() if root else ():
        if key.text not in asked.keys:
            message = f"step {step.id!r}: unknown key {key.text!r}{hint(key.text, asked.keys)}"
            yield "RB419", f"{message}; known: {', '.join(asked.keys)}", key.line, key.text
        else:
            yield from _value(step, key.text, asked.keys[key.text], value, facts)
    there = root.keys() if root else []
    for name, known in asked.keys.items():
        if known.required and name not in there:
            yield "RB419", f"step {step.id!r}: `{name}` is missing: {known.help}", 0, name


def _value(step: Step, name: str, known: Key, value: YamlNode, facts: Facts) -> Iterator[BodyProblem]:
    plain = value.plain()
    if isinstance(plain, str) and placeholder.names(plain):
        return  # what it is filled with is held to the parameter's own type
    if plain is None and not known.required:
        return
    if not is_of_form(known.form, plain):
        yield "RB419", f"step {step.id!r}: `{name}` is {plain!r}, not {FORMS[known.form]}", value.line, name
    elif known.form == "jobs" and facts.jobs:
        for item in value.elements():
            if item.text not in facts.jobs:
                yield "RB409", f"no Dagster job {item.text!r}{hint(item.text, facts.jobs)}", item.line, item.text


def _facts(step: Step, root: YamlNode | None, facts: Facts) -> Iterator[BodyProblem]:
    if root is None or not root.items():
        yield "RB419", f"step {step.id!r}: a mapping of facts to values is wanted", root.line if root else 0, step.id
        return
    for key, _ in root.items() if facts.values else ():
        if key.text not in facts.values:
            yield "RB417", f"no fact {key.text!r}{hint(key.text, facts.values)}", key.line, key.text


def hint(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` when one of the known words is near, otherwise nothing."""
    near = nearest(word, frozenset(known))
    return f"; did you mean {near!r}?" if near else ""
