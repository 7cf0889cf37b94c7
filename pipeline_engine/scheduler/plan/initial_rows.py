"""The rows that every execution of a revision begins with: its steps, and the sink.

They differ in their ids and in their execution only, so they are prepared once for each plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline_engine.domain.admission import Admission, answer
from pipeline_engine.domain.definitions import StepDefinition
from pipeline_engine.domain.graph import Graph
from pipeline_engine.domain.queues import QueueName
from pipeline_engine.storage.new_executions import FirstSteps
from pipeline_engine.storage.new_steps import NewStep
from pipeline_engine.storage.tables.steps import StepKind

if TYPE_CHECKING:  # a plan keeps what is made here
    from pipeline_engine.scheduler.plan.plan import Plan


def first_steps(plan: Plan) -> FirstSteps:
    """The first rows of each execution of *plan*. Raises ``UnknownAction``.

    Ranks follow the topological order, and so do the ids that they stand for: whoever locks
    successors in the order of their ids follows the graph.
    """
    graph = plan.definition.graph
    rows = first_rows(plan, graph, plan.definition.steps)
    last = len(rows) + 1
    for row in rows:
        row.successors = row.successors or [last]  # the sink waits for the leaves
    rows.append(new_sink(last, SINK, last, waits_for=len(graph.leaves)))
    return FirstSteps.of(rows)


def first_rows(plan: Plan, graph: Graph, steps: Sequence[StepDefinition]) -> list[NewStep]:
    """The rows of steps that make up a *graph*, in its order. Raises ``UnknownAction``."""
    numbers = {step.id: number for number, step in enumerate(steps, start=1)}
    ranks = {step_id: rank for rank, step_id in enumerate(graph.topological_order(), start=1)}
    return [
        _first_row(plan, plan.definition.step(i), numbers[i], ranks[i], followers)
        for i in ranks
        for followers in [[ranks[dependent] for dependent in graph.dependents(i)]]
    ]


def _first_row(
    plan: Plan, step: StepDefinition, number: int, rank: int, followers: Sequence[int]
) -> NewStep:
    planned = plan.plan(step, step.action)
    is_repeated = plan.definition.is_repeated(step.id)
    window = plan.window_of(StepKind.STEP, cheap=planned.cheap, is_repeated=is_repeated)
    admitted = answer(window=window)
    return NewStep(
        id=rank,
        step_id=step.id,
        name=step.name,
        action=planned.action,
        kind=StepKind.STEP.value,
        sequence_number=number,
        queue=planned.queue,
        cheap=planned.cheap,
        weight=step.weight,
        dependency_count=len(set(step.depends_on)),
        queued=not step.depends_on and admitted is Admission.QUEUED,
        successors=followers,
    )


SINK = "__end__"  #: after the steps
FINAL_SINK = "__last__"  #: after what runs when the steps have ended
CANCEL_SINK = "__cancelled__"  #: after what a cancel adds while that runs


def new_sink(sink_id: int, name: str, number: int, *, waits_for: int) -> NewStep:
    """A sink that waits for so many steps."""
    return NewStep(
        id=sink_id,
        step_id=name,
        name=name,
        action=name,
        kind=StepKind.SINK.value,
        sequence_number=number,
        queue=QueueName.FAST.value,
        cheap=False,
        weight=0.0,
        dependency_count=waits_for,
    )
