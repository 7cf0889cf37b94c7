"""``pipeline-engine whoami``: what one's token is good for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import json_option, print_json, print_line, when

if TYPE_CHECKING:
    from pipeline_engine.client import Client

import click


@click.command(epilog=example("pipeline-engine whoami"))
@json_option
@connected
def whoami(client: Client, as_json: bool) -> None:
    """Say who one is to the API, and what one may."""
    found = client.whoami()
    if as_json:
        print_json(found)
        return
    print_line(found["principal"], "acts for", found["user_id"] or "the system")
    print_line("  may    ", ", ".join(found["scopes"]) or "nothing")
    if found["user_id"]:
        print_line("  owners ", ", ".join(found["owners"]))
    if found["pipelines"] is not None:
        print_line("  only   ", ", ".join(found["pipelines"]) or "pipelines that are gone")
    if found["expires_at"]:
        print_line("  until  ", when(found["expires_at"]))
