"""``pipeline-engine open``: the console in a browser, signed in."""

from __future__ import annotations

import webbrowser
from typing import TYPE_CHECKING

import click

from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.group import example

if TYPE_CHECKING:
    from pipeline_engine.client import Client


@click.command(epilog=example("pipeline-engine open", "pipeline-engine open --print"))
@click.option("--print", "only_print", is_flag=True, help="Print the link, and open no browser.")
@connected
def open(client: Client, /, only_print: bool) -> None:  # noqa: A001  (the name of the command)
    """Open the console in a browser, by a link that signs in once within ten minutes.

    There one may what one's token may, for a week at most.
    """
    link = client.sign_in_link()
    if only_print:
        click.echo(link)
        return
    if not webbrowser.open(link):
        click.echo("There is no browser to open here. The link signs in once:", err=True)
        click.echo(link)
