"""`playbook resume`: go on with a run that was cut."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dagster_playbook.cli.runbook_options import (
    answer_option,
    asker,
    closing,
    dagster_url_option,
    format_option,
    key_option,
    listener,
    parameter_option,
    project_option,
    quiet_sqlmesh,
    refusals_exit_1,
    settings_of,
)


@click.command()
@click.argument("run", default="last")
@click.option("--again", default="", metavar="STEP", help="Run this step once more, though its first end is not known.")
@click.option("--done", default="", metavar="STEP", help="Take this step as done: you have looked, and it is.")
@parameter_option
@answer_option
@key_option
@format_option
@dagster_url_option
@project_option
def command(  # noqa: PLR0913 - one parameter an option, as click hands them over
    *,
    run: str,
    again: str,
    done: str,
    given: tuple[str, ...],
    answers: tuple[str, ...],
    key: Path | None,
    output: str,
    dagster_url: str,
    project: Path,
) -> None:
    """Go on with RUN (an id, the beginning of one, or `last`) at the step where it was cut or failed.

    What was done is not done again: a Dagster job that ended well is found by its run key, one that failed is
    re-executed, and a restatement does only what is left of it. -p is needed for secret parameters alone.

    \b
    Examples:
      playbook resume
      playbook resume 20260131-120000 --again rebuild
    """
    from dagster_playbook.runbook.session import Options, resume

    quiet_sqlmesh()
    settings = settings_of(project)
    tell, progress = listener(output)
    options = Options(asker(answers), tell, progress, dagster_url, again, done, key)
    secrets = dict(text.partition("=")[::2] for text in given)
    with refusals_exit_1():
        try:
            run_id, state = resume(settings, run, options, secrets=secrets)
        except KeyboardInterrupt:
            click.echo("stopped; go on with: playbook resume last", err=True)
            sys.exit(130)
    closing(run_id, state, output)
