"""``pipeline-engine marketplace``: packages of actions from others, and one's own for others."""

from __future__ import annotations

import click

from pipeline_engine.cli.marketplace.installing import install, update
from pipeline_engine.cli.marketplace.looking import list_packages, search, show
from pipeline_engine.cli.marketplace.publishing import keygen, publish, sign, yank
from pipeline_engine.cli.output import keep_log_apart


@click.group()
def marketplace() -> None:
    """Find, install and publish packages of actions.

    PIPELINE_MARKETPLACE_SOURCES names the sources. No stack has to run.
    """
    keep_log_apart()


for command in (search, show, install, list_packages, update, keygen, publish, yank, sign):
    marketplace.add_command(command)
