"""The command line: one file per noun, each added here by name."""

from __future__ import annotations

from typing import Any

import click

from pipeline_engine import __version__
from pipeline_engine.cli.actions import actions
from pipeline_engine.cli.db import db
from pipeline_engine.cli.demo import demo
from pipeline_engine.cli.doctor import doctor
from pipeline_engine.cli.executions import cancel, executions, show, watch
from pipeline_engine.cli.explain import explain
from pipeline_engine.cli.pipelines import pipelines
from pipeline_engine.cli.run import run
from pipeline_engine.cli.stack import down, env, reset, status, up
from pipeline_engine.cli.validate import validate
from pipeline_engine.client import ApiRefused, ApiUnreachable
from pipeline_engine.embedded.errors import AlreadyRunning, NotRunning
from pipeline_engine.errors import NotFound, PipelineEngineError

FAILED = 1
EXIT_CODES: dict[type, int] = {
    NotRunning: 3,
    ApiUnreachable: 3,
    AlreadyRunning: 4,
    ApiRefused: 4,
    NotFound: 4,
}


class _Commands(click.Group):
    """Prints our own errors as a sentence; anything else is a fault and keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PipelineEngineError as error:
            code = error.stable_code if isinstance(error, ApiRefused) else error.code
            click.echo(f"{error} [{code}]", err=True)
            ctx.exit(
                next(
                    (EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), FAILED
                )
            )


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pipeline-engine")
def main() -> None:
    """Durable pipelines on Celery: rows decide, Celery only carries."""


for command in (up, down, status, reset, env, demo, doctor, db):
    main.add_command(command)
for command in (validate, run, watch, show, explain, executions, cancel, actions, pipelines):
    main.add_command(command)
