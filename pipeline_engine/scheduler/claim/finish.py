"""What actions have found is written down: the second transaction of a blocking step.

Threads of one worker whose actions end at the same time share it. Each would else wait for the
others anyway, since their steps count down the same row: the step, or the end of the execution,
that waits for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import structlog

from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler import outbox
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.actions.results import Outcome
from pipeline_engine.scheduler.advance import outcome
from pipeline_engine.scheduler.advance.advance import advance
from pipeline_engine.scheduler.leases import still_held
from pipeline_engine.scheduler.outbox import Origin
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.transaction import Transaction, run_surviving_disconnects
from pipeline_engine.sdk import ActionResult
from pipeline_engine.storage import locking, queueing
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.postgres.session import is_unreachable

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt whose action has returned, and who ran it."""

    step: Prepared
    found: Outcome
    origin: Origin

    @property
    def awaited(self) -> Sequence[str]:
        """The external ids and keys whose events it is to wait for."""
        if isinstance(self.found, ActionResult) and self.found.awaiting_event:
            return self.found.awaited
        return ()


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What is left to whoever ran the step."""

    ids: list[int]  #: steps to go on with
    is_orphaned: bool = False  #: what the action started is to be cleaned up
    failure: str | None = None  #: the attempt failed: which step, and its code
    error: Exception | None = None


def finish(runtime: Runtime, finished: Sequence[Finished]) -> list[FollowUp]:
    """End, park, expand or retry these attempts, as far as they still belong to their tasks."""
    try:
        tx = run_surviving_disconnects(runtime, lambda tx: _settle(tx, finished))
    except Exception as error:
        # One of them, such as a plug-in's outputs, must not keep the others from their ends.
        if is_unreachable(error) or len(finished) == 1:
            raise
        log.warning("steps could not be ended together", exc_info=True)
        return [_finish_alone(runtime, one) for one in finished]
    kept = outbox.hand_over(tx, [one.origin for one in finished])
    return [
        FollowUp(
            ids,
            is_orphaned=one.step.row.id in tx.orphaned,
            failure=tx.failures.get(one.step.row.id),
        )
        for one, ids in zip(finished, kept, strict=True)
    ]


def _finish_alone(runtime: Runtime, one: Finished) -> FollowUp:
    try:
        return finish(runtime, [one])[0]
    except Exception as error:  # noqa: BLE001 (its own thread raises it)
        return FollowUp([], error=error)


def _settle(tx: Transaction, finished: Sequence[Finished]) -> None:
    ours = [one for one in finished if not tx.is_retry or _is_ours(tx, one)]
    if len(ours) > 1:
        # All at once and in order, or this and another worker could wait for each other.
        awaited = chain.from_iterable(one.awaited for one in ours)
        queueing.lock_external_ids(tx.connection, awaited)
        locking.lock_in_order(tx.connection, [one.step.row.id for one in ours])
    endings: list[Ending] = []
    for one in sorted(ours, key=lambda one: one.step.row.id):
        endings += _settled(tx, one)
    if not endings:
        tx.relax_durability()
    advance(tx, endings, durable=False)
    failpoint(Failpoint.AFTER_EXECUTE_BEFORE_COMMIT)


def _is_ours(tx: Transaction, one: Finished) -> bool:
    """Whether the first try was not committed unheard, nor the step taken away.

    Parked or expanded unheard, it would have the status and attempt of before.
    """
    row = one.step.row
    if still_held(tx.connection, [row]):
        return True
    if locking.was_stopped(tx.connection, row.id):
        tx.orphaned.add(row.id)
    return False


def _settled(tx: Transaction, one: Finished) -> list[Ending]:
    fresh = one.step.again()  # moves change the row in memory; a try may be rolled back
    return outcome.decide(tx, fresh, one.found)
