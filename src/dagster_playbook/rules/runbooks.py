"""RB4xx: is a page that says it runs a sound runbook? Structure and names, no I/O.

`problems(page, facts)` is everything that can be said before a parameter is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dagster_playbook.claims import expression
from dagster_playbook.claims.runbook import is_runbook, parse
from dagster_playbook.claims.runbook_model import Kind, Runbook, Step, Trouble
from dagster_playbook.claims.runbook_operations import LANGUAGES, results
from dagster_playbook.facts.facts import Facts
from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Page
from dagster_playbook.meaning import Meanings
from dagster_playbook.rules import runbook_bodies
from dagster_playbook.rules.runbook_yaml import hint

Problem = tuple[str, str, str, Location, str]

#: code -> (kebab name, what is wrong)
RULES = {
    "RB401": ("runbook-front-matter", "The front matter of a runbook is incomplete or has an unknown key."),
    "RB402": ("runbook-parameter", "A parameter is malformed: type, help, default, example or choices."),
    "RB403": ("step-attribute", "A step's attribute is unknown, malformed or contradicts another."),
    "RB404": ("duplicate-step", "Two steps have the same id."),
    "RB405": ("undeclared-parameter", "A step uses a parameter that the front matter does not declare."),
    "RB406": ("unused-parameter", "A declared parameter is used by no step."),
    "RB407": ("unreachable-step", "No path of the runbook leads to a step."),
    "RB408": ("missing-undo", "A step changes something and says neither how to undo it nor why that is not needed."),
    "RB409": ("unknown-runbook-job", "A step runs a Dagster job that does not exist."),
    "RB410": ("unknown-step", "A step names another step that does not exist."),
    "RB411": ("step-cycle", "The steps go round in a circle."),
    "RB412": ("step-expression", "An `expect=` or `unless=` cannot be read."),
    "RB413": ("pasted-parameter", "A parameter stands inside a longer string, where its text would be pasted."),
    "RB414": ("shell-syntax", "A command step uses a pipe, a variable or another thing that only a shell understands."),
    "RB415": ("query-changes-data", "A query step is more than one SELECT."),
    "RB416": ("unapproved-restatement", "A step restates models and asks for no approval."),
    "RB417": ("unknown-runbook-fact", "A step names a fact that the platform does not have."),
    "RB418": ("result-before-step", "A step uses the result of a step that has not run by then."),
    "RB419": ("step-body", "What a step asks is not what its kind takes: a key, a value, or nothing at all."),
    "RB420": ("unknown-result", "A step uses a field that the result of another step does not have."),
}


def problems(page: Page, facts: Facts, meanings: Meanings) -> Iterator[Problem]:
    """Everything that is wrong with a runbook, (code, name, message, location, subject); nothing for other pages."""
    if not is_runbook(page):
        return
    for trouble in validate(parse(page), facts, meanings):
        yield trouble.rule, trouble.name, trouble.message, trouble.location, trouble.subject


def validate(runbook: Runbook, facts: Facts, meanings: Meanings) -> list[Trouble]:
    """All troubles of a runbook in reading order, its own from parsing first."""
    found = list(runbook.troubles)
    for check in CHECKS:
        found += check(runbook, facts)
    found += _approvals(runbook, meanings)
    return sorted(found, key=lambda t: (t.location.line, t.rule, t.subject))


def trouble(rule: str, message: str, location: Location, subject: str) -> Trouble:
    """A trouble with the rule's own name."""
    return Trouble(rule, RULES[rule][0], message, location, subject)


def _parameters(runbook: Runbook, _: Facts) -> Iterator[Trouble]:
    used: set[str] = set()
    for step in runbook.steps:
        for name, location in _names(step):
            head = name.split(".", maxsplit=1)[0]
            used.add(head)
            if head != "steps" and head not in runbook.parameters:
                message = f"step {step.id!r} uses {name!r}, which is not declared{hint(head, runbook.parameters)}"
                yield trouble("RB405", message, location, name)
    for name, parameter in runbook.parameters.items():
        if name not in used:
            at = parameter.location or Location(runbook.path, 1)
            yield trouble("RB406", f"parameter {name!r} is used by no step", at, name)


def _names(step: Step) -> list[tuple[str, Location]]:
    """Parameters and earlier results that a step reads, each with its place; results of its own are left out."""
    found = [(name, step.fence.at(line)) for name, line in runbook_bodies.names(step)]
    if step.reexecutes:
        found.append((step.reexecutes, step.location))
    own = frozenset(results(step)) | runbook_bodies.columns(step)
    for text, produced in ((step.expect, own), (step.unless, frozenset[str]())):
        try:
            used = expression.parse(text).names() if text else []
        except expression.ExpressionError:
            continue
        found += [(name, step.location) for name in used if name.split(".")[0] not in produced and "*" not in produced]
    return found


def _graph(runbook: Runbook, _: Facts) -> Iterator[Trouble]:
    ids = [s.id for s in runbook.steps]
    for step in runbook.steps:
        for attribute in ("on_failure", "then"):
            target = getattr(step, attribute)
            if target and target not in ids:
                message = f"{attribute}={target!r}: no such step{hint(target, ids)}"
                yield trouble("RB410", message, step.location, target)
        handler = runbook.step(step.on_failure)
        if handler is not None and not handler.recovery:
            message = f"on_failure={step.on_failure!r} has to be a step with the attribute `recovery`"
            yield trouble("RB403", message, step.location, step.on_failure)
    if len(set(ids)) < len(ids):
        return  # with two steps of one name there is no order to speak of
    reached = _reached(runbook)
    for step in runbook.steps:
        if step.id not in reached:
            cause = "no on_failure names it" if step.recovery else "the steps before it lead past it"
            yield trouble("RB407", f"step {step.id!r} is never reached: {cause}", step.location, step.id)
    yield from _cycles(runbook)


