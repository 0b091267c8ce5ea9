"""The tables of the runbook format and of approvals as Markdown, for their reference pages.

A page holds each between `<!-- table: NAME -->` and `<!-- /table -->`;
`python -m dagster_playbook.claims.runbook_tables PAGE` writes them there anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from dagster_playbook.claims import runbook_model as model
from dagster_playbook.claims.runbook_model import Kind
from dagster_playbook.claims.runbook_operations import LANGUAGES, OPERATIONS, RESULTS
from dagster_playbook.durable import write_whole

_BLOCK = re.compile(r"(<!-- table: ([a-z]+) -->\n).*?(<!-- /table -->)", re.DOTALL)
_KINDS = {
    Kind.JOB: "runs the Dagster job with the block as its run config, and waits for its end",
    Kind.COMMAND: "runs one command, as a list of arguments and without a shell",
    Kind.QUERY: "asks an engine one SELECT; the columns of its first row are fields of the result, too",
    Kind.NESSIE: "reads or moves a Nessie reference",
    Kind.DAGSTER: "looks at the runs of the instance, or cancels one",
    Kind.FACTS: "holds facts of the platform to the values beside them",
    Kind.ASK: "asks the person who runs it",
}
_TYPES = {
    "string": "a text of one line",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "date": "a day, as in 2026-01-31",
    "hash": "a hash of Nessie",
    "model": "a model with its schema in front",
    "selector": "a SQLMesh selector",
    "category": "an entity category",
}


_VARIABLES = {
    "PLAYBOOK_TARGET": "the platform's name in approvals; embedded when unset",
    "PLAYBOOK_APPROVERS": "the folder with allowed_signers and roles.toml, for the command line and for the op",
    "PLAYBOOK_LEDGER": "the op's ledger of spent approvals, on storage that all run workers share",
    "PLAYBOOK_APPROVER_ROLE": "the role that the op asks for where the policy names none; approver when unset",
    "OSO_RESTATEMENT_APPROVAL": "off for a deployment whose restatements need no approval, such as a developer's own",
    "DAGSTER_WEBSERVER_URL": "the deployed Dagster on which jobs run, instead of the embedded instance",
    "DAGSTER_TOKEN": "the token that the deployed Dagster asks for; written down nowhere",
}


def tables() -> dict[str, str]:
    """Name of a table -> its Markdown."""
    steps = [(_code(kind), ", ".join(_languages(kind)), _KINDS[kind], _fields(RESULTS.get(kind, ()))) for kind in Kind]
    operations = [
        (_code(f'{kind}="{name}"'), found.does, _keys(name, kind), _fields(found.results))
        for (kind, name), found in OPERATIONS.items()
    ]
    attributes = ((_code(name), _bold(says)) for name, says in model.ATTRIBUTES.items())
    return {
        "attributes": _table(("Attribute", "What it says"), attributes),
        "types": _table(("Type", "A value is"), ((_code(name), _TYPES[name]) for name in model.SCALAR_TYPES)),
        "kinds": _table(("Kind", "Language", "What it does", "Result"), steps),
        "operations": _table(("Step", "What it does", "Keys", "Result"), operations),
        "variables": _table(("Variable", "What it says"), ((_code(k), v) for k, v in _VARIABLES.items())),
        "needs": _table(("Key", "Values"), [
            (_code("risk"), _fields(model.RISKS)), (_code("needs"), _fields(model.NEEDS)),
        ]),
    }  # fmt: skip


def filled(page: str) -> str:
    """A page's text with its tables made anew.

    Raises:
        KeyError: the page has a place for a table that does not exist.
    """
    known = tables()
    return _BLOCK.sub(lambda found: f"{found[1]}\n{known[found[2]]}\n\n{found[3]}", page)


def _languages(kind: Kind) -> Sequence[str]:
    return LANGUAGES.get(kind, model.COMMAND_LANGUAGES)


def _keys(name: str, kind: Kind) -> str:
    keys = OPERATIONS[kind, name].keys
    return "; ".join(f"{_code(key)}: {found.help}" for key, found in keys.items())


def _fields(names: Iterable[str]) -> str:
    return ", ".join(map(_code, names)) or "what the operation gives"


def _code(text: str) -> str:
    """Bold, not an inline code span: these are words of this format, and no name of the platform."""
    return f"**{text}**"


def _bold(text: str) -> str:
    """A text of the tables with its code spans in bold."""
    return re.sub(r"`([^`]*)`", r"**\1**", text)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    write_whole(target, filled(target.read_text(encoding="utf-8")), mode=0o644)
