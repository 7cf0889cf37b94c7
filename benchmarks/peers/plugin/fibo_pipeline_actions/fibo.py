"""A naive Fibonacci number, declared in all the ways that an author may choose."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.peers.inside import work
from pipeline_engine.sdk import (
    ActionContext,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    QueueName,
    register_action,
)

NUMBER = ParamType.NUMBER
OUTPUTS = (OutputDefinition(name="found", type="integer"),)
META = ActionMeta(
    type="fibo",
    name="Fibonacci",
    category="Benchmark",
    description="Compute a Fibonacci number in the naive way.",
    params=(
        ParamDefinition(name="number", label="Number of the step", type=NUMBER, required=True),
        ParamDefinition(name="n", label="Place in the series", type=NUMBER, required=True),
    ),
    outputs=OUTPUTS,
    queue=QueueName.CPU,
)
JOIN = ActionMeta(
    type="fibo_join",
    name="Sum",
    category="Benchmark",
    description="Add up what the items found.",
    params=(
        ParamDefinition(name="items", label="Number of items", type=NUMBER, required=True),
        ParamDefinition(name="results", label="Results", type=ParamType.JSON, required=True),
    ),
    outputs=OUTPUTS,
    cheap=True,
)


@register_action(META)
class Fibo(BaseActionExecutor):
    """A blocking step of its own: one message, one transaction before and one after it."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Compute."""
        found = work.do_step(context.params["number"], context.params["n"])
        return ActionResult(success=True, outputs={"found": found})


@register_action(replace(META, type="fibo_once", idempotent=False))
class FiboOnce(Fibo):
    """A blocking step that must not be repeated: its claim is on the disk before it runs."""


@register_action(replace(META, type="fibo_cheap", queue=None, cheap=True))
class FiboCheap(Fibo):
    """A step that never waits: it shares messages and transactions with others."""


@register_action(JOIN)
class Join(BaseActionExecutor):
    """Adding up is cheap whatever the items did."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Add up."""
        numbers = [result["outputs"]["found"] for result in context.params["results"]]
        found = work.do_join(context.params["items"], numbers)
        return ActionResult(success=True, outputs={"found": found})
