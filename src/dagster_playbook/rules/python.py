"""PY: Python blocks are parsed, linted through pytest-examples, and their imports resolved; nothing is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.findings import Finding, Rule
from dagster_playbook.rules.world import World

KINDS = frozenset({Kind.PYTHON})

NOT_PYTHON = Rule("PY501", "not-python", "A Python block that does not parse.")
LINT = Rule(
    "PY502", "python-lint", "A Python block with an undefined or unused name, or another error that ruff finds."
)
UNKNOWN_IMPORT = Rule("PY503", "unknown-import", "An import or attribute that the installed packages do not have.")

RULES = (NOT_PYTHON, LINT, UNKNOWN_IMPORT)

#: what ruff is asked for: names that do not exist, not style
LINT_CODES = ("F821", "F822", "F823", "F632", "F702", "F704", "F706", "F707", "F811", "B006", "E9")


def check(claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of a Python block; of a console session only what follows the prompts."""
    source = _input_of(claim.text) if re.match(r"\s*>>> ", claim.text) else claim.text
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line, column = getattr(error, "lineno", None) or 1, getattr(error, "offset", None) or 1
        told = getattr(error, "msg", None) or str(error)
        where = claim.at(line, column)
        yield NOT_PYTHON.finding(where, f"the block is not Python: {told}", subject="python", evidence="ast")
        return
    for problem in world.authority.python_names(source).problems:
        end = (problem.column or 1) + len(problem.subject)
        where = claim.at(problem.line or 1, problem.column or 1, problem.line or 1, end)
        yield UNKNOWN_IMPORT.finding(where, problem.message, subject=problem.subject, evidence="installed packages")
    for problem in world.documents.lint_python(source).problems:
        where = claim.at(problem.line or 1, problem.column or 1)
        yield LINT.finding(where, f"{problem.subject}: {problem.message}", subject=problem.subject, evidence="ruff")


def _input_of(session: str) -> str:
    """The input of a console session, each line where it was, so that lines hold."""
    lines = []
    for line in session.split("\n"):
        match = re.match(r"\s*(?:>>>|\.\.\.) ?", line)
        lines.append(line[match.end() :] if match else "")
    return "\n".join(lines)
