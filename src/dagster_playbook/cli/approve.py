"""`playbook approve`: agree to a plan that somebody else has asked for."""

from __future__ import annotations

import json
from pathlib import Path

import click

from dagster_playbook.cli.runbook_options import key_option, project_option, refusals_exit_1, settings_of


@click.command()
@click.argument("digest", required=False)
@key_option
@click.option("--hours", type=float, default=4.0, show_default=True, help="How long the approval lives.")
@click.option(
    "--request", "request_file", type=click.Path(path_type=Path, exists=True), help="A request sent to you as a file."
)
@click.option("--yes", is_flag=True, help="Do not ask again after showing what is approved.")
@click.option(
    "--try-out",
    is_flag=True,
    help="Make two keys, requester and approver, and a policy that knows them, for the embedded platform only.",
)
@project_option
def command(  # noqa: PLR0913 - one parameter an option, as click hands them over
    *,
    digest: str | None,
    key: Path | None,
    hours: float,
    request_file: Path | None,
    yes: bool,
    try_out: bool,
    project: Path,
) -> None:
    """Sign the approval of the plan with this DIGEST, asked for by somebody else with `playbook plan --request`.

    Your SSH key says who you are; no option does. An approval is for one plan on one platform, expires, can be used
    once, and lapses when the runbook, its parameters, the blast radius or the platform's sources change.

    \b
    Examples:
      playbook approve 3fa2b19c07de --key ~/.ssh/id_ed25519
      playbook approve --request request.json --key ~/.ssh/id_ed25519 --hours 1
      playbook approve --try-out
    """
    from dagster_playbook.approval.envelope import payload_of
    from dagster_playbook.approval.grant import approve
    from dagster_playbook.runbook.requests import make_trial_keys
    from dagster_playbook.runbook.store import Store, read_envelope_file

    store = Store(settings_of(project).root)
    if try_out:
        folder = make_trial_keys(store)
        click.echo(f"keys and policy for the embedded platform: {folder}")
        click.echo(f"ask with --key {folder / 'requester'}, approve with --key {folder / 'approver'}")
        return
    if key is None or not (digest or request_file):
        raise click.UsageError("give the plan's DIGEST (or --request FILE) and --key")
    with refusals_exit_1():
        envelope = read_envelope_file(request_file) if request_file else store.read_envelope(digest or "")[1]
        asked = payload_of(envelope.request)
        if digest and not str(asked.get("digest", "")).startswith(digest):
            raise click.UsageError(f"the request is for {asked.get('digest')}, not for {digest}")
        click.echo(json.dumps(asked.get("about", {}), indent=2, ensure_ascii=False))
        if not yes:
            click.confirm(
                f"approve this on the platform {asked.get('target')!r} for {hours:g} hours?", abort=True, err=True
            )
        approved = approve(envelope, key, store.policy(str(asked.get("target"))), hours=hours)
    path = store.write_envelope(str(asked["digest"]), approved)
    click.echo(f"approved: {path}", err=True)
