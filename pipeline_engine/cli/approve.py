"""``pipeline-engine approve``: say yes or no to the step that waits for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.cli import completion
from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.group import example
from pipeline_engine.cli.naming import execution_id
from pipeline_engine.cli.output import json_option, print_json, print_line
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
    word = "rejected" if reject else "approved"
    step = path_of(answer["step_id"], answer["item_index"], answer.get("within"))
    print_line(mark(is_well=not reject), f"{step} of {wanted} is {word}")