def _reached(runbook: Runbook) -> set[str]:
    first = next((s.id for s in runbook.steps if not s.recovery), "")
    reached: set[str] = set()
    waiting = [first] if first else []
    while waiting:
        step = runbook.step(waiting.pop())
        if step is not None and step.id not in reached:
            reached.add(step.id)
            waiting += runbook.successors(step)
    return reached


def _cycles(runbook: Runbook) -> Iterator[Trouble]:
    done: set[str] = set()
    for start in runbook.steps:
        path: list[str] = []

        def walk(step_id: str, path: list[str] = path) -> list[str]:
            if step_id in path:
                return [*path[path.index(step_id) :], step_id]
            step = runbook.step(step_id)
            if step is None or step_id in done:
                return []
            path.append(step_id)
            circle = next((c for target in runbook.successors(step) if (c := walk(target))), [])
            path.pop()
            done.add(step_id)
            return circle

        if circle := walk(start.id):
            yield trouble("RB411", "steps in a circle: " + " -> ".join(circle), start.location, start.id)
            return


def _expressions(runbook: Runbook, _: Facts) -> Iterator[Trouble]:
    for step in runbook.steps:
        for attribute in ("expect", "unless"):
            try:
                text = getattr(step, attribute)
                parsed = expression.parse(text) if text else None
            except expression.ExpressionError as error:
                yield trouble("RB412", f"{attribute}: {error}", step.location, text)
                continue
            if parsed is not None and attribute == "expect" and step.kind in (Kind.ASK, Kind.FACTS):
                yield trouble("RB403", f"a step of kind {step.kind} takes no `expect`", step.location, "expect")


def _order(runbook: Runbook, _: Facts) -> Iterator[Trouble]:
    """A result may be used by a step that stands below, or by a recovery step of a later one."""
    ids = [s.id for s in runbook.steps]
    for index, step in enumerate(runbook.steps):
        for name, location in _names(step):
            head, _dot, rest = name.partition(".")
            if head != "steps":
                continue
            source, _dot, field = rest.partition(".")
            if source not in ids:
                message = f"{name!r}: no such step{hint(source, ids)}; results are `steps.<id>.<field>`"
                yield trouble("RB410", message, location, name)
            elif ids.index(source) >= index:
                message = f"step {step.id!r} uses the result of {source!r}, which runs later"
                yield trouble("RB418", message, location, name)
            else:
                yield from _field(runbook.steps[ids.index(source)], field, name, location)


def _field(source: Step, field: str, name: str, location: Location) -> Iterator[Trouble]:
    """Whether a step gives the field that another one reads; only the first part, for a result may nest."""
    given = frozenset(results(source)) | runbook_bodies.columns(source)
    first = field.split(".", maxsplit=1)[0]
    if first not in given and "*" not in given:
        known = ", ".join(sorted(given))
        message = f"{name!r}: step {source.id!r} gives no {first!r}{hint(first, given)}; it gives {known}"
        yield trouble("RB420", message, location, name)


def _safety(runbook: Runbook, facts: Facts) -> Iterator[Trouble]:
    for step in runbook.steps:
        if step.is_mutating and not (step.undo or step.no_undo):
            message = f"step {step.id!r} changes something: say `undo=` (a step, a runbook) or `no_undo=` (why not)"
            yield trouble("RB408", message, step.location, step.id)
        if step.wait_s and step.is_mutating:
            message = f"step {step.id!r} changes something, so it cannot be repeated with `wait`"
            yield trouble("RB403", message, step.location, "wait")
        if step.kind is Kind.JOB and facts.jobs and step.subject not in facts.jobs:
            message = f"no Dagster job {step.subject!r}{hint(step.subject, facts.jobs)}"
            yield trouble("RB409", message, step.location, step.subject)


def _approvals(runbook: Runbook, meanings: Meanings) -> Iterator[Trouble]:
    for step in runbook.steps:
        restates = step.kind is Kind.JOB and (bool(step.reexecutes) or runbook_bodies.restates(step, meanings))
        if restates and not step.approve:
            what = "does the rest of a restatement" if step.reexecutes else "restates models"
            message = f'step {step.id!r} {what}: give it approve="<role>"'
            yield trouble("RB416", message, step.location, step.id)


def _bodies(runbook: Runbook, facts: Facts) -> Iterator[Trouble]:
    for step in runbook.steps:
        wanted = LANGUAGES.get(step.kind, ())
        if wanted and step.fence.language not in wanted:
            what = repr(step.fence.language) if step.fence.language else "no language"
            message = f"step {step.id!r} is of kind {step.kind}, so its block is {wanted[0]}, not {what}"
            yield trouble("RB403", message, step.location, step.fence.language)
        for rule, message, line, subject in runbook_bodies.problems(step, facts):
            location = step.fence.at(line) if line else step.location
            yield trouble(rule, message, location, subject)


CHECKS: tuple[Callable[[Runbook, Facts], Iterator[Trouble]], ...] = (
    _parameters,
    _graph,
    _expressions,
    _order,
    _safety,
    _bodies,
)
