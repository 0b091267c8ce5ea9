"""`playbook serve`: the site with live parts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from dagster_playbook.cli.runbook_options import dagster_url_option, project_option, settings_of, target_option
from dagster_playbook.errors import PlaybookError


@click.command(epilog="Exit codes: 0 stopped, 2 the server cannot be started.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="The port.")
@click.option("--public-url", default="", metavar="URL", help="The address by which browsers reach your proxy.")
@click.option(
    "--trust-header",
    "header",
    default="",
    metavar="NAME",
    help="The header in which your proxy says who somebody is. Whoever reaches this port past the proxy is believed.",
)
@click.option(
    "--site",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="A folder with the built site; without it, the site is built first.",
)
@dagster_url_option
@target_option
@project_option
def command(  # noqa: PLR0913 - one parameter an option, as click hands them over
    *,
    host: str,
    port: int,
    public_url: str,
    header: str,
    site: Path | None,
    dagster_url: str,
    target: str,
    project: Path,
) -> None:
    """Serve the site with live parts: plan, ask, approve, run and follow each runbook from its page.

    A run is a process of its own, as `playbook run` makes it: it goes on when the browser is closed and when this
    server is stopped, and is followed by its journal. A signature is a signature here too: by a passkey, which is an
    SSH key of the policy, or in a terminal.

    Without --trust-header everybody who reaches the server is the user who has started it, so it listens on this
    machine alone. With it, roles come from the policy: `operator` plans, asks and runs, every other role looks.

    \b
    Examples:
      playbook serve
      playbook serve --public-url https://playbook.example.org --trust-header X-Forwarded-User --target production
    """
    settings = settings_of(project)
    try:
        import uvicorn

        from dagster_playbook.serve.app import make_app
        from dagster_playbook.serve.serving import Serving, is_loopback, origins_of
    except ModuleNotFoundError as error:
        cure = "install it: pip install 'dagster-playbook[serve]'"
        raise PlaybookError(f"the package {error.name!r} is not installed", cure=cure) from error
    if not header and (public_url or not is_loopback(host)):
        cure = "name the header in which your proxy says who somebody is: --trust-header NAME"
        raise PlaybookError("everybody on the network would be the user of this machine", cure=cure)
    origins = origins_of(host, port, public_url)
    folder = site.resolve() if site else _built(settings.root, settings.mkdocs)
    serving = Serving(settings.root, origins, target, dagster_url, header, folder)
    click.echo(f"{origins[-1]}/  (Ctrl-C stops the server, and no run)", err=True)
    # proxy_headers: nobody but the one named header is believed
    config = uvicorn.Config(
        make_app(serving), host=host, port=port, log_level="warning", proxy_headers=False, server_header=False,
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    uvicorn.Server(config).run()


def _built(root: Path, mkdocs: str) -> Path | None:
    """Build the site below `.playbook`; None when the project has none."""
    if not (root / mkdocs).is_file():
        return None
    folder = root / ".playbook" / "site"
    click.echo("building the site ...", err=True)
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--config-file", mkdocs, "--site-dir", str(folder)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise PlaybookError(f"the site cannot be built: {said[0]}", cure="mend it, or give --site FOLDER")
    return folder
