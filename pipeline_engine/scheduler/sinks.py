"""The virtual last step: it becomes ready when all others have ended."""

from __future__ import annotations

from pipeline_engine.domain.actions import QueueName
from pipeline_engine.storage.queueing import NewStep
from pipeline_engine.storage.steps import StepKind

SINK = "__end__"  #: after the steps
LAST_SINK = "__last__"  #: after what runs when the steps have ended
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
