"""``pipeline-engine run``: start a stored pipeline, or a file that is not stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.documents import read_document, read_value
from pipeline_engine.cli.executions import pipeline_id, wait_and_report
from pipeline_engine.cli.output import json_option
from pipeline_engine.client import Client


class _Pair(click.ParamType[tuple[str, Any]]):
    """``name=value``; a value that is JSON is read as JSON."""

    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Any]:
        name, equals, text = str(value).partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is not name=value.", param, ctx)
        return name, read_value(text)


@click.command()
@click.argument("pipeline", metavar="FILE|NAME")
@click.option("-p", "--param", "pairs", type=_Pair(), multiple=True, help="One param; repeatable.")
@click.option(
    "--params",
    "params_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A JSON file with params.",
)
@click.option("--watch", "watching", is_flag=True, help="Show the execution until it has ended.")
@click.option(
    "--wait", "wait_seconds", type=click.FloatRange(min=0), help="Wait that long at most."
)
@click.option("--idempotency-key", help="The same key starts no second execution.")
@json_option
@connected
def run(
    client: Client,
    pipeline: str,
    pairs: tuple[tuple[str, Any], ...],
    params_file: Path | None,
    watching: bool,
    wait_seconds: float | None,
    idempotency_key: str | None,
    as_json: bool,
) -> None:
    """Start a pipeline: a stored one by its name or id, or a JSON file.

    Exit code 1 if the execution was awaited and did not end well.
    """
    params = (read_document(params_file) if params_file else {}) | dict(pairs)
    execution_id = _start(client, pipeline, params, idempotency_key)
    within = None if watching and wait_seconds is None else wait_seconds or 0.0
    wait_and_report(client, execution_id, within=within, quiet=not watching, as_json=as_json)


def _start(client: Client, pipeline: str, params: dict[str, Any], key: str | None) -> str:
    path = Path(pipeline)
    if path.suffix == ".json" or path.is_file():
        answer = client.run(read_document(path), params, idempotency_key=key)
    else:
        answer = client.start(pipeline_id(client, pipeline), params, idempotency_key=key)
    return str(answer["execution_id"])
