"""``pipeline-engine approve`` and ``approvals``: say yes or no to a step, and find what waits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.cli import completion
from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.group import example
from pipeline_engine.cli.naming import execution_id
from pipeline_engine.cli.output import age, json_option, print_json, print_line, print_table
from pipeline_engine.cli.states import mark
from pipeline_engine.domain.paths import path_of

if TYPE_CHECKING:
    from pipeline_engine.client import Client

PLACE = re.compile(
    r"(?:(?P<within>.+)/)?(?P<step_id>[^\[\]/]+)(?:\[(?P<item_index>\d{1,9})\])?", re.ASCII
)


class _Place(click.ParamType[dict[str, Any]]):
    """A step, or one item of it: ``deploy`` or ``deploy[2]``; in a block ``each[1]/deploy``."""

    name = "step"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        found = PLACE.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r} is neither a step nor an item like deploy[2].", param, ctx)
        index = found["item_index"]
        given = {**found.groupdict(), "item_index": None if index is None else int(index)}
        return {name: said for name, said in given.items() if said is not None}


@click.command(
    epilog=example(
        "pipeline-engine approve @last",
        'pipeline-engine approve @last --reject --reason "not on a Friday"',
    )
)
@click.argument("execution", shell_complete=completion.executions)
@click.option("--reject", is_flag=True, help="Say no: the step fails with approval_rejected.")
@click.option("--reason", help="Why; it is kept with the answer.")
@click.option("--by", help="Who says so, where the token does not; approvers are compared with it.")
@click.option(
    "--step",
    "which",
    type=_Place(),
    shell_complete=completion.steps,
    help="Which step, if several wait: deploy[2] for an item, each[1]/deploy in a block.",
)
@json_option
@connected
def approve(
    client: Client,
    execution: str,
    reject: bool,
    reason: str | None,
    by: str | None,
    which: dict[str, Any] | None,
    as_json: bool,
) -> None:
    """Approve the step of an execution that waits for an approval, or reject it.

    EXECUTION is an id, the start of one, or @last.
    """
    wanted = execution_id(client, execution)
    said = {"reason": reason, "by": by, **(which or {})}
    answer = client.answer_approval(wanted, approved=not reject, **said)
    if as_json:
        print_json(answer)
        return
    word = "no" if reject else "yes"
    step = path_of(answer["step_id"], answer["item_index"], answer.get("within"))
    print_line(mark(is_well=not reject), f"Said {word} to {step} of {wanted}")


@click.command(epilog=example("pipeline-engine approvals"))
@json_option
@connected
def approvals(client: Client, as_json: bool) -> None:
    """List the steps that wait for an approval, the oldest first.

    Those of one's own executions, and those that ask one by name or by group.
    """
    found = client.approvals()
    if as_json:
        print_json(found)
        return
    rows = (
        (
            one["execution_id"],
            path_of(one["step_id"], one["item_index"], one["within"]),
            age(one["since"]),
            _said(one),
            one["message"],
        )
        for one in found
    )
    print_table("execution", "step", "waits", "yes", "", rows=rows)


def _said(one: dict[str, Any]) -> str:
    """How many have said yes, of how many."""
    yes = sum(1 for decision in one["decisions"] if decision["approved"])
    return f"{yes} of {one['asked']['required']}"
