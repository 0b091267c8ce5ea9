"""What a console block shows below its commands: the names of models in it are held like any other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dagster_playbook.claims.model import Claim
from dagster_playbook.claims.shell import output_lines
from dagster_playbook.findings import Finding
from dagster_playbook.rules.programs import programs_of
from dagster_playbook.rules.selectors import entry_findings
from dagster_playbook.rules.world import World

#: a model with its schema, perhaps with its catalog, and no part of a path or of a longer name
_NAME = re.compile(r"(?<![\w./-])(?:[A-Za-z_]\w*\.){1,2}[A-Za-z_]\w*(?![\w(])")


def output_findings(claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of the models that the output names.

    Only for a strict project: what others show is often the output of another day, or of an example.
    """
    if not world.conventions.is_strict:
        return
    for number, line in output_lines(claim.text, programs_of(world)):
        for match in _NAME.finditer(line):
            if world.is_ours(match.group()):
                where = claim.at(number, match.start() + 1, number, match.end() + 1)
                yield from entry_findings(match.group(), where, world)
