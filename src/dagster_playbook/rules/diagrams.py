"""PB: Mermaid blocks: a diagram type that Mermaid has, and names of models in it that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.findings import Finding, Rule
from dagster_playbook.rules.selectors import entry_findings
from dagster_playbook.rules.world import World, did_you_mean

KINDS = frozenset({Kind.DIAGRAM})

NOT_MERMAID = Rule(
    "PB020", "not-mermaid", "A Mermaid block that begins with no diagram type, or whose brackets do not match."
)

RULES = (NOT_MERMAID,)

_TYPES = frozenset(
    """flowchart graph sequenceDiagram classDiagram stateDiagram stateDiagram-v2 erDiagram journey gantt pie
    quadrantChart requirementDiagram gitGraph mindmap timeline sankey-beta xychart-beta block-beta packet-beta
    architecture-beta kanban""".split()
)
_CLOSING = {")": "(", "]": "[", "}": "{"}


def check(claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of a diagram."""
    lines = claim.text.split("\n")
    first = next(
        ((n, line) for n, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("%%")), (1, "")
    )
    word = first[1].split()[0].rstrip(":") if first[1].split() else ""
    if word not in _TYPES:
        message = f"{word!r} is no Mermaid diagram type{did_you_mean(word, _TYPES)}"
        yield NOT_MERMAID.finding(claim.at(first[0]), message, subject=word, evidence="Mermaid")
        return
    for number, line in enumerate(lines, 1):
        if number > first[0] and _unbalanced(line):
            yield NOT_MERMAID.finding(claim.at(number), "the brackets of this line do not match", subject=line.strip())
        for match in re.finditer(rf"\b{re.escape(world.conventions.schema or '-')}\.\w+", line):
            where = claim.at(number, match.start() + 1, number, match.end() + 1)
            yield from entry_findings(match.group(), where, world)


def _unbalanced(line: str) -> bool:
    """Whether brackets outside of quotes do not match; `}|` of entity relations and `{` of blocks are left alone."""
    text = re.sub(r'"[^"]*"', "", line)
    if re.search(r"[}|o][|o]--|--[|o][{|o]", text) or text.rstrip().endswith("{") or text.strip() == "}":
        return False
    stack: list[str] = []
    for char in re.sub(r"-->|->>|>\]|-\)", "", text):
        if char in "([{":
            stack.append(char)
        elif char in _CLOSING and (not stack or stack.pop() != _CLOSING[char]):
            return True
    return bool(stack)
