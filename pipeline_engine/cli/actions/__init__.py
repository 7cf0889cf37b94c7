"""``pipeline-engine actions``: what steps can do, and how authors make more of it."""

from __future__ import annotations

import click

from pipeline_engine.cli.actions.alone import try_action
from pipeline_engine.cli.actions.catalogue import list_actions, show_action
from pipeline_engine.cli.actions.check import check_action
from pipeline_engine.cli.actions.new import new_action


@click.group()
def actions() -> None:
    """List the installed actions, and write, try and check your own."""


for command in (list_actions, show_action, new_action, try_action, check_action):
    actions.add_command(command)
