# expect: 5:4 nope | has no name
import click
import dagster as dg

dg.nope
click.BaseCommand
