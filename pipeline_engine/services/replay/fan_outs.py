"""Fan-outs in a history: they end after their items, and as these ended."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline_engine.domain.readiness import SkipReason
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.services.replay.attempts import Row
from pipeline_engine.services.replay.recorded import Recorded

FAILURES = frozenset({StepStatus.FAILED, StepStatus.TIMEOUT})


def check_new_item(parent: Row, event: Recorded) -> Iterator[str]:
    """What an item's first event says about its fan-out."""
    if parent.end is not None:
        yield f"{parent.name} ended before its item {event.details['item_index']} began"
    if len(parent.its_items) >= parent.items:
        yield f"{parent.name} has more items than the {parent.items} that it was expanded into"


def check_end(parent: Row, *, may_be_aborted: bool) -> Iterator[str]:
    """What the end of a fan-out says about its items."""
    ends = [item.end for item in parent.its_items if item.end is not None]
    if len(ends) < parent.items:
        yield f"{parent.name} ended when {parent.items - len(ends)} of its items had not"
    failed = sum(end.end in FAILURES for end in ends)
    loop = parent.definition.for_each
    tolerated = loop.tolerates(parent.items) if loop else None
    completed = parent.end is not None and parent.end.end is StepStatus.COMPLETED
    if tolerated is not None and completed and failed > tolerated:
        yield f"{parent.name} completed with {failed} failed items, {tolerated} are tolerated"
    gave_up = failed > (tolerated or 0)
    timed_out = parent.end is not None and parent.end.end is StepStatus.TIMEOUT
    aborted = sum(end.skip_reason is SkipReason.ABORTED for end in ends)
    if aborted and not (gave_up or timed_out or may_be_aborted):
        yield f"{aborted} items of {parent.name} were stopped, and nothing had failed"
