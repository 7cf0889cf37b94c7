"""``pipeline-engine schema``: what a document may hold, as JSON Schema for editors."""

from __future__ import annotations

import click

from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import keep_log_apart, print_json


@click.command(epilog=example("pipeline-engine schema --action http_request"))
@click.option("--action", metavar="TYPE", help="Of the params of this action only.")
def schema(action: str | None) -> None:
    """Print the JSON Schema of a pipeline document, with the actions installed here.

    It needs no API. Kept in a file, it has editors check and complete the documents that name
    that file in "$schema".
    """
    from pipeline_engine.registry import Registry, Terms
    from pipeline_engine.services.definitions import schema_for_editors, schema_of_params

    keep_log_apart()
    registry = Registry.discover(terms=Terms.from_env())
    print_json(schema_of_params(registry, action) if action else schema_for_editors(registry))
