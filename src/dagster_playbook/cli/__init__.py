"""The command line `playbook`: each command stands in its own module and is imported only when it is asked for."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from dagster_playbook import __version__
from dagster_playbook.errors import PlaybookError
from dagster_playbook.extras import missing_extra
from dagster_playbook.stopping import StoppedError

#: command -> (module under `cli`, what it does); the order is the order of `playbook --help`.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "Look at a project, write its settings and show the first findings."),
    "check": ("check", "Check every config, command, query, name and number on the pages."),
    "coverage": ("coverage", "Tell how much of what the pages state is held, and by what."),
    "explain": ("explain", "Say what a rule holds, why, and what to do, with examples."),
    "watch": ("watch", "Check again at every save."),
    "lsp": ("lsp", "Serve findings, fixes and completion to an editor."),
    "mcp": ("mcp", "Serve an agent: check, look facts up, plan, ask for a run; it can neither approve nor run."),
    "drift": ("drift", "Change one thing at a time in a copy and see whether the check tells it."),
    "record": ("record", "Run the console blocks that pages mark, and hold their output to what is printed."),
    "facts": ("facts", "Print what the platform is: models, jobs, config, catalogs, commands, versions."),
    "schema": ("schema", "Print or write the JSON Schema of a job's run config or an op's config."),
    "plan": ("plan", "Show what a runbook would do, and what a restatement would touch; changes nothing."),
    "approve": ("approve", "Sign the approval of a plan that somebody else has asked for."),
    "reject": ("reject", "End a request that somebody has asked for, with a signed reason."),
    "run": ("run", "Run a runbook: the page is the program."),
    "resume": ("resume", "Go on with a run at the step where it was cut or failed."),
    "runs": ("runs", "List, show and verify runs."),
    "serve": ("serve", "Serve the site with live parts: plan, ask, approve, run and follow from a page."),
    "stack": ("stack", "Run the real services on this machine: Postgres, S3Proxy, Nessie, Trino, Dagster."),
    "verify": ("verify", "Compare what would be promoted with what consumers read, and refuse what changed too much."),
    "diff": ("diff", "Compare two versions of tables row by row: a restatement on a branch with production."),
    "branch": ("branch", "List and discard the branches that restatements were made on."),
    "collect-garbage": ("collect_garbage", "Delete files of the lake that no reference and no kept commit reaches."),
    "new": ("new", "Write a source asset, or a seed with its staging model, and run it."),
    "sample": ("sample", "Profile a sample of a BigQuery table: costed, capped, personal fields masked."),
    "lint-warehouse": ("lint_warehouse", "Hold assets, seeds and staging models to the rules of .cursor/rules."),
    "pr-check": ("pr_check", "Run what a reviewer would and write the pull request's body with the evidence."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is run, so that `--help` and `check` stay quick."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; one that was stopped has no verdict, and ends as a shell says it: with 130 for Ctrl-C."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            click.echo("stopped", err=True)
            ctx.exit(error.exit_code if isinstance(error, StoppedError) else 130)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command, or None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"dagster_playbook.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with the table's own words, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Say which command was probably meant when there is none of that name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from dagster_playbook.nearness import nearest

            near = nearest(args[0], frozenset(COMMANDS))
            hint = f" Did you mean {near!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="playbook")
def group() -> None:
    """Documentation that cannot lie, and runbooks that run from the page's own text.

    Every config, command, query, name and number on the pages is held to the real Dagster code location, the
    real SQLMesh project and the services that they speak of.

    Exit codes: 0 clean, 1 findings (or a refused step), 2 could not look.
    """


def main(argv: list[str] | None = None) -> Any:
    """Run the command line; a `PlaybookError` or a missing extra is one line on stderr and exit code 2."""
    try:
        return group.main(args=argv, prog_name="playbook")
    except PlaybookError as error:
        _tell(error)
    except ModuleNotFoundError as error:
        words = [word for word in (argv or sys.argv[1:]) if word in COMMANDS]
        missing = missing_extra(error, f"playbook {words[0]}" if words else "this")
        if missing is None:
            raise
        _tell(missing)
    sys.exit(2)


def _tell(error: PlaybookError) -> None:
    click.echo(click.style("error: ", fg="red", bold=True) + str(error), err=True)
