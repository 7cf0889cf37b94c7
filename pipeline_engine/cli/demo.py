"""``pipeline-engine demo``: guardrails on a stack of its own, with a worker killed on the way."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline_engine.cli.group import example

UNTRUE = 1


@click.command(epilog=example("pipeline-engine demo --once"))
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".pipeline/demo"),
    show_default=True,
    help="Where the demo's stack keeps its data and logs.",
)
@click.option("--once", is_flag=True, help="Stop the stack when the job is done.")
@click.option("--flower", is_flag=True, help="Run Flower too.")
@click.pass_context
def demo(ctx: click.Context, directory: Path, once: bool, flower: bool) -> None:
    """Deploy guardrails while a worker is killed; exit code 0 if nothing was lost or left."""
    from pipeline_engine.cli.performance import play

    ctx.exit(0 if play(directory, once=once, flower=flower) else UNTRUE)
