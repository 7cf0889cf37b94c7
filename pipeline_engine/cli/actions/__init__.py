"""``pipeline-engine actions``: what steps can do, and how authors make more of it."""

from __future__ import annotations

import click

from pipeline_engine.cli.actions.alone import try_action
from pipeline_engine.cli.actions.catalogue import list_actions, show_action
from pipeline_engine.cli.actions.check import check_action
from pipeline_engine.cli.actions.new import new_action
from pipeline_engine.cli.actions.stored import action_versions, create_action, delete_action


@click.group()
def actions() -> None:
    """List the installed actions, and write, try and check your own."""


AUTHORING = (new_action, try_action, check_action)
STORED = (create_action, action_versions, delete_action)

for command in (list_actions, show_action, *AUTHORING, *STORED):
    actions.add_command(command)
