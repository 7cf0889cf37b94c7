"""``pipeline-engine doctor``: is the installation set up the way the engine needs it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline_engine.cli.connection import directory_option
from pipeline_engine.cli.group import example
from pipeline_engine.cli.installation import environment_of
from pipeline_engine.cli.output import json_option, print_json, print_line
from pipeline_engine.cli.states import mark

if TYPE_CHECKING:
    from pipeline_engine.services.doctor import Check

NOT_WELL = 1


@click.command(epilog=example("pipeline-engine doctor"))
@directory_option
@click.option("--flower-url", envvar="FLOWER_URL", help="Where Flower is, if there is one.")
@json_option
@click.pass_context
def doctor(ctx: click.Context, directory: Path, flower_url: str | None, as_json: bool) -> None:
    """Look at the servers, the workers and the settings; exit code 1 if something is not well.

    Looks at the stack in --directory if that is given, else at DATABASE_URL and REDIS_URL,
    else at the stack that runs here.
    """
    from pipeline_engine.config import Settings
    from pipeline_engine.services import Runtime
    from pipeline_engine.services import doctor as services

    environment = environment_of(ctx, directory)
    runtime = Runtime.start(Settings.from_env(environment))
    try:
        found = services.examine(runtime, flower_url=flower_url or environment.get("FLOWER_URL"))
    finally:
        runtime.stop()
    if as_json:
        print_json(asdict(found))
    else:
        _print(found.checks)
    if not found.is_well:
        ctx.exit(NOT_WELL)


def _print(checks: Sequence[Check]) -> None:
    for check in checks:
        sign = mark(is_well=check.is_well, has_remark=check.what_to_do is not None)
        print_line(sign, f"{check.name:<22}{check.says}")
        if check.what_to_do:
            print_line(f"  → {check.what_to_do}")
    wrong = sum(not check.is_well for check in checks)
    odd = sum(check.is_well and check.what_to_do is not None for check in checks)
    remark = f", {odd} worth a look" if odd else ""
    verdict = f", {wrong} not well" if wrong else ": well"
    click.echo(f"{len(checks)} checks{verdict}{remark}")
