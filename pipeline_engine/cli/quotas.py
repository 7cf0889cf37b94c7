"""``pipeline-engine quotas``: how much one may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import json_option, print_json, print_table

if TYPE_CHECKING:
    from pipeline_engine.client import Client

import click


@click.command(epilog=example("pipeline-engine quotas"))
@json_option
@connected
def quotas(client: Client, as_json: bool) -> None:
    """Say how much one may have, and has."""
    found = client.quotas()
    if as_json:
        print_json(found)
        return
    rows = (
        (one["name"], f"{one['used']:,}", "none" if one["limit"] is None else f"{one['limit']:,}")
        for one in found["quotas"]
    )
    print_table("quota", "used", "limit", rows=rows)
