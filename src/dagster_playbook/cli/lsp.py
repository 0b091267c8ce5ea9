"""`playbook lsp`: the language server."""

from __future__ import annotations

import click


@click.command(epilog="Exit codes: 0 the editor has ended the session.")
def command() -> None:
    """Show findings and fixes in an editor while you type, over standard input and output.

    Completes models, categories, jobs, ops and config keys inside code blocks; hovering tells what the platform
    knows of a name. An editor starts this command by itself; it prints nothing for people.

    \b
    Example (Helix, languages.toml):
      [language-server.playbook]
      command = "playbook"
      args = ["lsp"]
    """
    from dagster_playbook.lsp.server import make_server

    make_server().start_io()
