"""`playbook pr-check`: what a reviewer would run, and the pull request's body with the evidence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

_CHECKS = ("lint", "tests", "materialisation", "blast radius", "docs")


@click.command(epilog="Exit codes: 0 every check passed, 1 one failed, 2 could not look.")
@click.option("--base", default="", help="The revision to compare with  [default: origin/main, else main]")
@click.option("--check", "checks", multiple=True, type=click.Choice(_CHECKS), help="Run only this check; repeatable.")
@click.option("--output", type=click.Path(path_type=Path), help="Write the body to a file as well.")
@click.option("--project", "folder", default=".", type=click.Path(path_type=Path), help="The project's folder.")
@click.option("--format", "form", type=click.Choice(["markdown", "json"]), default="markdown", show_default=True)
def command(base: str, checks: tuple[str, ...], output: Path | None, folder: Path, form: str) -> None:
    """Run lint, tests, materialisation evidence, blast radius and the page check; write the body in Markdown.

    \b
    playbook pr-check
    playbook pr-check --base origin/main --output body.md
    playbook pr-check --check lint --check tests
    """
    from dagster_playbook.scaffold.change import change_of
    from dagster_playbook.scaffold.layout import layout_of
    from dagster_playbook.scaffold.pr_check import Section, body, pr_check
    from dagster_playbook.settings import find_root, load_settings

    settings = load_settings(find_root(folder))
    change = change_of(settings.root, base)
    sections: list[Section] = []
    for section in pr_check(settings, change, checks):
        click.echo(f"{section.name}: {section.verdict} ({section.evidence})", err=True)
        sections.append(section)
    text = body(change, layout_of(settings), sections)
    if output is not None:
        from dagster_playbook.scaffold import files

        root = output.resolve().parent
        files.write(root, [files.change(root, output.name, text, is_edit=True)])
    failed = [section.name for section in sections if section.verdict == "fail"]
    if form == "json":
        told = {"base": change.base, "files": list(change.files), "sections": [s.as_dict() for s in sections]}
        click.echo(json.dumps({**told, "passed": not failed}, ensure_ascii=False, indent=2))
    else:
        click.echo(text, nl=False)
    if failed:
        # the last line, which is what a runbook tells of a command that failed
        click.echo(f"failed: {', '.join(failed)}", err=True)
        sys.exit(1)
