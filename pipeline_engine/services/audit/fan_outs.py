"""Fan-outs in a history: they end after their items, and as these ended."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline_engine.domain.readiness import SkipReason
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.scheduler.advance.fan_out import STOPPED
from pipeline_engine.services.audit.attempts import Row
from pipeline_engine.services.audit.findings import Disagreement, Finding

FAILURES = frozenset({StepStatus.FAILED, StepStatus.TIMEOUT})


def check_new_item(parent: Row, item: Row) -> Iterator[Finding]:
    """What an item's first event says about its fan-out."""
    if parent.end is not None:
        yield item.differs(
            Disagreement.WRONG_ITEMS,
            found="it began after its fan-out had ended",
            expected="that it ends first",
        )
    if len(parent.its_items) >= parent.items:
        yield item.differs(
            Disagreement.WRONG_ITEMS,
            found=f"it is item number {len(parent.its_items) + 1}",
            expected=f"{parent.items} items, as many as were made",
        )


def check_end(parent: Row, *, may_be_aborted: bool) -> Iterator[Finding]:
    """What the end of a fan-out says about its items."""
    ends = [item.end for item in parent.its_items if item.end is not None]
    if len(ends) < parent.items:
        yield parent.differs(
            Disagreement.WRONG_ITEMS,
            found=f"it ended when {parent.items - len(ends)} of its items had not",
            expected="that its items end first",
        )
    failed = sum(end.end in FAILURES for end in ends)
    loop = parent.definition.for_each
    tolerated = loop.tolerates(parent.items) if loop else None
    end = parent.end
    caught = end is not None and end.caught is not None
    completed = end is not None and end.end is StepStatus.COMPLETED and not caught
    if tolerated is not None and completed and failed > tolerated:
        yield parent.differs(
            Disagreement.WRONG_ITEMS,
            found=f"it completed with {failed} failed items",
            expected=f"a failure: {tolerated} are tolerated",
        )
    gave_up = failed > (tolerated or 0)
    was_stopped = caught or (end is not None and end.details.get("error_code") in STOPPED)
    aborted = sum(end.skip_reason is SkipReason.ABORTED for end in ends)
    with_others = end is not None and end.skip_reason is SkipReason.ABORTED
    if aborted and not (gave_up or was_stopped or with_others or may_be_aborted):
        yield parent.differs(
            Disagreement.WRONG_ITEMS,
            found=f"{aborted} of its items were stopped, and nothing had failed",
            expected="that all of them run",
        )
