"""The commands of a runbook's page: what has to be there, plan, approval, run, and what to do afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from posixpath import basename

from dagster_playbook.claims.runbook import parse
from dagster_playbook.claims.runbook_model import Parameter, Runbook
from dagster_playbook.markdown.reader import read_page

#: where the site's page of a runbook puts the form that fills its commands and blocks
FORM = "<!-- site: form -->"
_KEY = "~/.ssh/id_ed25519"
#: what stands in for a date that has no example: a week
_DAYS = ("2026-01-01", "2026-01-07")


def command_lines(runbook: Runbook) -> Iterator[str]:
    """The section that leads to the run: what is needed first, then one command after the other."""
    if any(step.approve for step in runbook.steps):
        first = "**Nothing starts before somebody else has approved exactly this plan.**"
        yield from (f"{first} In the launchpad its config is refused.", "")
    yield from ("## Run it", "", "You need", "")
    yield from (f"- {need}" for need in _before(runbook))
    yield from ("", FORM, "")
    asks = any(step.approve for step in runbook.steps)
    given = _given(runbook)
    plan, run = f"playbook plan {runbook.path}{given}", f"playbook run {runbook.path}{given}"
    yield from _block("**Plan.** It shows every step and what would be touched. It changes nothing.", plan)
    if asks:
        yield from _block("**Ask** for this plan, under your own SSH key.", f"{plan} --request --key {_KEY}")
        yield from _block(
            "**Somebody else approves.** The digest stands in the last line of the plan. "
            "Their own checkout plans anew and refuses when that is another plan.",
            f"playbook approve {{{{ digest }}}} --key {_KEY}",
        )
    yield from _block("**Run.** Each step keeps its evidence.", run)
    optional = [parameter for parameter in runbook.parameters.values() if not parameter.required]
    if optional:
        names = " and ".join(f"**{parameter.name}**" for parameter in optional)
        # with scripts the form does it
        yield from ('<div class="pb-static" markdown>', "")
        yield from _block(f"With {names}:", f"playbook plan {runbook.path}{given}{_options(optional)}")
        yield from ("</div>", "")
    if any(parameter.is_list for parameter in runbook.parameters.values()):
        yield from ("A list is given by repeating its **-p**, once for each entry.", "")
    yield from _block(
        "**It failed, or was cut.** Look first, then go on at that very step.",
        "playbook runs show last\nplaybook resume",
    )


def next_lines(root: Path, runbook: Runbook) -> Iterator[str]:
    """The end of the page: what to do when it went well, when it did not, and how to take it back."""
    yield from ("## What next", "")
    yield "- **It succeeded.** `playbook runs show last` shows what each step gave; the files lie in `.playbook/runs`."
    yield (
        "- **It failed.** Read the same, repair the cause, then `playbook resume`. "
        "[Troubleshooting](../troubleshooting.md) explains refusals by their text."
    )
    for step in runbook.steps:
        if step.undo and step.undo.endswith(".md"):
            title = parse(read_page(root, step.undo)).title
            yield f"- **Take it back.** [{title}]({basename(step.undo)}) undoes the step {step.id}."
        elif step.no_undo and step.approve:
            yield f"- **Take it back.** There is no way back from the step {step.id}. {step.no_undo}"
    yield ""


def _before(runbook: Runbook) -> Iterator[str]:
    yield "a clone of this repository, and in it `make install`; then `.venv/bin` on your PATH."
    if {"dagster", "sqlmesh"} & set(runbook.needs):
        yield (
            "for production, the address of its Dagster and its name in approvals ([**DAGSTER_WEBSERVER_URL** and "
            "**PLAYBOOK_TARGET**](../reference/approvals.md#environment-variables)), and the "
            "[variables](../reference/stack.md#variables) of its services. "
            "Without them everything happens on the embedded platform of your clone."
        )
    if {"trino", "nessie", "stack"} & set(runbook.needs):
        yield "Trino and Nessie: production's, or your own by `playbook stack up`."
    if "bigquery" in runbook.needs:
        yield "a login for BigQuery: `gcloud auth application-default login`."
    roles = list(dict.fromkeys(step.approve for step in runbook.steps if step.approve))
    if roles:
        named = ", ".join(f"**{role}**" for role in roles)
        who = "[who approves here](../reference/who-approves.md)"
        yield f"somebody else with the role {named} ({who}), and a commit without changes."


def _given(runbook: Runbook) -> str:
    return _options([parameter for parameter in runbook.parameters.values() if parameter.required])


def _options(parameters: list[Parameter]) -> str:
    days = iter(_DAYS)
    texts: list[str] = []
    for parameter in parameters:
        sample = parameter.sample
        if parameter.item_type == "date" and not sample:
            sample = next(days, _DAYS[-1])
        elif isinstance(sample, bool):
            # the default would change nothing
            sample = str(not sample).lower()
        values = sample if isinstance(sample, list) else [sample or "TEXT"]
        texts += [f" -p {parameter.name}={value}" for value in values]
    return "".join(texts)


def _block(says: str, command: str) -> Iterator[str]:
    yield from (says, "", "```sh", command, "```", "")
