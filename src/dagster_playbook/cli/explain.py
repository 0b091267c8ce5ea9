"""`playbook explain`: a rule's page in the terminal."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dagster_playbook.findings import Rule


@click.command(epilog="Exit codes: 0 told, 2 no such rule.")
@click.argument("rule", required=False)
@click.option("--all", "every", is_flag=True, help="Every rule's page, as the site's reference pages.")
@click.option("--markdown", is_flag=True, help="The page's own Markdown, also on a terminal.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Who reads it."
)
def command(rule: str | None, every: bool, markdown: bool, form: str) -> None:
    """Say what a rule holds, why it matters and what to do, with an example that fails and one that passes.

    RULE is a code or a name, as a finding tells it; without it every rule is listed.

    \b
    Examples:
      playbook explain
      playbook explain DG101
      playbook explain unknown-config-key
      playbook explain WH203
    """
    from dagster_playbook.rules import RULES, reference
    from dagster_playbook.scaffold.lint import reference as warehouse

    if rule is not None and every:
        raise click.UsageError("name one rule, or ask for --all")
    rules = RULES | warehouse.rules()
    chosen = [reference.find_rule(rule, rules)] if rule is not None else list(rules.values())
    if form == "json":
        with_pages = rule is not None or every
        click.echo(json.dumps([_plain(item, with_pages) for item in chosen], indent=2, ensure_ascii=False))
    elif every:
        _show(f"{reference.reference()}\n{warehouse.reference()}", markdown)
    elif rule is not None:
        _show(_page(chosen[0].code), markdown)
    else:
        width = max(len(item.name) for item in chosen)
        click.echo("\n".join(f"{item.code}  {item.name:<{width}}  {item.summary}" for item in chosen))


def _plain(rule: Rule, with_page: bool) -> dict[str, str]:
    told = {"code": rule.code, "name": rule.name, "severity": str(rule.severity), "summary": rule.summary}
    return told | ({"page": _page(rule.code)} if with_page else {})


def _page(code: str) -> str:
    from dagster_playbook.rules import reference
    from dagster_playbook.scaffold.lint import reference as warehouse

    return warehouse.page_of(code) or reference.page_of(code)


def _show(page: str, markdown: bool) -> None:
    """Rendered for a person at a terminal, as it is written for everything else."""
    if markdown or not sys.stdout.isatty():
        click.echo(page, nl=not page.endswith("\n"))
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(page))
