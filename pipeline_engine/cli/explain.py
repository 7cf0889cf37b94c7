"""``pipeline-engine explain``: why an execution is not moving, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.cli import completion
from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.group import example
from pipeline_engine.cli.naming import execution_id
from pipeline_engine.cli.output import Styled, json_option, print_json, print_line, printable, when
from pipeline_engine.cli.states import state
from pipeline_engine.domain.paths import path_of

if TYPE_CHECKING:
    from pipeline_engine.client import Client


@click.command(epilog=example("pipeline-engine explain @last"))
@click.argument("execution", shell_complete=completion.executions)
@json_option
@connected
def explain(client: Client, execution: str, as_json: bool) -> None:
    """Say why an execution is not moving: what its open steps wait for, and what to do.

    EXECUTION is an id, the start of one, or @last.
    """
    found = client.explain(execution_id(client, execution))
    if as_json:
        print_json(found)
        return
    counted = ", ".join(
        f"{count} {status.lower()}" for status, count in found["open_steps"].items()
    )
    print_line(found["execution_id"], state(found["status"]), counted)
    if found["parent_execution_id"]:
        above, root = found["parent_execution_id"], found["root_execution_id"]
        print_line(f"Started by execution {above}, in the tree of {root}")
    if found["descendants"]:
        print_line(f"Executions started below it: {found['descendants']}")
    for finding in found["findings"]:
        _print(finding)


def _print(finding: dict[str, Any]) -> None:
    step_id, name = finding["step_id"], "execution"
    if step_id is not None:
        name = path_of(step_id, finding["item_index"], finding.get("within"))
    print_line()
    print_line(Styled(printable(name), "bold"), Styled(finding["code"], "cyan"))
    print_line(f"  {finding['because']}")
    if finding["since"]:
        print_line(Styled(f"  since {when(finding['since'])}", "dim"))
    print_line(f"  → {finding['what_to_do']}")
