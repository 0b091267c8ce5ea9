"""`playbook explain`: a rule's page in the terminal."""

from __future__ import annotations

import json
import sys

import click


@click.command(epilog="Exit codes: 0 told, 2 no such rule.")
@click.argument("rule", required=False)
@click.option("--all", "every", is_flag=True, help="Every rule's page, as the site's reference page.")
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
    """
    from dagster_playbook.rules import RULES, reference

    if rule is not None and every:
        raise click.UsageError("name one rule, or ask for --all")
    chosen = [reference.find_rule(rule)] if rule is not None else list(RULES.values())
    if form == "json":
        with_pages = rule is not None or every
        click.echo(json.dumps([_plain(item.code, with_pages) for item in chosen], indent=2, ensure_ascii=False))
    elif every:
        _show(reference.reference(), markdown)
    elif rule is not None:
        _show(reference.page_of(chosen[0].code), markdown)
    else:
        width = max(len(item.name) for item in chosen)
        click.echo("\n".join(f"{item.code}  {item.name:<{width}}  {item.summary}" for item in chosen))


def _plain(code: str, with_page: bool) -> dict[str, str]:
    from dagster_playbook.rules import RULES, reference

    rule = RULES[code]
    told = {"code": code, "name": rule.name, "severity": str(rule.severity), "summary": rule.summary}
    return told | ({"page": reference.page_of(code)} if with_page else {})


def _show(page: str, markdown: bool) -> None:
    """Rendered for a person at a terminal, as it is written for everything else."""
    if markdown or not sys.stdout.isatty():
        click.echo(page, nl=not page.endswith("\n"))
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(page))
