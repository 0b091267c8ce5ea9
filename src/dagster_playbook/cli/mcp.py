"""`playbook mcp`: a server of the Model Context Protocol."""

from __future__ import annotations

from pathlib import Path

import click

from dagster_playbook.cli.runbook_options import dagster_url_option, project_option, target_option


@click.command(epilog="Exit codes: 0 the agent has ended the session, 2 the server cannot be started.")
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="An SSH key of the agent's own, for requests; without one it can only look.",
)
@dagster_url_option
@target_option
@project_option
def command(key: Path | None, dagster_url: str, target: str, project: Path) -> None:
    """Let an agent check what it writes, look facts up, plan a runbook and ask for a run, over stdin and stdout.

    Nothing can be approved, run, resumed or cancelled there, by no option. A request is signed with the key that is
    given here; whoever owns that key cannot approve it.

    \b
    Example (an agent's list of servers):
      {"mcpServers": {"playbook": {"command": "playbook", "args": ["mcp"]}}}
    """
    from dagster_playbook.errors import PlaybookError
    from dagster_playbook.settings import find_root

    try:
        from dagster_playbook.mcp_server.server import make_server
    except ModuleNotFoundError as error:
        cure = "install it: pip install 'dagster-playbook[mcp]'"
        raise PlaybookError(f"the package {error.name!r} is not installed", cure=cure) from error
    make_server(find_root(project), key=key, target=target, dagster_url=dagster_url).run()
