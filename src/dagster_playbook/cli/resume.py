"""`playbook resume`: go on with a run that was cut."""

from __future__ import annotations

from pathlib import Path

import click

from dagster_playbook.cli.runbook_options import (
    Opened,
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
    stops_told,
    take_over_option,
    tell_of_broken,
)


@click.command()
@click.argument("run", default="last")
@click.option("--again", default="", metavar="STEP", help="Run this step once more, though its first end is not known.")
@click.option("--done", default="", metavar="STEP", help="Take this step as done: you have looked, and it is.")
@take_over_option
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
    take_over: str,
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
    opened = Opened(tell)
    options = Options(asker(answers), opened, progress, dagster_url, again, done, key, take_over)
    secrets = dict(text.partition("=")[::2] for text in given)
    with refusals_exit_1(), stops_told(lambda: opened.run or run):
        tell_of_broken(settings, run)
        run_id, state = resume(settings, run, options, secrets=secrets)
    closing(run_id, state, output)
