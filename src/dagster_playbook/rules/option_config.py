"""DG: run config that a command carries in an option, held like a block of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from dagster_playbook.claims.embedded_config import claim_of_word
from dagster_playbook.claims.model import Claim
from dagster_playbook.claims.shell import Word
from dagster_playbook.findings import Finding
from dagster_playbook.rules import run_config
from dagster_playbook.rules.option_types import WRONG_VALUE
from dagster_playbook.rules.world import World

#: options of Dagster that take run config itself, and those that take the path of a file with it
_TEXT, _FILE = "--config-json", "--config"
_JOB = "--job"


def config_findings(path: str, values: Sequence[tuple[str, Word]], claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of the run config in `dagster job launch --config-json '{...}'`.

    Args:
        path: the command as it is called.
        values: the options that were given, by their longest spelling.
    """
    if not path.startswith("dagster "):
        return
    job = next((word.text for name, word in values if name == _JOB and word.is_known), "")
    for name, word in values:
        is_inline = name == _FILE and word.text.lstrip().startswith("{")
        if not word.is_known or not (name == _TEXT or is_inline):
            continue
        if is_inline:
            where = claim.at(word.line, word.column, word.line, word.end_column)
            message = f"{path} {_FILE} takes the path of a file; {_TEXT} takes the config itself"
            yield WRONG_VALUE.finding(where, message, subject=_FILE, evidence=f"{path} --help")
        if not is_inline and (told := _json_problem(word.text)):
            where = claim.at(word.line, word.column, word.line, word.end_column)
            yield WRONG_VALUE.finding(where, f"{path} {name} {told}", subject=name, evidence="JSON")
        yield from run_config.embedded_findings(claim_of_word(claim, word, job), world)


def _json_problem(text: str) -> str:
    if re.search(r"\.\.\.|…|<\w", text):
        return ""
    try:
        found = json.loads(text)
    except ValueError as error:
        return f"takes JSON, and this is none: {error}"
    return "" if isinstance(found, dict) else "takes a JSON object"
