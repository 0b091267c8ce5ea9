"""`playbook reject`: end a request, with a reason."""

from __future__ import annotations

from pathlib import Path

import click

from dagster_playbook.cli.runbook_options import (
    key_option,
    project_option,
    refusals_exit_1,
    request_option,
    settings_of,
    target_option,
)


@click.command()
@click.argument("digest", required=False)
@key_option
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is signed, and whoever has asked will read it.")
@request_option
@target_option
@project_option
def command(
    *, digest: str | None, key: Path | None, reason: str, request_file: Path | None, target: str, project: Path
) -> None:
    """End the request for the plan with this DIGEST: it can be neither approved nor run any more.

    Whoever the policy knows may reject, also who has asked. The reason is signed, kept with the request, and written
    into the ledger. The same plan can be asked for anew, as another request.

    \b
    Examples:
      playbook reject 3fa2b19c07de --key ~/.ssh/id_ed25519 --reason "wait for the fix of the seed"
      playbook reject --request request.json --key ~/.ssh/id_ed25519 --reason "the window is too wide"
    """
    from dagster_playbook.approval.asking import rejection_text, with_rejection
    from dagster_playbook.approval.envelope import Envelope, payload_of
    from dagster_playbook.approval.statement import signed_with
    from dagster_playbook.runbook.store import Store

    store = Store(settings_of(project).root)
    if key is None or not (digest or request_file):
        raise click.UsageError("give the plan's DIGEST (or --request FILE) and --key")
    with refusals_exit_1():
        envelope, policy = store.asked_for(digest or "", request_file), store.policy(target)
        signed = signed_with(rejection_text(envelope, policy, reason=reason), key, policy)

        def rejected(now: Envelope) -> Envelope:
            made = with_rejection(now, signed, policy)
            store.reject(str(payload_of(made.request)["nonce"]), reason)
            return made

        path = store.answer(str(payload_of(envelope.request)["digest"]), envelope, rejected)
    click.echo(f"rejected: {path}", err=True)
