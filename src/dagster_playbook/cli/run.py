"""`playbook run`: the page is the program."""

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
    target_option,
)


@click.command()
@click.argument("runbook")
@parameter_option
@answer_option
@click.option(
    "--break-glass",
    "reason",
    default="",
    metavar="REASON",
    help="Run without a second person's approval: needs --key of somebody with the role break-glass, and is recorded.",
)
@click.option("--plan", "digest", default="", metavar="DIGEST", help="Run only if the plan still has this digest.")
@key_option
@take_over_option
@format_option
@dagster_url_option
@target_option
@project_option
def command(  # noqa: PLR0913 - one parameter an option, as click hands them over
    *,
    runbook: str,
    given: tuple[str, ...],
    answers: tuple[str, ...],
    reason: str,
    digest: str,
    key: Path | None,
    take_over: str,
    output: str,
    dagster_url: str,
    target: str,
    project: Path,
) -> None:
    """Run RUNBOOK, a page of runbooks/, step by step.

    Each step's evidence is kept in .playbook/runs/, and a journal from which a run that was cut goes on at the exact
    step. With --key its record is signed. Ctrl-C, SIGTERM and a closed terminal stop what works and write that down.
    Exit code 0: succeeded; 1: failed, recovered or refused; 2: could not; 130, 143 or 129: stopped.

    \b
    Examples:
      playbook run runbooks/run-all-assets.md
      playbook run runbooks/restate-by-model.md -p models=oso.stg_pypi__projects
      playbook run runbooks/promote-consumer.md -p commit=3fa2... --answer sure=yes --format json
    """
    from dagster_playbook.approval.envelope import RefusedError
    from dagster_playbook.runbook.plan import make_plan
    from dagster_playbook.runbook.reach import run_config_of
    from dagster_playbook.runbook.requests import write_request
    from dagster_playbook.runbook.session import Options, start

    quiet_sqlmesh()
    settings = settings_of(project)
    plan = make_plan(
        settings, runbook, given, target=target, config_of=lambda run: run_config_of(settings, dagster_url, run)
    )
    tell, progress = listener(output)
    opened = Opened(tell)
    options = Options(asker(answers), opened, progress, dagster_url, key=key, take_over=take_over)
    with refusals_exit_1():
        if digest and not plan.digest.startswith(digest):
            raise RefusedError(f"it is another plan than {digest[:12]} by now: something has changed, so plan it again")
        if reason:
            if key is None:
                raise click.UsageError("--break-glass needs --key, the SSH key that says who breaks it")
            write_request(settings.root, plan, key, reason=reason, is_break_glass=True)
        with stops_told(lambda: opened.run):
            run_id, state = start(settings, plan, options)
    closing(run_id, state, output)
