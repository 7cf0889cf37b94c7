"""``pipeline-engine explain``: why an execution is not moving, and what to do about it."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.text import Text

from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.naming import execution_id
from pipeline_engine.cli.output import json_option, print_json, printable, state, terminal
from pipeline_engine.client import Client


@click.command()
@click.argument("execution")
@json_option
@connected
def explain(client: Client, execution: str, as_json: bool) -> None:
    r"""Say why an execution is not moving: what its open steps wait for, and what to do.

    EXECUTION is an id, the start of one, or @last.

    \b
    pipeline-engine explain @last
    """
    found = client.explain(execution_id(client, execution))
    if as_json:
        print_json(found)
        return
    console = terminal()
    counted = ", ".join(
        f"{count} {status.lower()}" for status, count in found["open_steps"].items()
    )
    console.print(found["execution_id"], state(found["status"]), counted, soft_wrap=True)
    if found["parent_execution_id"]:
        above, root = found["parent_execution_id"], found["root_execution_id"]
        console.print(f"Started by execution {above}, in the tree of {root}", soft_wrap=True)
    if found["descendants"]:
        console.print(f"Executions started below it: {found['descendants']}", soft_wrap=True)
    for finding in found["findings"]:
        _print(console, finding)


def _print(console: Console, finding: dict[str, Any]) -> None:
    place = finding["step_id"] or "execution"
    if finding["item_index"] is not None:
        place += f"[{finding['item_index']}]"
    # As texts: what a step is called and says must not count as markup.
    console.print(Text(f"\n{printable(place)}", style="bold"), Text(finding["code"], style="cyan"))
    console.print(Text(f"  {printable(finding['because'])}"), soft_wrap=True)
    if finding["since"]:
        console.print(Text(f"  since {finding['since']}", style="dim"), soft_wrap=True)
    console.print(Text(f"  → {printable(finding['what_to_do'])}"), soft_wrap=True)
