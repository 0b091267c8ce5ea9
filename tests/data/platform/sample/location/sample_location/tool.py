"""A command tree of the project itself."""

import click


@click.group()
def cli() -> None:
    """Look after the shop."""


@cli.command()
@click.argument("shop")
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text")
@click.option("--tag", multiple=True)
@click.option("--yes/--no", "-y", default=False)
def count(shop: str, output: str, tag: tuple[str, ...], yes: bool) -> None:
    """Count the orders of one shop."""
    click.echo(f"{shop} {output} {tag} {yes}")
