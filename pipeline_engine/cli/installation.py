"""Which installation a command looks at itself, past the API: its servers and settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from pipeline_engine.cli.connection import is_typed


def environment_of(ctx: click.Context, directory: Path) -> Mapping[str, str]:
    """Our environment, with that of the stack if that one is meant or serves the same database.

    Raises ``NotRunning`` if neither a database is named nor a stack runs in *directory*.
    """
    from pipeline_engine.embedded.errors import NotRunning
    from pipeline_engine.embedded.stack import Stack

    given = dict(os.environ)  # config.py alone gives meaning to it
    database = None if is_typed(ctx, "directory") else given.get("DATABASE_URL")
    try:
        stack = dict(Stack.attach(directory).environment)
    except NotRunning:
        if not database:
            raise
        return given
    return given | stack if database in (None, "", stack["DATABASE_URL"]) else given
