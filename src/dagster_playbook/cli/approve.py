"""`playbook approve`: agree to a plan that somebody else has asked for."""

from __future__ import annotations

import json
from pathlib import Path

import click

from dagster_playbook.cli.runbook_options import (
    dagster_url_option,
    key_option,
    parameter_option,
    project_option,
    quiet_sqlmesh,
    refusals_exit_1,
    request_option,
    settings_of,
    target_option,
)


@click.command()
@click.argument("digest", required=False)
@key_option
@click.option("--hours", type=float, default=4.0, show_default=True, help="How long the approval lives.")
@request_option
@click.option("--yes", is_flag=True, help="Do not ask again after showing what is approved.")
@click.option(
    "--try-out",
    is_flag=True,
    help="Make two keys, requester and approver, and a policy that knows them, for the embedded platform only.",
)
@parameter_option
@dagster_url_option
@target_option
@project_option
def command(  # noqa: PLR0913 - one parameter an option, as click hands them over
    *,
    digest: str | None,
    key: Path | None,
    hours: float,
    request_file: Path | None,
    yes: bool,
    try_out: bool,
    given: tuple[str, ...],
    dagster_url: str,
    target: str,
    project: Path,
) -> None:
    """Sign the approval of the plan with this DIGEST, asked for by somebody else with `playbook plan --request`.

    Your own checkout plans the runbook anew, and what you are shown is that plan. Anything in which the request differs
    from it is named, and nothing is signed. Your SSH key says who you are; no option does. An approval is for one plan
    on one platform, expires, can be used once, and lapses when the runbook, its parameters, the blast radius or the
    platform's sources change. -p is needed for secret parameters alone.

    \b
    Examples:
      playbook approve 3fa2b19c07de --key ~/.ssh/id_ed25519
      playbook approve --request request.json --key ~/.ssh/id_ed25519 --hours 1
      playbook approve --try-out
    """
    from dagster_playbook.runbook.requests import make_trial_keys
    from dagster_playbook.runbook.store import Store

    quiet_sqlmesh()
    settings = settings_of(project)
    store = Store(settings.root)
    if try_out:
        folder = make_trial_keys(store)
        click.echo(f"keys and policy for the embedded platform: {folder}")
        click.echo(f"ask with --key {folder / 'requester'}, approve with --key {folder / 'approver'}")
        return
    if key is None or not (digest or request_file):
        raise click.UsageError("give the plan's DIGEST (or --request FILE) and --key")
    from dagster_playbook.approval.asking import approval_text, open_request, with_approval
    from dagster_playbook.approval.statement import signed_with
    from dagster_playbook.runbook.consent import rules_of
    from dagster_playbook.runbook.reach import run_config_of
    from dagster_playbook.runbook.requests import about
    from dagster_playbook.runbook.review import plan_anew

    with refusals_exit_1():
        envelope, policy = store.asked_for(digest or "", request_file), store.policy(target)
        request, parts = open_request(envelope, policy)
        store.ledger.look(request.nonce, holder="")
        plan = plan_anew(
            settings,
            parts,
            request.payload.get("about"),
            target=target,
            secrets=given,
            config_of=lambda run: run_config_of(settings, dagster_url, run),
        )
        # in ASCII: a letter that only looks like another one, or an escape of the terminal, is seen as what it is
        click.echo(json.dumps(about(plan), indent=2))
        reason = json.dumps(request.payload.get("reason") or "no reason given")
        click.echo(f"asked for by {request.author}: {reason}", err=True)
        if not yes:
            click.confirm(f"approve this on the platform {target!r} for {hours:g} hours?", abort=True, err=True)
        rules = rules_of(plan, policy)
        text = approval_text(envelope, policy, hours=hours, rules=rules, own=plan.digest)
        signed = signed_with(text, key, policy)
        path = store.answer(plan.digest, envelope, lambda now: with_approval(now, signed, policy, rules=rules))
    click.echo(f"approved: {path}", err=True)
