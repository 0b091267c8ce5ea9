"""What a runbook is: parameters and steps, read from a page that people read too.

The words for types, kinds and attributes stand here once: the parser, the rules, the JSON Schema and the reference
page are all made from these tables.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Fence

#: what a parameter's value may be; `list[...]` of each is allowed too
SCALAR_TYPES = ("string", "integer", "number", "boolean", "date", "hash", "model", "selector", "category")
RISKS = ("low", "medium", "high")
#: what a runbook may need to be there before it starts
NEEDS = ("sqlmesh", "dagster", "duckdb", "trino", "nessie", "bigquery", "stack", "git")
RUNBOOK_KEYS = ("owner", "risk", "needs", "timeout", "parameters")
PARAMETER_KEYS = ("type", "default", "example", "choices", "help", "secret")

#: attribute of a step's fence -> what it says
ATTRIBUTES = {
    "id": "the step's name; a fence without one is no step but an illustration",
    "job": "run this Dagster job with the YAML of the fence as its run config",
    "reexecutes": "the parameter that holds the id of the failed run that a job step re-executes",
    "query": "ask this engine the SQL of the fence: duckdb, trino, bigquery, or the warehouse that the models are in",
    "nessie": "ask or change Nessie: reference, history, commits or assign",
    "dagster": "ask or change Dagster: runs, remaining or cancel",
    "facts": "hold the facts named in the fence to the values beside them: `equal`",
    "ask": "ask the person who runs it; the step succeeds on this answer, any answer when it is empty",
    "expect": "an expression that has to hold for the step to succeed",
    "unless": "an expression; the step is skipped when it holds",
    "wait": "repeat the step until it succeeds, at most for this long",
    "every": "pause between two attempts of a waiting step",
    "timeout": "the longest time that the step may take",
    "approve": "the role that has to approve the plan before this step may run; `approver` when it is empty",
    "on_failure": "the id of the recovery step to go on with when this one fails",
    "then": "the id of the step to go on with after this one, further down",
    "recovery": "this step runs only as the `on_failure` of another",
    "undo": "how to take back what a mutating step has done: a step's id, a runbook, or a sentence",
    "no_undo": "why a mutating step cannot or need not be taken back",
    "changes": "`nothing` for a command that only looks",
}
ENGINES = ("warehouse", "duckdb", "trino", "bigquery")
NESSIE_READS = ("reference", "history", "commits")
NESSIE_WRITES = ("assign",)
DAGSTER_READS = ("runs", "remaining")
DAGSTER_WRITES = ("cancel",)
COMMAND_LANGUAGES = ("sh", "bash", "shell", "console")


class Kind(enum.StrEnum):
    """What a step does."""

    JOB = "job"
    COMMAND = "command"
    QUERY = "query"
    NESSIE = "nessie"
    DAGSTER = "dagster"
    FACTS = "facts"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that the person gives, by name; `example` stands in for it when the page is checked.

    `location` is the place of its name in the front matter.
    """

    name: str
    type: str
    help: str = ""
    default: Any = None
    example: Any = None
    choices: tuple[Any, ...] = ()
    secret: bool = False
    required: bool = True
    location: Location | None = None

    @property
    def is_list(self) -> bool:
        """Whether the value is a list."""
        return self.type.startswith("list[")

    @property
    def item_type(self) -> str:
        """The type of the value, or of each item of a list."""
        return self.type[5:-1] if self.is_list else self.type

    @property
    def sample(self) -> Any:
        """A value of the right type: what the page is checked with."""
        return self.example if self.example is not None else self.default


@dataclass(frozen=True, slots=True)
class Step:
    """One fence with an id; times are seconds, 0 when not given.

    Attributes:
        subject: the job, engine or operation that its kind attribute names, "" for a command.
        approve: the role that has to approve, "" when none has to.
    """

    id: str
    kind: Kind
    subject: str
    fence: Fence
    expect: str = ""
    unless: str = ""
    on_failure: str = ""
    then: str = ""
    undo: str = ""
    no_undo: str = ""
    approve: str = ""
    reexecutes: str = ""
    recovery: bool = False
    changes_nothing: bool = False
    timeout_s: float = 0.0
    wait_s: float = 0.0
    every_s: float = 0.0

    @property
    def is_mutating(self) -> bool:
        """Whether it changes something outside the runbook."""
        if self.kind is Kind.JOB:
            return True
        if self.kind is Kind.COMMAND:
            return not self.changes_nothing
        return self.subject in (*NESSIE_WRITES, *DAGSTER_WRITES)

    @property
    def dialect(self) -> str | None:
        """sqlglot's name of a query's SQL; None for what any warehouse understands."""
        return None if self.subject == "warehouse" else self.subject or None

    @property
    def location(self) -> Location:
        """Where its fence stands."""
        return self.fence.location

    @property
    def title(self) -> str:
        """The nearest heading above it, or its id."""
        return self.fence.section[-1] if self.fence.section else self.id


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that keeps a page from being a sound runbook."""

    rule: str
    name: str
    message: str
    location: Location
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Runbook:
    """A page that runs; `troubles` is what could not be read of it."""

    path: str
    title: str
    owner: str
    risk: str
    needs: tuple[str, ...] = ()
    timeout_s: float = 0.0
    parameters: dict[str, Parameter] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    troubles: tuple[Trouble, ...] = ()

    def step(self, step_id: str) -> Step | None:
        """The step of that id."""
        return next((s for s in self.steps if s.id == step_id), None)

    def successors(self, step: Step) -> list[str]:
        """The ids of the steps that may come directly after it."""
        following = step.then or self._next_in_order(step)
        return [target for target in (following, step.on_failure) if target]

    def following(self, step: Step) -> str:
        """The id of the step that comes after it when it succeeds, "" at the end."""
        return step.then or self._next_in_order(step)

    def _next_in_order(self, step: Step) -> str:
        """Recovery steps stand aside: the order leads past them, and ends after one."""
        if step.recovery:
            return ""
        index = self.steps.index(step)
        return next((s.id for s in self.steps[index + 1 :] if not s.recovery), "")
